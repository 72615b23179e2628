"""What the writer refuses, and that a refusal leaves nothing behind."""

from __future__ import annotations

import numpy as np
import pytest

from data_contracts.errors import ContractError, VideoUnreadable
from data_contracts.lerobot import DatasetWriter, Feature, VideoSegment, open_dataset
from tests.data_contracts.lerobot.writing import CAMERA, FEATURES, assert_same, carry_over, columns


@pytest.mark.parametrize("fps", [29.97, 0, -10])
def test_fps_must_be_whole(tmp_path, fps):
    with pytest.raises(ContractError, match="frames per second cannot be written"):
        DatasetWriter(tmp_path, fps=fps, robot_type=None, features=FEATURES)


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"dtype": "float32", "shape": [3], "names": ["a"]}, None),
        (Feature("x", "float32", (3,), ("a",)), "1 names for 3 values"),
        (Feature("x", "language", (1,)), "'language', which is not written"),
        (Feature("x", "float32", (1, 1, 1, 1, 1, 1)), "6 axes"),
        ({"shape": [1]}, "has no dtype"),
    ],
)
def test_features_that_cannot_be_written(tmp_path, feature, message):
    if message is None:
        assert DatasetWriter(tmp_path, fps=10, robot_type=None, features={"x": feature}).features["x"].names is None
        return
    with pytest.raises(ContractError, match=message):
        DatasetWriter(tmp_path, fps=10, robot_type=None, features={"x": feature})


def test_keys_with_a_slash_are_refused(tmp_path):
    with pytest.raises(ContractError, match="cannot be a feature"):
        DatasetWriter(tmp_path, fps=10, robot_type=None, features={"../x": Feature("../x", "float32", (1,))})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"action": None}, "lacks action"),
        ({"extra": np.zeros(5)}, "has extra, which was not declared"),
        ({"timestamp": np.zeros(5)}, "has timestamp"),
        ({"action": np.zeros((5, 3))}, r"shape \(3,\) per row; \(2,\) is declared"),
        ({"action": np.zeros((4, 2))}, "differ in length"),
        ({"action": np.full((5, 2), np.nan)}, "not finite"),
        ({"action": np.array([["x", "y"]] * 5)}, "holds no float32"),
    ],
)
def test_columns_that_do_not_fit(tmp_path, change, message):
    given = {key: value for key, value in (columns(5) | change).items() if value is not None}
    writer = DatasetWriter(tmp_path, fps=10, robot_type=None, features=FEATURES)
    with pytest.raises(ContractError, match=message):
        writer.add_episode(columns=given, task="a")


def test_a_refused_episode_leaves_no_trace(stored, tmp_path, codes):
    source = open_dataset(stored["v2.1"])
    first = source.episode(0)
    arrays = {key: first.array(key) for key in ("observation.state", "action")}
    with DatasetWriter(tmp_path / "new", fps=10, robot_type=None, features=source.features) as writer:
        with pytest.raises(ContractError, match="6 frames for an episode of 8 rows"):
            writer.add_episode(columns=arrays, task="x", videos={CAMERA: source.episode(1).video_segment(CAMERA)})
        with pytest.raises(VideoUnreadable):
            writer.add_episode(columns=arrays, task="y", videos={CAMERA: VideoSegment(tmp_path / "none.mp4", 0, 8)})
        carry_over(source, writer)
    written = open_dataset(tmp_path / "new")
    assert codes(written) == {}
    assert written.tasks == source.tasks
    assert_same(source, written, (0, 1, 2))


def test_a_video_that_is_longer_than_its_rows_is_refused(stored, tmp_path):
    """Frames of a discarded take would shift everything behind them."""
    source = open_dataset(stored["v2.1"])
    writer = DatasetWriter(tmp_path, fps=10, robot_type=None, features=FEATURES | {CAMERA: source.features[CAMERA]})
    with pytest.raises(ContractError, match="10 frames for an episode of 8 rows"):
        writer.add_episode(columns=columns(8), task="a", videos={CAMERA: source.episode(2).video_segment(CAMERA)})


def test_frames_of_a_refused_episode_are_removed(tmp_path):
    features = FEATURES | {CAMERA: Feature(CAMERA, "video", (32, 32, 3))}
    with DatasetWriter(tmp_path, fps=10, robot_type=None, features=features, video_codec="h264") as writer:
        writer.add_episode(columns=columns(4), task="a", videos={CAMERA: np.zeros((4, 32, 32, 3), np.uint8)})
        with pytest.raises(ContractError, match="5 frames for an episode of 4 rows"):
            writer.add_episode(columns=columns(4), task="a", videos={CAMERA: np.zeros((5, 32, 32, 3), np.uint8)})
    assert [path.name for path in tmp_path.rglob("*.mp4")] == ["file-000.mp4"]


def test_cameras_of_another_size_are_refused(tmp_path):
    features = FEATURES | {CAMERA: Feature(CAMERA, "video", (32, 32, 3))}
    writer = DatasetWriter(tmp_path, fps=10, robot_type=None, features=features, video_codec="h264")
    writer.add_episode(columns=columns(4), task="a", videos={CAMERA: np.zeros((4, 32, 32, 3), np.uint8)})
    with pytest.raises(ContractError, match=r"48x32 .*32x32 before"):
        writer.add_episode(columns=columns(4), task="a", videos={CAMERA: np.zeros((4, 32, 48, 3), np.uint8)})


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((4, 32, 32, 3), np.float32), "float32"),
        (np.zeros((4, 31, 32, 3), np.uint8), "even width and height"),
        (np.zeros((0, 32, 32, 3), np.uint8), "No frames"),
        ([np.zeros((32, 32, 3), np.uint8), np.zeros((32, 48, 3), np.uint8)], "the first one is"),
    ],
)
def test_frames_that_cannot_be_encoded(tmp_path, frames, message):
    features = FEATURES | {CAMERA: Feature(CAMERA, "video", (32, 32, 3))}
    writer = DatasetWriter(tmp_path, fps=10, robot_type=None, features=features, video_codec="h264")
    with pytest.raises(ContractError, match=message):
        writer.add_episode(columns=columns(4), task="a", videos={CAMERA: frames})


def test_nothing_is_finished_after_an_exception(tmp_path):
    def fail() -> None:
        with DatasetWriter(tmp_path, fps=10, robot_type=None, features=FEATURES) as writer:
            writer.add_episode(columns=columns(5), task="a")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not (tmp_path / "meta").exists()


def test_an_empty_dataset_and_a_used_folder_are_refused(tmp_path):
    with (
        pytest.raises(ContractError, match="No episode was written"),
        DatasetWriter(tmp_path, fps=10, robot_type=None, features=FEATURES),
    ):
        pass
    with DatasetWriter(tmp_path, fps=10, robot_type=None, features=FEATURES) as writer:
        writer.add_episode(columns=columns(5), task="a")
    with pytest.raises(ContractError, match="holds a dataset already"):
        DatasetWriter(tmp_path, fps=10, robot_type=None, features=FEATURES)
