"""What is written is v3.0 that holds what was given. LeRobot itself reads it in `test_peer`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.lerobot import DatasetWriter, Feature, VideoSegment, open_dataset
from data_contracts.lerobot.encode import encode_video
from data_contracts.lerobot.video import video_index
from tests.data_contracts.lerobot.writing import CAMERA, FEATURES, assert_same, carry_over, columns, png, tree_hashes


@pytest.mark.parametrize("version", ["v2.0", "v2.1", "v3.0"])
def test_every_version_becomes_the_same_v3(stored, tmp_path, codes, version):
    source = open_dataset(stored[version])
    with DatasetWriter(tmp_path / "new", fps=source.fps, robot_type="so100", features=source.features) as writer:
        carry_over(source, writer)
    written = open_dataset(tmp_path / "new")
    assert codes(written) == {}
    assert written.version == "v3.0"
    assert_same(source, written, (0, 1, 2))
    assert writer.reencoded == []
    np.testing.assert_array_equal(written.episode(2).timestamps_s, (np.arange(10) / 10).astype(np.float32))


def test_whole_files_are_linked(stored, tmp_path):
    """v2: one file per episode; v3: the file of all episodes, when all are kept."""
    for version, count in (("v2.1", 3), ("v3.0", 1)):
        source = open_dataset(stored[version])
        folder = tmp_path / version
        with DatasetWriter(folder, fps=10, robot_type=None, features=source.features) as writer:
            carry_over(source, writer)
        videos = sorted(folder.glob("videos/*/*/*.mp4"))
        assert [video.name for video in videos] == [f"file-{n:03d}.mp4" for n in range(count)]
        segment = source.episode(0).video_segment(CAMERA)
        assert videos[0].samefile(segment.path)
        assert not any(path.is_symlink() for path in folder.rglob("*"))


def test_a_copy_is_made_where_links_are_refused(stored, tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    source = open_dataset(stored["v2.1"])
    with DatasetWriter(tmp_path / "new", fps=10, robot_type=None, features=source.features) as writer:
        carry_over(source, writer)
    assert_same(source, open_dataset(tmp_path / "new"), (0, 1, 2))


@pytest.mark.parametrize("kept", [(0, 2), (1,), (1, 2), (2, 0), (2, 1, 0)])
def test_parts_of_a_shard_are_cut_without_encoding(stored, tmp_path, codes, kept):
    source = open_dataset(stored["v3.0"])
    with DatasetWriter(tmp_path / "new", fps=10, robot_type=None, features=source.features) as writer:
        carry_over(source, writer, kept)
    written = open_dataset(tmp_path / "new")
    assert writer.reencoded == []
    assert codes(written) == {}
    assert_same(source, written, kept)


def test_frames_that_no_key_frame_precedes_are_encoded_again(stored, tmp_path):
    shard = open_dataset(stored["v3.0"]).episode(0).video_segment(CAMERA).path
    features = FEATURES | {CAMERA: Feature(CAMERA, "video", (32, 48, 3))}
    with DatasetWriter(tmp_path / "new", fps=10, robot_type=None, features=features, video_codec="h264") as writer:
        writer.add_episode(columns=columns(4), task="a", videos={CAMERA: VideoSegment(shard, 0, 4)})
        writer.add_episode(columns=columns(5), task="a", videos={CAMERA: VideoSegment(shard, 5, 5)})
    (entry,) = writer.reencoded
    assert (entry.episode_index, entry.camera_key) == (1, CAMERA)
    assert "frames 5 to 9 cannot be cut at key frames" in entry.reason
    written = open_dataset(tmp_path / "new")
    original = np.stack(list(open_dataset(stored["v2.1"]).episode(0).frames(CAMERA))).astype(int)
    again = np.stack(list(written.episode(1).frames(CAMERA))).astype(int)
    np.testing.assert_array_equal(np.stack(list(written.episode(0).frames(CAMERA))), original[:4])
    assert again.shape == (5, 32, 48, 3)
    assert np.abs(again[:3] - original[5:]).mean() < 6
    assert np.abs(again[:3] - original[4:7]).mean() > np.abs(again[:3] - original[5:]).mean()


def test_a_clip_on_another_clock_gets_ours_without_encoding(tmp_path):
    """Frame k is shown at k / fps whatever the source said: LeRobot finds frames by time."""
    clip = tmp_path / "clip.mp4"
    pictures = np.random.default_rng(0).integers(0, 255, (12, 32, 48, 3), dtype=np.uint8)
    encode_video(pictures, clip, fps=7, codec="h264")
    features = FEATURES | {CAMERA: Feature(CAMERA, "video", (32, 48, 3))}
    with DatasetWriter(tmp_path / "new", fps=30, robot_type=None, features=features) as writer:
        writer.add_episode(columns=columns(12), task="a", videos={CAMERA: VideoSegment(clip, 0, 12)})
    video = video_index(next((tmp_path / "new").glob("videos/*/*/*.mp4")))
    np.testing.assert_allclose(video.times_s, np.arange(12) / 30, atol=1e-5)
    assert writer.reencoded == []
    frames = open_dataset(tmp_path / "new").episode(0).frames(CAMERA)
    np.testing.assert_array_equal(np.stack(list(frames)), _decoded(clip))


def _decoded(path: Path) -> np.ndarray:
    import av

    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def test_reordered_frames_are_cut_where_that_is_safe(tmp_path):
    """With B-frames packets come in another order than frames; a cut must take whole groups."""
    import av

    clip = tmp_path / "clip.mp4"
    pictures = np.random.default_rng(1).integers(0, 255, (24, 32, 48, 3), dtype=np.uint8)
    options = {"g": "8", "bf": "3", "crf": "20", "x264-params": "open-gop=0:scenecut=0:b-adapt=0"}
    with av.open(str(clip), "w") as output:
        stream = output.add_stream("libx264", rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for picture in pictures:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode())
    assert not np.array_equal(video_index(clip).decode_order, np.arange(24))
    features = FEATURES | {CAMERA: Feature(CAMERA, "video", (32, 48, 3))}
    with DatasetWriter(tmp_path / "new", fps=10, robot_type=None, features=features, video_codec="h264") as writer:
        writer.add_episode(columns=columns(8), task="a", videos={CAMERA: VideoSegment(clip, 8, 8)})
        writer.add_episode(columns=columns(6), task="a", videos={CAMERA: VideoSegment(clip, 0, 6)})
    written = open_dataset(tmp_path / "new")
    every = _decoded(clip)
    np.testing.assert_array_equal(np.stack(list(written.episode(0).frames(CAMERA))), every[8:16])
    assert [entry.episode_index for entry in writer.reencoded if entry.episode_index == 0] == []
    assert len(written.episode(1).frames(CAMERA)) == 6


def test_shards_stay_below_a_thousand_seconds(tmp_path):
    """LeRobot's float32 comparison of times fails above 1024 s."""
    clip = tmp_path / "clip.mp4"
    encode_video((np.full((32, 32, 3), n % 200, np.uint8) for n in range(1200)), clip, fps=1, codec="h264")
    features = FEATURES | {CAMERA: Feature(CAMERA, "video", (32, 32, 3))}
    with DatasetWriter(tmp_path / "new", fps=1, robot_type=None, features=features) as writer:
        for start in range(0, 1200, 400):
            writer.add_episode(columns=columns(400), task="a", videos={CAMERA: VideoSegment(clip, start, 400)})
    videos = sorted((tmp_path / "new").glob("videos/*/*/*.mp4"))
    assert [video_index(video).num_frames for video in videos] == [800, 400]
    assert writer.reencoded == []


def test_files_of_different_codecs_do_not_share_a_shard(tmp_path):
    features = FEATURES | {CAMERA: Feature(CAMERA, "video", (64, 64, 3))}
    with DatasetWriter(tmp_path / "new", fps=10, robot_type=None, features=features) as writer:
        for codec in ("h264", "av1"):
            encode_video(np.full((6, 64, 64, 3), 90, np.uint8), tmp_path / f"{codec}.mp4", fps=10, codec=codec)
            segment = VideoSegment(tmp_path / f"{codec}.mp4", 0, 6)
            writer.add_episode(columns=columns(6), task="a", videos={CAMERA: segment})
    written = open_dataset(tmp_path / "new")
    assert [written.episode(i).frames(CAMERA).codec for i in (0, 1)] == ["h264", "av1"]


@pytest.mark.parametrize("codec", ["av1", "h264"])
def test_frame_arrays_are_encoded(tmp_path, codes, codec):
    ramp = np.linspace(40, 200, 64, dtype=np.uint8)
    pictures = np.stack([np.repeat(np.roll(ramp, n)[None, :, None], 64, 0).repeat(3, 2) for n in range(10)])
    features = FEATURES | {CAMERA: {"dtype": "video", "shape": [64, 64, 3], "names": None}}
    with DatasetWriter(tmp_path / "new", fps=30.0, robot_type="so100", features=features, video_codec=codec) as writer:
        writer.add_episode(columns=columns(10), task="a", videos={CAMERA: pictures})
        writer.add_episode(columns=columns(7, 1), task="b", videos={CAMERA: iter(pictures[:7])})
    written = open_dataset(tmp_path / "new")
    assert codes(written) == {}
    frames = written.episode(1).frames(CAMERA)
    assert frames.codec == codec
    assert len(frames) == 7
    assert np.abs(np.stack(list(frames)).astype(int) - pictures[:7]).mean() < 6
    info = written.features[CAMERA].info
    assert info["video.codec"] == codec
    assert (info["video.fps"], info["video.height"], info["video.width"], info["has_audio"]) == (30, 64, 64, False)
    assert not list((tmp_path / "new").rglob("episode-*.mp4"))


def test_embedded_images(tmp_path, codes):
    key = "observation.image"
    features = FEATURES | {key: {"dtype": "image", "shape": [16, 16, 3], "names": ["height", "width", "channel"]}}
    with DatasetWriter(tmp_path / "new", fps=10, robot_type=None, features=features) as writer:
        writer.add_episode(columns=columns(5), task="a", images={key: [png(20 * n) for n in range(5)]})
    written = open_dataset(tmp_path / "new")
    assert codes(written) == {}
    frames = written.episode(0).frames(key)
    assert frames.codec == "image"
    np.testing.assert_array_equal(frames.decode([4, 1])[:, 0, 0, 0], [80, 20])
    assert written.episode(0).video_segment(key) is None
    assert key in written.episode(0).table.column_names
    assert key not in written.episode(0).columns.column_names
    info = json.loads((tmp_path / "new/meta/info.json").read_text())
    assert info["video_path"] is None
    assert info["features"][key]["names"] == ["height", "width", "channels"]


def test_row_groups_hold_whole_episodes(stored, tmp_path, monkeypatch):
    monkeypatch.setattr("data_contracts.lerobot.tables.GROUP_ROWS", 10)
    source = open_dataset(stored["v2.1"])
    with DatasetWriter(tmp_path / "new", fps=10, robot_type="so100", features=source.features) as writer:
        carry_over(source, writer)
    groups = pq.ParquetFile(tmp_path / "new/data/chunk-000/file-000.parquet").metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [8 + 6, 10]
    written = open_dataset(tmp_path / "new")
    assert [written.episode(n).num_frames for n in range(3)] == [8, 6, 10]


def test_tables_follow_the_checklist(stored, tmp_path):
    source = open_dataset(stored["v2.1"])
    folder = tmp_path / "new"
    with DatasetWriter(folder, fps=10, robot_type="so100", features=source.features) as writer:
        carry_over(source, writer)
    data = pq.ParquetFile(folder / "data/chunk-000/file-000.parquet")
    assert data.num_row_groups == 1
    assert data.metadata.row_group(0).column(0).compression == "SNAPPY"
    defaults = ["timestamp", "frame_index", "episode_index", "index", "task_index"]
    assert data.schema_arrow.names == ["observation.state", "action", *defaults]
    assert data.schema_arrow.field("observation.state").type == pa.list_(pa.float32(), 3)
    assert data.read()["index"].to_pylist() == list(range(24))
    tasks = pq.ParquetFile(folder / "meta/tasks.parquet").read()
    assert tasks.to_pylist() == [
        {"task_index": 0, "task": "Pick up the cube"},
        {"task_index": 1, "task": "Open the drawer"},
    ]
    assert tasks.to_pandas().index.tolist() == ["Pick up the cube", "Open the drawer"]
    rows = pq.ParquetFile(folder / "meta/episodes/chunk-000/file-000.parquet").read().to_pylist()
    assert [row["dataset_to_index"] for row in rows] == [8, 14, 24]
    assert [row[f"videos/{CAMERA}/file_index"] for row in rows] == [0, 1, 2]
    assert [row[f"videos/{CAMERA}/to_timestamp"] for row in rows] == [0.8, 0.6, 1.0]
    assert rows[0]["stats/action/count"] == [8]
    info = json.loads((folder / "meta/info.json").read_text())
    assert info["splits"] == {"train": "0:3"}
    assert (info["total_frames"], info["total_tasks"], info["fps"]) == (24, 2, 10)
    assert list(info["features"]) == ["observation.state", "action", CAMERA, *defaults]


def test_statistics_are_exact_over_all_rows(tmp_path):
    given = [columns(length, seed) for seed, length in enumerate((30, 70))]
    with DatasetWriter(tmp_path / "new", fps=10, robot_type=None, features=FEATURES) as writer:
        for episode in given:
            writer.add_episode(columns=episode, task="a")
    stats = json.loads((tmp_path / "new/meta/stats.json").read_text())
    whole = np.concatenate([episode["observation.state"].astype(np.float32) for episode in given]).astype(np.float64)
    np.testing.assert_allclose(stats["observation.state"]["q01"], np.quantile(whole, 0.01, axis=0))
    np.testing.assert_allclose(stats["observation.state"]["std"], whole.std(axis=0))
    assert stats["observation.state"]["count"] == [100]
    assert stats["frame_index"]["max"] == [69.0]
    assert stats["next.done"]["mean"] == [0.02]
    assert set(stats) == {*FEATURES, "timestamp", "frame_index", "episode_index", "index", "task_index"}


def test_published_image_statistics_are_carried_over(stored, tmp_path):
    source = open_dataset(stored["v2.1"])
    marked = {name: [[[0.25]]] * 3 for name in ("min", "max", "mean", "std")} | {"count": [8]}
    with DatasetWriter(tmp_path / "new", fps=10, robot_type=None, features=source.features) as writer:
        for index, published in ((0, marked), (1, marked | {"mean": [[[99.0]]] * 3})):
            episode = source.episode(index)
            arrays = {key: episode.array(key) for key in ("observation.state", "action")}
            videos = {CAMERA: episode.video_segment(CAMERA)}
            writer.add_episode(columns=arrays, task="a", videos=videos, image_statistics={CAMERA: published})
    statistics = open_dataset(tmp_path / "new").statistics.episodes
    assert statistics[0][CAMERA]["mean"] == [[[0.25]]] * 3
    assert statistics[1][CAMERA]["mean"] != [[[99.0]]] * 3
    assert 0 < statistics[1][CAMERA]["mean"][0][0][0] < 1


def test_same_input_same_bytes(stored, tmp_path):
    source = open_dataset(stored["v3.0"])
    for name in ("one", "two"):
        with DatasetWriter(tmp_path / name, fps=10, robot_type="so100", features=source.features) as writer:
            carry_over(source, writer, (0, 2))
    assert tree_hashes(tmp_path / "one") == tree_hashes(tmp_path / "two")


def test_a_new_data_file_begins_when_one_is_full(tmp_path, monkeypatch, codes):
    monkeypatch.setattr("data_contracts.lerobot.tables.DATA_FILE_MB", 0.002)
    with DatasetWriter(tmp_path / "new", fps=10, robot_type=None, features=FEATURES) as writer:
        for seed in range(5):
            writer.add_episode(columns=columns(20, seed), task="a")
    assert len(list((tmp_path / "new/data").rglob("*.parquet"))) == 3
    written = open_dataset(tmp_path / "new")
    assert codes(written) == {}
    np.testing.assert_array_equal(written.episode(3).action_TA, columns(20, 3)["action"])


def test_data_is_read_by_datasets_with_features(tmp_path):
    datasets = pytest.importorskip("datasets")
    key = "observation.image"
    features = FEATURES | {
        key: {"dtype": "image", "shape": [16, 16, 3], "names": None},
        "observation.grid": {"dtype": "float32", "shape": [2, 3], "names": None},
        "note": {"dtype": "string", "shape": [1], "names": None},
    }
    grid = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    with DatasetWriter(tmp_path / "new", fps=10, robot_type=None, features=features) as writer:
        given = columns(4) | {"observation.grid": grid, "note": ["a", "b", "c", "d"]}
        writer.add_episode(columns=given, task="a", images={key: [png(9)] * 4})
    files = [str(path) for path in (tmp_path / "new/data").rglob("*.parquet")]
    loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert isinstance(loaded.features[key], datasets.Image)
    assert isinstance(loaded.features["observation.grid"], datasets.Array2D)
    assert loaded.features["action"] == datasets.List(datasets.Value("float32"), length=2)
    assert loaded[1][key].size == (16, 16)
    np.testing.assert_array_equal(loaded[2]["observation.grid"], grid[2])
    assert loaded["note"][:] == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(open_dataset(tmp_path / "new").episode(0).array("observation.grid"), grid)
