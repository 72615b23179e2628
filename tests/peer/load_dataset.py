"""Loads a v3.0 folder with LeRobot 0.4.4 and writes down what it sees. Runs in the peer's interpreter (`build.sh`).

    HF_HUB_OFFLINE=1 .peer/bin/python tests/peer/load_dataset.py <dataset folder> <output folder> [--frames]

<output folder>/episode_000000.npz per episode: state, action, timestamp, index, and with --frames the decoded frames as
uint8 (T, H, W, 3) under the camera keys; <output folder>/summary.json: tasks, sha256 of the frames, statistics, features.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset


def main(folder: Path, output: Path, has_frames: bool) -> None:
    dataset = LeRobotDataset(f"peer/{folder.name}", root=folder, video_backend="torchcodec")
    episodes: dict[int, list[dict]] = {}
    for row in range(len(dataset)):
        item = dataset[row]
        episodes.setdefault(int(item["episode_index"]), []).append(item)
    output.mkdir(parents=True, exist_ok=True)
    summary = {
        "fps": dataset.fps,
        "num_episodes": dataset.num_episodes,
        "features": sorted(dataset.features),
        "episodes": [],
        "stats": {
            key: {name: np.asarray(value).tolist() for name, value in stats.items()}
            for key, stats in dataset.meta.stats.items()
        },
    }
    for episode, items in sorted(episodes.items()):
        summary["episodes"].append(write_episode(dataset, episode, items, output, has_frames))
    (output / "summary.json").write_text(json.dumps(summary))


def write_episode(dataset: LeRobotDataset, episode: int, items: list[dict], output: Path, has_frames: bool) -> dict:
    columns = ("observation.state", "action", "timestamp", "index", "frame_index", "task_index")
    arrays = {key: np.stack([np.asarray(item[key]) for item in items]) for key in columns if key in items[0]}
    frames = {
        key: np.stack([(item[key] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy() for item in items])
        for key in dataset.meta.camera_keys
    }
    np.savez(output / f"episode_{episode:06d}.npz", **arrays, **(frames if has_frames else {}))
    return {
        "episode_index": episode,
        "tasks": [item["task"] for item in items],
        "frames_sha256": {key: [hashlib.sha256(f.tobytes()).hexdigest() for f in clip] for key, clip in frames.items()},
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), "--frames" in sys.argv[3:])
