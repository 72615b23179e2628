"""Builders of facts and of tiny datasets, so that each test names only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from curation.quality.camera_facts import CameraFacts
from curation.quality.facts import DatasetFacts, EpisodeFacts
from curation.quality.movement import summarise
from simulation.legacy_formats import LegacyEpisode, vector_feature, video_feature, write_v2

FPS = 30
TOP = "observation.images.top"
WRIST = "observation.images.wrist"


def reaching(num_frames: int = 60, joints: int = 3) -> np.ndarray:
    """A smooth motion in degrees, float32 (T, joints)."""
    phase = np.linspace(0, np.pi, num_frames)[:, None]
    return (40 * np.sin(phase + np.arange(joints))).astype(np.float32)


@pytest.fixture
def make_episode() -> Callable[..., EpisodeFacts]:
    def make(
        motion_TS: np.ndarray | None = None, *, index: int = 0, fps: float = FPS, **fields: object
    ) -> EpisodeFacts:
        state_TS = reaching() if motion_TS is None else np.asarray(motion_TS, np.float32)
        times_s = (np.arange(len(state_TS)) / fps).astype(np.float32).astype(np.float64)
        plain = EpisodeFacts(index=index, fps=fps, timestamps_s=times_s, state_TS=state_TS, action_TA=state_TS.copy())
        return replace(plain, **fields)

    return make


@pytest.fixture
def make_camera() -> Callable[..., CameraFacts]:
    def make(**fields: object) -> CameraFacts:
        pictures = np.random.default_rng(0).integers(40, 200, (3, 24, 32)).astype(np.uint8)
        plain = CameraFacts(
            episode=0, key=TOP, file="videos/top.mp4", declared_codec="h264", declared_size=(24, 32), codec="h264",
            size=(24, 32), num_frames=60, numbers_N=np.array([0, 30, 59]), thumbs_NHW=pictures,
        )  # fmt: skip
        return replace(plain, **fields)

    return make


@pytest.fixture
def make_dataset() -> Callable[..., DatasetFacts]:
    def make(*episodes: EpisodeFacts, **fields: object) -> DatasetFacts:
        plain = DatasetFacts(
            dataset_id="ann__cubes", robot_type="so100", licence="apache-2.0", declared_cameras=(TOP,),
            num_episodes=len(episodes), episodes=tuple(summarise(episode) for episode in episodes),
        )  # fmt: skip
        return replace(plain, **fields)

    return make


@pytest.fixture
def write_dataset() -> Callable[..., Path]:
    """Writes a clean little dataset: 20 frames at 30 fps, 32x24 pixels; `damage` may change each episode before."""

    def write(
        folder: Path, *, num_episodes: int = 3, cameras: tuple[str, ...] = (TOP,), version: str = "v2.1",
        task: str = "Pick up the cube", damage: Callable[[int, LegacyEpisode], LegacyEpisode] | None = None,
    ) -> Path:  # fmt: skip
        names = ["pan", "lift", "gripper"]
        features = {"observation.state": vector_feature(names), "action": vector_feature(names)}
        features |= {key: video_feature(24, 32, FPS, "h264") for key in cameras}
        episodes = []
        for index in range(num_episodes):
            noise = np.random.default_rng(index)
            columns = {"observation.state": reaching(20) + index, "action": reaching(20) + index + 1}
            videos = {key: noise.integers(0, 255, (20, 24, 32, 3)).astype(np.uint8) for key in cameras}
            episode = LegacyEpisode(columns, task, videos)
            episodes.append(damage(index, episode) if damage else episode)
        write_v2(folder, version=version, fps=FPS, robot_type="so100", features=features, episodes=episodes)
        (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\nRecorded on a desk.\n")
        return folder

    return write
