"""The writer of v2.0 and v2.1 datasets: files, templates, metadata, values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from data_contracts.errors import SimulationError
from simulation.legacy_formats import LegacyEpisode, vector_feature, video_feature, write_v2
from simulation.legacy_statistics import aggregate, image_statistics, numeric_statistics

CAMERA = "observation.images.top"
LENGTHS = (6, 9, 5)


def _episode(index: int) -> LegacyEpisode:
    rng = np.random.default_rng(index)
    length = LENGTHS[index]
    columns = {"observation.state": rng.normal(size=(length, 3)), "action": rng.normal(size=(length, 3))}
    frames = rng.integers(0, 256, (length, 64, 96, 3), np.uint8)
    return LegacyEpisode(columns, f"task {index % 2}", {CAMERA: frames})


def _write(folder: Path, version: str = "v2.1", codec: str = "h264") -> Path:
    features = {
        "observation.state": vector_feature("xyz"),
        "action": vector_feature("xyz"),
        CAMERA: video_feature(64, 96, 30, codec),
    }
    episodes = [_episode(index) for index in range(3)]
    write_v2(
        folder, version=version, fps=30, robot_type="so100", features=features, episodes=episodes, codec=codec,
        chunks_size=2,
    )  # fmt: skip
    return folder


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("version", "statistics"), [("v2.0", "stats.json"), ("v2.1", "episodes_stats.jsonl")])
def test_layout(tmp_path: Path, version: str, statistics: str) -> None:
    folder = _write(tmp_path / "d", version)
    meta = {f"meta/{name}" for name in ("info.json", "tasks.jsonl", "episodes.jsonl", statistics)}
    places = [(0, 0), (0, 1), (1, 2)]
    data = {f"data/chunk-{chunk:03d}/episode_{episode:06d}.parquet" for chunk, episode in places}
    videos = {f"videos/chunk-{chunk:03d}/{CAMERA}/episode_{episode:06d}.mp4" for chunk, episode in places}
    assert _files(folder) == meta | data | videos


def test_info_counts_what_was_written(tmp_path: Path) -> None:
    info = json.loads((_write(tmp_path / "d") / "meta/info.json").read_text())
    expected = {
        "codebase_version": "v2.1", "total_episodes": 3, "total_frames": 20, "total_tasks": 2, "total_videos": 3,
        "total_chunks": 2, "chunks_size": 2, "splits": {"train": "0:3"}, "robot_type": "so100", "fps": 30,
    }  # fmt: skip
    assert {key: info[key] for key in expected} == expected
    path = info["data_path"].format(episode_chunk=1, episode_index=2)
    assert (tmp_path / "d" / path).is_file()


def test_rows_carry_values_and_a_regular_clock(tmp_path: Path) -> None:
    table = pq.read_table(_write(tmp_path / "d") / "data/chunk-000/episode_000001.parquet")
    expected = _episode(1).columns["action"].astype(np.float32)
    np.testing.assert_array_equal(np.array(table["action"].to_pylist(), np.float32), expected)
    np.testing.assert_allclose(table["timestamp"].to_numpy(), np.arange(9) / 30, atol=1e-7)
    assert table["index"].to_pylist() == list(range(6, 15))
    assert set(table["task_index"].to_pylist()) == {1}


def test_a_given_clock_is_kept(tmp_path: Path) -> None:
    clock = np.array([0.0, 0.1, 0.4, 0.5])
    episode = LegacyEpisode({"action": np.zeros((4, 1)), "timestamp": clock}, "wait")
    write_v2(
        tmp_path / "d", version="v2.0", fps=10, robot_type=None, features={"action": vector_feature("a")},
        episodes=[episode],
    )  # fmt: skip
    table = pq.read_table(tmp_path / "d/data/chunk-000/episode_000000.parquet")
    np.testing.assert_allclose(table["timestamp"].to_numpy(), clock, atol=1e-7)


@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_the_reader_finds_nothing_wrong(tmp_path: Path, codec: str) -> None:
    from data_contracts.lerobot import open_dataset

    dataset = open_dataset(_write(tmp_path / "d", "v2.1", codec))
    frames = dataset.episode(1).frames(CAMERA)
    assert dataset.findings == []
    assert frames.codec == codec
    assert len(frames) == 9
    assert dataset.episode(1).task == "task 1"


def test_the_same_episodes_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = _write(tmp_path / "one"), _write(tmp_path / "two")
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in _files(one))


def test_statistics_of_a_dataset_are_those_of_all_its_rows() -> None:
    parts = [np.random.default_rng(i).normal(i, 1 + i, (n, 2)) for i, n in enumerate((5, 40))]
    whole = np.concatenate(parts)
    statistics = aggregate([{"action": numeric_statistics(part)} for part in parts])["action"]
    np.testing.assert_allclose(statistics["mean"], whole.mean(axis=0))
    np.testing.assert_allclose(statistics["std"], whole.std(axis=0))
    assert statistics["max"] == whole.max(axis=0).tolist()


def test_image_statistics_lie_between_zero_and_one() -> None:
    frames = np.zeros((4, 8, 8, 3), np.uint8)
    frames[..., 0] = 255
    statistics = image_statistics(frames)
    assert np.shape(statistics["mean"]) == (3, 1, 1)
    assert np.ravel(statistics["mean"]).tolist() == [1, 0, 0]
    np.testing.assert_allclose(np.ravel(statistics["std"]), 0)
    assert statistics["count"] == [4]


def test_an_episode_that_lacks_a_feature_is_refused(tmp_path: Path) -> None:
    features = {"action": vector_feature("a"), CAMERA: video_feature(64, 64, 10, "h264")}
    with pytest.raises(SimulationError, match=r"Episode 0 lacks observation\.images\.top"):
        write_v2(
            tmp_path, version="v2.1", fps=10, robot_type=None, features=features,
            episodes=[LegacyEpisode({"action": np.zeros((2, 1))}, "")],
        )  # fmt: skip


def test_v3_is_not_a_legacy_format(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"'v3\.0' is not a legacy format"):
        write_v2(tmp_path, version="v3.0", fps=10, robot_type=None, features={}, episodes=[])
