"""v2.1 datasets of any size for timing: six joints, two cameras of 480 x 640, a few seconds an episode.

Three clips per camera are encoded once; every episode has one of them as a file of its own, so that 500 episodes cost the
time of three. Rows are new in each episode.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np

from data_contracts.lerobot.encode import encode_video
from data_contracts.stages import write_json
from simulation.legacy_formats import LegacyEpisode, vector_feature, video_feature, write_json_lines, write_v2
from simulation.legacy_statistics import image_statistics
from simulation.so100_units import JOINT_NAMES

CAMERAS = ("observation.images.front", "observation.images.wrist")
FPS = 30
LENGTHS = (90, 120, 150)
SIZE = (480, 640)
TASKS = ("Pick up the cube and place it in the box", "Put the pen into the cup")


def write_set(folder: Path, num_episodes: int, codec: str, cameras: tuple[str, ...] = CAMERAS) -> Path:
    """Writes a clean v2.1 dataset of that many episodes, and returns its folder."""
    rng = np.random.default_rng(20260)
    features = {key: vector_feature(JOINT_NAMES) for key in ("observation.state", "action")}
    episodes = (_rows(rng, LENGTHS[n % 3], TASKS[n % 2]) for n in range(num_episodes))
    write_v2(folder, version="v2.1", fps=FPS, robot_type="so100", features=features, episodes=episodes)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Generated recordings\n")
    _add_videos(folder, num_episodes, codec, cameras, rng)
    return folder


def _rows(rng: np.random.Generator, length: int, task: str) -> LegacyEpisode:
    phase_T = np.linspace(0, 6, length)[:, None]
    state = 60 * np.sin(phase_T + rng.uniform(0, 6, 6)) + [0, 0, 0, 60, 0, 0] + rng.normal(0, 0.1, (length, 6))
    action = np.roll(state, -1, axis=0)
    return LegacyEpisode({"observation.state": state.astype("f4"), "action": action.astype("f4")}, task)


def _add_videos(
    folder: Path, num_episodes: int, codec: str, cameras: tuple[str, ...], rng: np.random.Generator
) -> None:
    clips = {
        (key, length): _clip(folder / f"{number}-{length}.mp4", length, codec, rng)
        for number, key in enumerate(cameras)
        for length in LENGTHS
    }
    statistics = [json.loads(line) for line in (folder / "meta/episodes_stats.jsonl").read_text().splitlines()]
    for episode in range(num_episodes):
        for key in cameras:
            clip, known = clips[key, LENGTHS[episode % 3]]
            target = folder / f"videos/chunk-{episode // 1000:03d}/{key}/episode_{episode:06d}.mp4"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(clip, target)
            statistics[episode]["stats"][key] = known
    for clip, _ in clips.values():
        clip.unlink()
    write_json_lines(folder / "meta/episodes_stats.jsonl", statistics)
    info = json.loads((folder / "meta/info.json").read_text())
    info["features"] |= {key: video_feature(*SIZE, FPS, codec) for key in cameras}
    info |= {
        "total_videos": num_episodes * len(cameras),
        "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
    }
    write_json(folder / "meta/info.json", info)


def _clip(path: Path, length: int, codec: str, rng: np.random.Generator) -> tuple[Path, dict]:
    """Encodes a textured scene in which a block moves; returns the file and the statistics of its pictures."""
    coarse = rng.integers(30, 220, (30, 40, 3), dtype=np.uint8)
    scene = coarse.repeat(16, axis=0).repeat(16, axis=1)
    frames = np.repeat(scene[None], length, axis=0)
    for t in range(length):
        left = 20 + (4 * t) % 560
        frames[t, 200:260, left : left + 60] = (220, 40, 40)
    encode_video(frames, path, fps=FPS, codec=codec)
    return path, image_statistics(frames)


if __name__ == "__main__":
    write_set(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
