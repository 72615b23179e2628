"""`judge` over LeRobot v3.0, where episodes share files: what breaks a shard, and what only one of its episodes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curation.quality import judge
from data_contracts.lerobot import DatasetWriter

TOP = "observation.images.top"
NAMES = ["pan", "lift"]


def moving(num_frames: int) -> np.ndarray:
    return np.linspace(0, 60, num_frames)[:, None].astype(np.float32) * np.array([1, 0.5], np.float32)


def pictures(num_frames: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (num_frames, 24, 32, 3)).astype(np.uint8)


def png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def write(folder: Path, *, dtype: str, lengths: tuple[int, ...] = (20, 15, 30), black: int | None = None) -> Path:
    features = {
        "observation.state": {"dtype": "float32", "shape": [2], "names": NAMES},
        "action": {"dtype": "float32", "shape": [2], "names": NAMES},
        TOP: {"dtype": dtype, "shape": [24, 32, 3], "names": ["height", "width", "channels"]},
    }
    with DatasetWriter(folder, fps=30, robot_type="so100", features=features, video_codec="h264") as writer:
        for index, length in enumerate(lengths):
            columns = {"observation.state": moving(length), "action": moving(length) + 1}
            shown = pictures(length, index) * (index != black)
            frames = {"videos": {TOP: shown}} if dtype == "video" else {"images": {TOP: [png(p) for p in shown]}}
            writer.add_episode(columns=columns, task="Pick up the cube", **frames)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    return folder


@pytest.mark.parametrize("dtype", ["video", "image"])
def test_a_clean_dataset_has_no_findings(tmp_path: Path, dtype: str) -> None:
    judgement = judge(write(tmp_path / "d", dtype=dtype), "ann__cubes")
    assert judgement.verdict.findings == ()
    assert judgement.episodes["num_frames"].to_list() == [20, 15, 30]


@pytest.mark.parametrize("dtype", ["video", "image"])
def test_one_black_episode_among_others(tmp_path: Path, dtype: str) -> None:
    verdict = judge(write(tmp_path / "d", dtype=dtype, black=1), "ann__cubes").verdict
    assert [(f.code, f.episodes) for f in verdict.findings] == [("video.black", (1,))]


def test_a_truncated_file_rejects_the_episodes_that_lie_in_it(tmp_path: Path) -> None:
    root = write(tmp_path / "d", dtype="video")
    (video, *_) = sorted(root.glob("videos/**/*.mp4"))
    video.write_bytes(video.read_bytes()[:1000])
    verdict = judge(root, "ann__cubes").verdict
    (finding,) = [f for f in verdict.findings if f.severity == "gate"]
    assert finding.code == "video.undecodable"
    assert video.relative_to(root).as_posix() in finding.message


def test_the_data_file_of_all_episodes_lost(tmp_path: Path) -> None:
    root = write(tmp_path / "d", dtype="video")
    for path in root.glob("data/**/*.parquet"):
        path.write_bytes(path.read_bytes()[:-8])
    verdict = judge(root, "ann__cubes").verdict
    assert not verdict.accepted
    assert "data/chunk-000/file-000.parquet" in verdict.reason
