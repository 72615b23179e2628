"""Tiny datasets that tests of several rooms start from. Made, not stored."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

JOINTS = ("shoulder_pan.pos", "shoulder_lift.pos", "gripper.pos")
CAMERAS = ("observation.images.front", "observation.images.wrist")


@pytest.fixture(scope="session")
def real_datasets() -> Path:
    """Folder of real datasets by other people, where there is one."""
    folder = os.environ.get("DEFTWORKS_REAL_DATASETS")
    if not folder:
        pytest.skip("DEFTWORKS_REAL_DATASETS is not set")
    return Path(folder)


def tiny_episode(seed: int, num_frames: int = 30, size: int = 64, task: str = "Pick up the cube"):
    """Returns one lively episode: joints that move, a fixed camera with a moving block, a wrist camera that pans."""
    from simulation.legacy_formats import LegacyEpisode

    rng = np.random.default_rng(seed)
    phase_T = np.linspace(0, 3, num_frames)
    state = np.stack([30 * np.sin(phase_T + seed), 20 * np.cos(phase_T), 50 + 40 * np.sin(2 * phase_T)], axis=1)
    action = np.roll(state, -1, axis=0) + rng.normal(0, 0.2, state.shape)
    scene = rng.integers(40, 215, (size, size * 2, 3), dtype=np.uint8)
    fixed = np.repeat(scene[None, :, :size], num_frames, axis=0).copy()
    pan = np.stack([np.roll(scene, -2 * t, axis=1)[:, :size] for t in range(num_frames)])
    for t in range(num_frames):
        corner = 4 + t % (size - 20)
        fixed[t, 20:32, corner : corner + 12] = (220, 30, 30)
    columns = {"observation.state": state.astype(np.float32), "action": action.astype(np.float32)}
    return LegacyEpisode(columns=columns, task=task, videos=dict(zip(CAMERAS, (fixed, pan), strict=True)))


def write_tiny_dataset(
    folder: Path, seeds: list[int], *, version: str = "v2.1", licence: str | None = "apache-2.0", **changes
):
    """Writes a small dataset with one episode per seed."""
    from simulation.legacy_formats import vector_feature, video_feature, write_v2

    options = {"fps": 30, "robot_type": "so100", "codec": "h264", "task": "Pick up the cube", **changes}
    task = options.pop("task")
    features = {key: vector_feature(JOINTS) for key in ("observation.state", "action")}
    features |= {key: video_feature(64, 64, options["fps"], options["codec"]) for key in CAMERAS}
    episodes = [tiny_episode(seed, task=task) for seed in seeds]
    write_v2(folder, version=version, features=features, episodes=episodes, **options)
    header = f"---\nlicense: {licence}\n---\n" if licence else ""
    (folder / "README.md").write_text(f"{header}# Test recordings\n")
    return folder


@pytest.fixture
def tiny_dataset(tmp_path: Path) -> Path:
    """A clean v2.1 dataset of two episodes."""
    return write_tiny_dataset(tmp_path / "lab-a__pick-cube", [1, 2])


@pytest.fixture
def tiny_community(tmp_path: Path) -> Path:
    """Five datasets: clean v2.1, clean v2.0, a copy of an episode of the first, one without videos, and no dataset at all."""
    root = tmp_path / "community"
    write_tiny_dataset(root / "lab-a__pick-cube", [1, 2])
    write_tiny_dataset(root / "lab-b__pick-cube", [3, 4], version="v2.0", codec="av1")
    write_tiny_dataset(root / "lab-c__copied", [1, 5])
    broken = write_tiny_dataset(root / "lab-d__lost-videos", [6])
    for video in broken.rglob("*.mp4"):
        video.unlink()
    (root / "lab-e__empty" / "meta").mkdir(parents=True)
    (root / "lab-e__empty" / "meta" / "info.json").write_text("")
    return root


@pytest.fixture
def write_dataset() -> Callable[..., Path]:
    """`write_tiny_dataset`, for tests that need their own."""
    return write_tiny_dataset
