"""Loads two v3.0 folders with LeRobot 0.4.4 and compares what it sees. Runs in the peer's interpreter (`build.sh`).

    HF_HUB_OFFLINE=1 .peer/bin/python tests/peer/compare_datasets.py <folder> <folder>

Every row of state and action, the task of every episode, and frames at both ends and in the middle of some episodes must be
equal. Prints one line of JSON; the exit status is 1 where something differs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset

NUM_EPISODES_WITH_FRAMES = 8


def main(first: Path, second: Path) -> None:
    a, b = (LeRobotDataset("peer/result", root=folder, video_backend="torchcodec") for folder in (first, second))
    differences = []
    if (len(a), a.num_episodes, sorted(a.features)) != (len(b), b.num_episodes, sorted(b.features)):
        differences.append(f"{len(a)} frames, {a.num_episodes} episodes, {sorted(a.features)} against "
                           f"{len(b)}, {b.num_episodes}, {sorted(b.features)}")  # fmt: skip
    else:
        differences += rows_that_differ(a, b) + frames_that_differ(a, b)
    said = (
        f"all {len(a)} rows of state, action, clock and task equal in {a.num_episodes} episodes, and the frames at both ends "
        f"and in the middle of {min(NUM_EPISODES_WITH_FRAMES, a.num_episodes)} of them"
    )
    print(json.dumps({"said": "; ".join(differences[:5]) or said}))
    sys.exit(1 if differences else 0)


def rows_that_differ(a: LeRobotDataset, b: LeRobotDataset) -> list[str]:
    found = []
    for key in ("observation.state", "action", "timestamp", "episode_index", "frame_index", "index"):
        left, right = (np.asarray(d.hf_dataset.with_format("numpy")[:][key]) for d in (a, b))
        if not np.array_equal(left, right):
            found.append(f"{key} differs")
    left, right = (
        [d.meta.tasks.iloc[int(index)].name for index in d.hf_dataset.with_format("numpy")[:]["task_index"]]
        for d in (a, b)
    )
    return found if left == right else [*found, "task differs"]


def frames_that_differ(a: LeRobotDataset, b: LeRobotDataset) -> list[str]:
    found = []
    last = a.num_episodes - 1
    for episode in sorted({round(place) for place in np.linspace(0, last, NUM_EPISODES_WITH_FRAMES)}):
        start, stop = (int(a.meta.episodes[episode][f"dataset_{end}_index"]) for end in ("from", "to"))
        for row in (start, (start + stop) // 2, stop - 1):
            left, right = a[row], b[row]
            for key in a.meta.camera_keys:
                if not np.array_equal(left[key].numpy(), right[key].numpy()):
                    found.append(f"{key} differs at row {row}")
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
