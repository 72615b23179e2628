"""Datasets with one defect each in their files or info.json: read as far as possible, and the defect said with its code and its episodes."""

from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.errors import DatasetUnreadable, VideoUnreadable
from data_contracts.findings import gated_episodes
from data_contracts.lerobot import open_dataset
from tests.data_contracts.lerobot.one_defect import CAMERA, LFS_POINTER, data_file, video_file

# --- files -----------------------------------------------------------------------------------------------------------


def test_missing_data(tiny, codes):
    folder = tiny()
    data_file(folder, 1).unlink()
    dataset = open_dataset(folder)
    assert codes(dataset) == {"missing_data": (1,)}
    assert gated_episodes(dataset.findings, list(dataset.episode_indices)) == {1}
    with pytest.raises(DatasetUnreadable, match=r"Episode 1 .* has no data file"):
        dataset.episode(1)
    shutil.rmtree(folder / "data")
    assert codes(open_dataset(folder)) == {"missing_data": None}


def test_missing_video(tiny, codes):
    folder = tiny()
    video_file(folder, 2).unlink()
    video_file(folder, 0).write_bytes(b"")
    dataset = open_dataset(folder)
    assert codes(dataset) == {"missing_video": (0, 2)}
    assert gated_episodes(dataset.findings, [0, 1, 2]) == {0, 2}
    assert not dataset.episode(0).has_video(CAMERA)
    assert dataset.episode(0).video_segment(CAMERA) is None
    with pytest.raises(VideoUnreadable, match="has no frames"):
        dataset.episode(2).frames(CAMERA)


def test_no_camera_has_files(tiny, codes):
    folder = tiny()
    shutil.rmtree(folder / "videos")
    dataset = open_dataset(folder)
    assert codes(dataset) == {"missing_video": None}
    assert dataset.camera_keys == ()


def test_declared_camera_without_files_is_dropped(tiny, codes, change_feature):
    folder = tiny()
    axes = ["height", "width", "channels"]
    change_feature(folder, "observation.images.frnt", dtype="video", shape=[32, 48, 3], names=axes)
    dataset = open_dataset(folder)
    assert codes(dataset) == {"declared_camera_without_files": None}
    assert dataset.camera_keys == (CAMERA,)
    assert dataset.declared_camera_keys == (CAMERA, "observation.images.frnt")
    (finding,) = [f for f in dataset.findings if f.code == "structure.declared_camera_without_files"]
    assert "Files of 'observation.images.front' are there" in finding.message


def test_files_of_a_camera_that_is_not_declared(tiny, codes):
    folder = tiny()
    shutil.copytree(video_file(folder).parent, folder / "videos/chunk-000/observation.images.side")
    assert codes(open_dataset(folder)) == {"files_without_declared_camera": None}


def test_stray_files(tiny, codes):
    folder = tiny()
    shutil.copytree(video_file(folder).parent, folder / "videos/chunk-000/camera_flat")
    (folder / "meta/episodes.jsonl.bak").write_text("{}")
    shutil.copy(data_file(folder, 0), data_file(folder, 9))
    dataset = open_dataset(folder)
    assert codes(dataset) == {"stray_files": None}
    (finding,) = dataset.findings
    assert finding.evidence["files"][0] == "data/chunk-000/episode_000009.parquet"
    assert "5 files" in finding.message


def test_pictures_that_were_encoded_long_ago(tiny, codes):
    folder = tiny()
    picture = folder / "images" / CAMERA / "episode_000000" / "frame_000000.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"a picture")
    (folder / "images/robot.png").write_bytes(b"for the card")
    dataset = open_dataset(folder)
    assert codes(dataset) == {"stray_files": None}
    (finding,) = dataset.findings
    assert finding.evidence["files"] == [picture.relative_to(folder).as_posix()]


@pytest.mark.parametrize("make", [data_file, video_file])
def test_lfs_pointers(tiny, codes, make):
    folder = tiny()
    make(folder, 1).write_bytes(LFS_POINTER)
    assert codes(open_dataset(folder)) == {"lfs_pointer": (1,)}


def test_every_video_is_an_lfs_pointer(tiny, codes):
    folder = tiny()
    for episode in range(3):
        video_file(folder, episode).write_bytes(LFS_POINTER)
    dataset = open_dataset(folder)
    assert codes(dataset) == {"lfs_pointer": None}
    assert dataset.camera_keys == ()


@pytest.mark.parametrize("content", [b"", b"PAR1 and nothing else", b"PAR1" + bytes(200) + b"PAR1"])
def test_parquet_without_a_footer(tiny, codes, content):
    """A recorder that was not finalised leaves such files."""
    folder = tiny()
    data_file(folder, 1).write_bytes(content)
    dataset = open_dataset(folder)
    assert codes(dataset)["undecodable_parquet"] == (1,)
    with pytest.raises(DatasetUnreadable, match="Fetch"):
        dataset.episode(1)
    assert dataset.episode(0).num_frames == 8


def test_parquet_with_broken_pages(tiny, codes):
    folder = tiny()
    content = bytearray(data_file(folder, 1).read_bytes())
    content[4:120] = bytes(116)
    data_file(folder, 1).write_bytes(bytes(content))
    assert codes(open_dataset(folder)) == {"undecodable_parquet": (1,)}


def test_template_that_leads_nowhere(tiny, codes, change_info):
    folder = change_info(
        tiny(),
        data_path="data/chunk-{episode_index:03d}/episode_{episode_index:06d}.parquet",
        video_path="{nonsense}.mp4",
    )
    dataset = open_dataset(folder)
    assert codes(dataset) == {"path_template": None}
    assert dataset.episode(2).num_frames == len(dataset.episode(2).frames(CAMERA)) == 10


@pytest.mark.parametrize(
    "template",
    [
        "../outside/episode_{episode_index:06d}.parquet",
        "data/../../outside/episode_{episode_index:06d}.parquet",
        "/etc/passwd",
        "{episode_index.__class__}",
        "{episode_index:999999999d}",
    ],
)
def test_template_cannot_lead_out(tiny, tmp_path, change_info, template):
    folder = tiny()
    outside = tmp_path / "outside"
    outside.mkdir()
    pq.write_table(pa.table({"action": [[9.0]]}), outside / "episode_000000.parquet")
    dataset = open_dataset(change_info(folder, data_path=template))
    assert dataset.episode(0).action_TA.shape == (8, 2)
    assert {name.split("/")[0] for name in dataset.locations.data.values()} == {"data"}


def test_camera_key_cannot_lead_out(tiny, tmp_path, change_feature):
    folder = tiny()
    shutil.copytree(folder / "videos/chunk-000", tmp_path / "outside")
    key = f"../../../outside/{CAMERA}"
    change_feature(folder, key, dtype="video", shape=[32, 48, 3])
    assert open_dataset(folder).camera_keys == (CAMERA,)


# --- info.json -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "is_found"),
    [
        ({"total_episodes": 4}, True),
        ({"total_frames": 1}, True),
        ({"total_tasks": 9}, True),
        ({"total_chunks": 0}, True),
        ({"total_videos": 2}, True),
        ({"total_videos": 3.0}, False),
        ({"total_videos": None, "total_chunks": None}, False),
    ],
)
def test_counts(tiny, codes, change_info, changes, is_found):
    found = codes(open_dataset(change_info(tiny(), **changes)))
    assert found == ({"count_mismatch": None} if is_found else {})


def test_total_videos_may_count_episodes_by_cameras_or_files(tiny, codes, change_info, change_feature):
    folder = tiny()
    change_feature(folder, "observation.images.left", dtype="video", shape=[32, 48, 3])
    for total in (3, 6):
        assert "count_mismatch" not in codes(open_dataset(change_info(folder, total_videos=total)))


@pytest.mark.parametrize(
    ("splits", "code"),
    [
        ({"train": "0:100"}, "split_out_of_range"),
        ({"train": ["0:2", "2:4"]}, "split_out_of_range"),
        ({"train": ["0:1", "1:2"], "val": [2], "drop": []}, None),
        ({"val": [0, 7]}, "split_out_of_range"),
        ({"train": "all"}, "unreadable_metadata"),
        ({"train": [[["0:1"]]]}, "unreadable_metadata"),
        ("train", "unreadable_metadata"),
        ({}, None),
    ],
)
def test_splits(tiny, codes, change_info, splits, code):
    assert codes(open_dataset(change_info(tiny(), splits=splits))) == ({code: None} if code else {})


def test_unknown_keys_of_info_are_kept(tiny, codes, change_info):
    dataset = open_dataset(change_info(tiny(), recorded_by="us", tools=[]))
    assert codes(dataset) == {}
    assert dataset.info["recorded_by"] == "us"


@pytest.mark.parametrize(
    ("names", "flat", "found"),
    [
        ([["a", "b", "c"]], ("a", "b", "c"), {"names_nested": None}),
        ({"motors": ["a", "b", "c"]}, ("a", "b", "c"), {}),
        ({"arm": ["a", "b"], "hand": ["c"]}, ("a", "b", "c"), {}),
        ({"c": 2, "a": 0, "b": 1}, ("a", "b", "c"), {}),
        (None, None, {"names_missing": None}),
        (["a", "b"], None, {"shape_mismatch": None}),
        ([], None, {"names_missing": None}),
    ],
)
def test_names(tiny, codes, change_feature, names, flat, found):
    dataset = open_dataset(change_feature(tiny(), "observation.state", names=names))
    assert dataset.features["observation.state"].names == flat
    assert codes(dataset) == found


def test_names_nested_without_end(tiny, change_feature):
    names: list = ["a"]
    for _ in range(400):
        names = [names]
    assert (
        open_dataset(change_feature(tiny(), "observation.state", names=names)).features["observation.state"].names
        is None
    )


@pytest.mark.parametrize(
    ("shape", "names", "found"),
    [
        ([3, 32, 48], ["channels", "height", "width"], {"image_shape_order": None}),
        ([32, 48, 3], ["height", "width", "channel"], {}),
        ([32, 48, 3], None, {"names_missing": None}),
    ],
)
def test_camera_shapes_come_out_height_width_channels(tiny, codes, change_feature, shape, names, found):
    dataset = open_dataset(change_feature(tiny(), CAMERA, shape=shape, names=names))
    assert dataset.features[CAMERA].shape == (32, 48, 3)
    assert dataset.features[CAMERA].names == ("height", "width", "channels")
    assert codes(dataset) == found


def test_both_spellings_of_the_video_block(tiny, change_feature):
    folder = change_feature(tiny(), CAMERA, info=None, video_info={"video.codec": "av1"})
    assert open_dataset(folder).features[CAMERA].info == {"video.codec": "av1"}


def test_features_that_cannot_be_understood_are_left_out(tiny, codes, change_info):
    folder = tiny()
    features = json.loads((folder / "meta/info.json").read_text())["features"]
    dataset = open_dataset(change_info(folder, features=features | {"broken": None, "worse": {"shape": [1]}}))
    assert "broken" not in dataset.features
    assert codes(dataset) == {"unreadable_metadata": None}


def test_bare_names_of_other_stacks(tiny, codes, change_info, change_rows):
    folder = tiny()
    info = json.loads((folder / "meta/info.json").read_text())
    names = {"observation.state": "state", "action": "actions"}
    change_info(folder, features={names.get(key, key): feature for key, feature in info["features"].items()})
    for episode in range(3):
        change_rows(data_file(folder, episode), lambda t: t.rename_columns([names.get(n, n) for n in t.column_names]))
    dataset = open_dataset(folder)
    assert codes(dataset) == {"nonstandard_feature_name": None, "missing_stats": None, "wrong_stats_key": None}
    assert dataset.episode(0).state_TS.shape == (8, 0)
    assert dataset.episode(0).array("state").shape == (8, 3)
