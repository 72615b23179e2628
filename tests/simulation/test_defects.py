"""Each planted defect is what it says. Needs no simulator: the datasets are made of numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data_contracts.errors import SimulationError, VideoUnreadable
from data_contracts.lerobot import open_dataset
from simulation.community_table import CommunityDataset
from simulation.defects import OF_RECORDINGS, damage_files, with_defects
from simulation.legacy_formats import LegacyEpisode, vector_feature, video_feature, write_v2

CAMERA = "observation.images.top"
FPS = 10
FINDINGS = {
    "missing_video": "structure.missing_video",
    "truncated_video": "video.undecodable",
    "wrong_codec": "video.codec_mismatch",
    "stale_totals": "structure.count_mismatch",
    "no_data": "structure.missing_data",
    "static": "motion.static",
    "stub": "motion.stub",
    "jump": "motion.jump",
    "not_finite": "motion.not_finite",
    "irregular_timestamps": "time.irregular_step",
    "placeholder_task": "text.placeholder_task",
    "upside_down": "video.upside_down",
}


def _row(kind: str, *, version: str = "v2.1", text: str | None = None) -> CommunityDataset:
    defect = {"kind": kind, "finding": FINDINGS[kind], "episodes": (1,), "camera": CAMERA, "text": text}
    return CommunityDataset.model_validate(
        {
            "id": "lab__data", "world": "metaworld/reach-v3", "version": version, "codec": "h264", "num_episodes": 3,
            "first_seed": 0, "size": (64, 64), "tasks": ("Reach",), "cameras": ({"key": CAMERA, "view": "top"},),
            "defect": (defect,),
        }
    )  # fmt: skip


def _episode(index: int) -> LegacyEpisode:
    rng = np.random.default_rng(index)
    columns = {"observation.state": rng.normal(size=(40, 2)), "action": rng.normal(size=(40, 2))}
    return LegacyEpisode(columns, "Reach", {CAMERA: rng.integers(0, 256, (40, 64, 64, 3), np.uint8)})


def _damaged(folder: Path, row: CommunityDataset) -> Path:
    features = {key: vector_feature("xy") for key in ("observation.state", "action")}
    write_v2(
        folder, version="v2.1", fps=FPS, robot_type="sawyer",
        features=features | {CAMERA: video_feature(64, 64, FPS, "h264")}, episodes=map(_episode, range(3)),
    )  # fmt: skip
    damage_files(folder, row)
    return folder


@pytest.mark.parametrize("kind", sorted(OF_RECORDINGS))
def test_only_the_named_episode_is_changed(kind: str) -> None:
    untouched, changed = (with_defects(_episode(i), i, _row(kind), FPS) for i in (0, 1))
    np.testing.assert_array_equal(untouched.columns["action"], _episode(0).columns["action"])
    np.testing.assert_array_equal(untouched.videos[CAMERA], _episode(0).videos[CAMERA])
    assert untouched.task == "Reach"
    original = _episode(1)
    assert (
        changed.task != original.task
        or changed.columns.keys() != original.columns.keys()
        or not np.array_equal(changed.columns["observation.state"], original.columns["observation.state"])
        or not np.array_equal(changed.videos[CAMERA], original.videos[CAMERA])
    )


def _changed(kind: str, text: str | None = None) -> LegacyEpisode:
    return with_defects(_episode(1), 1, _row(kind, text=text), FPS)


def test_static_stands_still_in_numbers_and_pictures() -> None:
    episode = _changed("static")
    assert len(episode.columns["action"]) == 40
    assert np.ptp(episode.columns["action"], axis=0).max() == 0
    assert np.ptp(episode.videos[CAMERA], axis=0).max() == 0


def test_stub_is_three_frames_everywhere() -> None:
    episode = _changed("stub")
    assert {len(values) for values in (*episode.columns.values(), *episode.videos.values())} == {3}


def test_not_finite_is_some_of_the_state() -> None:
    state = _changed("not_finite").columns["observation.state"]
    assert np.isnan(state).any(axis=1).sum() == 5


def test_irregular_timestamps_increase_with_gaps() -> None:
    steps = np.diff(_changed("irregular_timestamps").columns["timestamp"])
    np.testing.assert_allclose(np.unique(steps.round(6)), [0.1, 0.25])


def test_placeholder_task_is_the_given_text() -> None:
    assert _changed("placeholder_task", text="<task>").task == "<task>"


def test_upside_down_turns_the_picture() -> None:
    np.testing.assert_array_equal(_changed("upside_down").videos[CAMERA][:, ::-1, ::-1], _episode(1).videos[CAMERA])


def test_missing_video_is_missing_for_the_reader(tmp_path: Path) -> None:
    dataset = open_dataset(_damaged(tmp_path / "d", _row("missing_video")))
    assert [dataset.episode(i).has_video(CAMERA) for i in range(3)] == [True, False, True]
    assert [(finding.code, finding.episodes) for finding in dataset.findings] == [("structure.missing_video", (1,))]


def test_truncated_video_cannot_be_decoded(tmp_path: Path) -> None:
    dataset = open_dataset(_damaged(tmp_path / "d", _row("truncated_video")))
    assert dataset.episode(0).frames(CAMERA).decode([39]).shape == (1, 64, 64, 3)
    with pytest.raises(VideoUnreadable):
        dataset.episode(1).frames(CAMERA).decode([0])


def test_wrong_codec_is_only_declared(tmp_path: Path) -> None:
    dataset = open_dataset(_damaged(tmp_path / "d", _row("wrong_codec", text="av1")))
    assert dataset.features[CAMERA].info["video.codec"] == "av1"
    assert dataset.episode(0).frames(CAMERA).codec == "h264"


def test_stale_totals_disagree_with_the_tables(tmp_path: Path) -> None:
    folder = _damaged(tmp_path / "d", _row("stale_totals"))
    assert json.loads((folder / "meta/info.json").read_text())["total_episodes"] == 1
    assert "structure.count_mismatch" in {finding.code for finding in open_dataset(folder).findings}


def test_no_data_leaves_metadata_and_videos(tmp_path: Path) -> None:
    folder = _damaged(tmp_path / "d", _row("no_data"))
    assert not list(folder.rglob("*.parquet"))
    assert "structure.missing_data" in {finding.code for finding in open_dataset(folder).findings}


def test_files_of_v3_are_left_alone(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"missing_video can only be planted in v2\.0 and v2\.1"):
        damage_files(tmp_path, _row("missing_video", version="v3.0"))
