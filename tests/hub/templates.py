"""Tiny datasets that the local Hub serves under thousands of names: each kind is written once and shared.

Kinds: three that are accepted (v2.0, v2.1, v3.0), and one for each point at which fetching may stop.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

CAMERA = "observation.images.front"
JOINTS = ("shoulder_pan.pos", "shoulder_lift.pos", "elbow_flex.pos", "wrist_flex.pos", "wrist_roll.pos", "gripper.pos")
FPS = 10
NUM_FRAMES = 30
SIZE = 64
ACCEPTED = ("v21", "v20", "v30")
STOPS = {
    "still": "rows",
    "unknown_version": "metadata",
    "empty_info": "metadata",
    "no_episodes": "metadata",
    "no_dataset": "metadata",
}
"""Kinds that are not worth fetching whole, and how far fetching goes."""

Files = Mapping[str, bytes]


@lru_cache(maxsize=1)
def templates() -> dict[str, Files]:
    """Returns the files of each kind. A README is added by the server, as it carries the name."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        found = {
            "v21": _written_v2(root / "v21", "v2.1", robot_type="so100"),
            "v20": _written_v2(root / "v20", "v2.0", robot_type="so101_follower"),
            "v30": _written_v3(root / "v30"),
            "koch": _written_v2(root / "koch", "v2.1", robot_type="koch"),
            "still": _written_v2(root / "still", "v2.1", robot_type="so100", speed=0.0),
        }
    info = json.loads(found["v21"]["meta/info.json"])
    found["unknown_version"] = _with_info(found["v21"], json.dumps(info | {"codebase_version": "v9.9"}).encode())
    found["empty_info"] = _with_info(found["v21"], b"")
    no_episodes = json.dumps(info | {"total_episodes": 0}).encode()
    found["no_episodes"] = {"meta/info.json": no_episodes, "meta/episodes.jsonl": b"", "meta/tasks.jsonl": b""}
    found["no_dataset"] = {"train.csv": b"a,b\n1,2\n", "data/train.parquet": found["v21"][DATA_FILE]}
    return found


DATA_FILE = "data/chunk-000/episode_000000.parquet"


def _with_info(files: Files, content: bytes) -> Files:
    return {**files, "meta/info.json": content}


def _written_v2(folder: Path, version: str, *, robot_type: str, speed: float = 1.0) -> Files:
    from simulation.legacy_formats import LegacyEpisode, vector_feature, video_feature, write_v2

    columns, frames = _episode(speed)
    features = {key: vector_feature(JOINTS) for key in columns} | {CAMERA: video_feature(SIZE, SIZE, FPS, "h264")}
    episode = LegacyEpisode(columns=columns, task="Pick up the red cube", videos={CAMERA: frames})
    write_v2(folder, version=version, fps=FPS, robot_type=robot_type, features=features, episodes=[episode])
    return _files_in(folder)


def _written_v3(folder: Path) -> Files:
    from data_contracts.lerobot import DatasetWriter
    from simulation.legacy_formats import vector_feature, video_feature

    columns, frames = _episode(1.0)
    features = {key: vector_feature(JOINTS) for key in columns} | {CAMERA: video_feature(SIZE, SIZE, FPS, "h264")}
    with DatasetWriter(folder, fps=FPS, robot_type="so_follower", features=features, video_codec="h264") as writer:
        writer.add_episode(columns=columns, task="Pick up the red cube", videos={CAMERA: frames})
    return _files_in(folder)


def _episode(speed: float) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(7)
    phase_T = np.linspace(0, 3, NUM_FRAMES)
    state = np.stack([(20 + 5 * j) * np.sin(speed * phase_T + j) for j in range(len(JOINTS))], axis=1)
    action = np.roll(state, -1, axis=0)
    action[-1] = state[-1]
    if speed:
        action = action + rng.normal(0, 0.1, action.shape)
    frames = np.repeat(rng.integers(60, 190, (1, SIZE, SIZE, 3), dtype=np.uint8), NUM_FRAMES, axis=0)
    for t in range(NUM_FRAMES):
        frames[t, 20:32, 4 + t : 16 + t] = (220, 30, 30)
    columns = {"observation.state": state.astype(np.float32), "action": action.astype(np.float32)}
    return columns, frames


def _files_in(folder: Path) -> Files:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
