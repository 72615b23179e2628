"""Datasets with one defect each: read as far as possible, and the defect said with its code and its episodes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.errors import DatasetUnreadable, VideoUnreadable
from data_contracts.findings import gated_episodes
from data_contracts.lerobot import open_dataset

CAMERA = "observation.images.front"
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12345\n"


def data_file(folder: Path, episode: int = 0) -> Path:
    return folder / f"data/chunk-000/episode_{episode:06d}.parquet"


def video_file(folder: Path, episode: int = 0) -> Path:
    return folder / f"videos/chunk-000/{CAMERA}/episode_{episode:06d}.mp4"


def replaced(table: pa.Table, name: str, values) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


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


# --- tables ----------------------------------------------------------------------------------------------------------


def test_json_lines_with_blank_and_broken_lines(tiny, codes):
    folder = tiny()
    path = folder / "meta/episodes.jsonl"
    first, second, third = path.read_text().splitlines()
    path.write_text(f"{first}\n\n{second[:20]}\n[1]\n{third}\n")
    dataset = open_dataset(folder)
    assert dataset.episode_indices == (0, 2)
    found = codes(dataset)
    assert found["unreadable_metadata"] is None
    assert "lines are not JSON objects" in next(f.message for f in dataset.findings if f.code.endswith("metadata"))


def test_episode_table_is_gone(tiny, codes):
    folder = tiny()
    (folder / "meta/episodes.jsonl").unlink()
    dataset = open_dataset(folder)
    assert dataset.episode_indices == (0, 1, 2)
    assert dataset.episode(1).task == "Open the drawer"
    assert codes(dataset) == {"unreadable_metadata": None}


def test_v3_without_an_episode_table(tiny, codes):
    folder = tiny("v3.0")
    shutil.rmtree(folder / "meta/episodes")
    dataset = open_dataset(folder)
    assert dataset.episode_indices == ()
    assert codes(dataset)["missing_data"] is None


def test_lengths_and_indices_as_floats(tiny, codes):
    folder = tiny()
    path = folder / "meta/episodes.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row |= {key: float(row[key]) for key in ("length", "episode_index")}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = open_dataset(folder)
    assert dataset.episode_indices == (0, 1, 2)
    assert codes(dataset) == {"index_as_float": None}


def test_episodes_with_gaps(tiny, codes, change_info):
    folder = tiny()
    path = folder / "meta/episodes.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[1:]))
    data_file(folder, 0).unlink()
    video_file(folder, 0).unlink()
    change_info(folder, total_episodes=2, total_frames=16, total_videos=2)
    dataset = open_dataset(folder)
    assert dataset.episode_indices == (1, 2)
    assert codes(dataset) == {"index_not_dense": None}
    assert dataset.episode(1).num_frames == 6


def test_two_episode_tables(tiny, codes):
    folder = tiny("v3.0")
    shutil.copy(folder / "meta/episodes/chunk-000/file-000.parquet", folder / "meta/episodes/episodes.parquet")
    assert codes(open_dataset(folder)) == {"two_episode_tables": None}


def test_several_tasks_in_one_episode(tiny, codes, change_rows):
    folder = tiny()
    path = folder / "meta/episodes.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["tasks"] = ["Open the drawer", "Pick up the cube"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    change_rows(data_file(folder), lambda t: replaced(t, "task_index", [1, 1, 0, 0, 0, 0, 0, 0]))
    episode = open_dataset(folder).episode(0)
    assert codes(open_dataset(folder)) == {}
    assert episode.tasks == ("Open the drawer", "Pick up the cube")
    assert episode.task == "Pick up the cube"


def test_task_conflicts(tiny, codes, change_rows):
    folder = tiny()
    change_rows(data_file(folder), lambda t: replaced(t, "task_index", [1] * 8))
    change_rows(data_file(folder, 2), lambda t: replaced(t, "task_index", [7] * 10))
    dataset = open_dataset(folder)
    assert codes(dataset) == {"task_conflict": (0,), "task_out_of_range": (2,)}
    assert dataset.episode(2).task == "Pick up the cube"  # that of the episode table


@pytest.mark.parametrize(
    "columns", [["task_index", "task"], ["task", "task_index"], ["__index_level_0__", "task_index"]]
)
def test_task_table_without_pandas_metadata(tiny, codes, columns):
    """LeRobot returns row numbers for the texts of such a table."""
    folder = tiny("v3.0")
    values = {"task_index": [0, 1]}
    pq.write_table(
        pa.table({name: values.get(name, ["Pick up the cube", "Open the drawer"]) for name in columns}),
        folder / "meta/tasks.parquet",
    )
    dataset = open_dataset(folder)
    assert dataset.tasks == {0: "Pick up the cube", 1: "Open the drawer"}
    assert codes(dataset) == {"unreadable_metadata": None}


def test_task_table_out_of_order(tiny, codes):
    folder = tiny("v3.0")
    table = pq.ParquetFile(folder / "meta/tasks.parquet").read()
    pq.write_table(table.take([1, 0]), folder / "meta/tasks.parquet")
    dataset = open_dataset(folder)
    assert dataset.episode(1).task == "Open the drawer"
    assert codes(dataset) == {"index_not_dense": None}


def test_task_table_is_gone(tiny, codes):
    folder = tiny()
    (folder / "meta/tasks.jsonl").unlink()
    dataset = open_dataset(folder)
    assert dataset.episode(1).task == "Open the drawer"
    assert codes(dataset) == {"unreadable_metadata": None}


# --- columns ---------------------------------------------------------------------------------------------------------


def test_missing_default_columns_are_made_up(tiny, codes, change_rows):
    folder = tiny()
    made = ["frame_index", "index", "timestamp", "task_index", "episode_index"]
    for episode in range(3):
        change_rows(data_file(folder, episode), lambda t: t.drop_columns(made))
    dataset = open_dataset(folder)
    assert codes(dataset) == {"missing_column": None}
    episode = dataset.episode(1)
    np.testing.assert_array_equal(episode.array("frame_index"), np.arange(6))
    np.testing.assert_allclose(episode.timestamps_s, np.arange(6) / 10, atol=1e-6)
    assert episode.task == "Open the drawer"
    assert set(episode.array("episode_index")) == {1}


def test_shard_without_episode_index_is_cut_by_row_range(tiny, change_rows):
    folder = tiny("v3.0")
    reference = open_dataset(folder).episode(2).state_TS
    change_rows(folder / "data/chunk-000/file-000.parquet", lambda t: t.drop_columns(["episode_index"]))
    episode = open_dataset(folder).episode(2)
    np.testing.assert_array_equal(episode.state_TS, reference)


def test_missing_action_gates(tiny, codes, change_rows):
    folder = tiny()
    change_rows(data_file(folder, 1), lambda t: t.drop_columns(["action"]))
    dataset = open_dataset(folder)
    assert codes(dataset) == {"missing_column": (1,)}
    assert gated_episodes(dataset.findings, [0, 1, 2]) == {1}


def test_undeclared_column(tiny, codes, change_rows):
    folder = tiny()
    change_rows(data_file(folder, 1), lambda t: t.append_column("next.done", pa.array([False] * 6)))
    assert codes(open_dataset(folder)) == {"undeclared_column": (1,)}


def test_columns_in_every_spelling_give_the_same_vectors(tiny, codes, change_rows):
    """Fixed lists, variable lists, float64, and scalars for one value."""
    folder = tiny()
    reference = open_dataset(folder).episode(0)
    state = reference.state_TS
    spellings = {
        "variable": pa.array(state.tolist(), pa.list_(pa.float32())),
        "large": pa.array(state.tolist(), pa.large_list(pa.float32())),
        "double": pa.array(state.tolist(), pa.list_(pa.float64(), 3)),
    }
    for spelling in spellings.values():
        change_rows(data_file(folder), lambda t, s=spelling: t.set_column(0, "observation.state", s))
        episode = open_dataset(folder).episode(0)
        np.testing.assert_array_equal(episode.state_TS, state)
        assert episode.state_TS.dtype == np.float32
        assert codes(open_dataset(folder)) == {}
    assert open_dataset(folder).episode(0).array("observation.state").dtype == np.float64


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value]])
def test_one_value_as_scalar_or_list_of_one(tiny, codes, change_rows, change_feature, wrap):
    folder = change_feature(tiny(), "action", shape=[1], names=["gripper"])
    for episode, length in enumerate((8, 6, 10)):
        values = pa.array([wrap(float(n)) for n in range(length)])
        change_rows(data_file(folder, episode), lambda t, v=values: t.set_column(1, "action", v))
    dataset = open_dataset(folder)
    assert codes(dataset) == {}
    np.testing.assert_array_equal(dataset.episode(1).action_TA, np.arange(6, dtype=np.float32)[:, None])


def test_width_that_differs_from_the_declaration(tiny, codes, change_feature):
    dataset = open_dataset(change_feature(tiny(), "observation.state", shape=[4], names=["a", "b", "c", "d"]))
    assert codes(dataset) == {"shape_mismatch": (0, 1, 2)}


def test_ragged_vectors_gate(tiny, codes, change_rows):
    folder = tiny()
    ragged = pa.array([[1.0, 2.0, 3.0]] * 7 + [[1.0]])
    change_rows(data_file(folder), lambda t: t.set_column(0, "observation.state", ragged))
    dataset = open_dataset(folder)
    assert codes(dataset) == {"shape_mismatch": (0,)}
    assert gated_episodes(dataset.check_episode(0), [0, 1]) == {0}
    with pytest.raises(DatasetUnreadable, match="lists of 1 to 3 values"):
        _ = dataset.episode(0).state_TS


def test_text_where_numbers_belong_gates(tiny, codes, change_rows):
    folder = tiny()
    change_rows(data_file(folder), lambda t: t.set_column(0, "observation.state", pa.array(["x"] * 8)))
    dataset = open_dataset(folder)
    assert codes(dataset) == {"shape_mismatch": (0,)}
    with pytest.raises(DatasetUnreadable, match="holds no numbers"):
        _ = dataset.episode(0).state_TS


def test_rows_that_hold_no_vector_become_nan(tiny, change_rows):
    folder = tiny()
    holes = pa.array([[1.0, 2.0, 3.0]] * 7 + [None])
    change_rows(data_file(folder), lambda t: t.set_column(0, "observation.state", holes))
    state = open_dataset(folder).episode(0).state_TS
    assert np.isnan(state[7]).all()
    assert np.isfinite(state[:7]).all()


def test_lengths_that_disagree(tiny, codes, change_rows):
    folder = tiny()
    change_rows(data_file(folder), lambda t: t.slice(0, 5))
    assert codes(open_dataset(folder)) == {"length_mismatch": (0,)}


def test_an_episode_without_rows_gates(tiny, codes, change_rows):
    folder = tiny()
    change_rows(data_file(folder), lambda t: t.slice(0, 0))
    dataset = open_dataset(folder)
    assert codes(dataset) == {"missing_data": (0,)}
    assert dataset.episode(0).num_frames == 0
    assert dataset.episode(0).state_TS.shape == (0, 3)


@pytest.mark.parametrize(
    ("column", "values"),
    [("frame_index", [0, 1, 2, 4, 5, 6, 7, 8]), ("episode_index", [3] * 8), ("index", [0, 1, 2, 3, 3, 5, 6, 7])],
)
def test_indices_that_are_not_dense(tiny, codes, change_rows, column, values):
    folder = tiny()
    change_rows(data_file(folder), lambda t: replaced(t, column, values))
    assert codes(open_dataset(folder)) == {"index_not_dense": (0,)}


@pytest.mark.parametrize("episode", [1, 2])
def test_an_index_that_begins_anew(tiny, codes, change_rows, episode):
    folder = tiny()
    change_rows(data_file(folder, episode), lambda t: replaced(t, "index", list(range(t.num_rows))))
    assert codes(open_dataset(folder)) == {"index_not_dense": (episode,)}


def test_a_lost_episode_leaves_a_gap_and_no_index_that_begins_anew(tiny, codes):
    folder = tiny()
    path = folder / "meta/episodes.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    dataset = open_dataset(folder)
    assert [dataset.check_episode(index) for index in (1, 2)] == [[], []]


def test_indices_as_floats(tiny, codes, change_rows):
    folder = tiny("v3.0")
    columns = ("frame_index", "episode_index", "index", "task_index")

    def as_floats(table: pa.Table) -> pa.Table:
        for name in columns:
            table = replaced(table, name, table[name].to_numpy().astype(float))
        return table

    reference = open_dataset(folder).episode(1).state_TS
    change_rows(folder / "data/chunk-000/file-000.parquet", as_floats)
    dataset = open_dataset(folder)
    assert codes(dataset) == {"index_as_float": None}
    np.testing.assert_array_equal(dataset.episode(1).state_TS, reference)
    assert dataset.episode(1).task == "Open the drawer"


def test_rows_out_of_index_order(tiny, codes, change_rows):
    """LeRobot addresses rows by position and would return other episodes' rows here."""
    folder = tiny("v3.0")
    reference = [open_dataset(folder).episode(index).state_TS for index in range(3)]
    change_rows(folder / "data/chunk-000/file-000.parquet", lambda t: t.take([*range(8, 24), *range(8)]))
    dataset = open_dataset(folder)
    assert codes(dataset) == {"index_not_dense": None}
    for index in range(3):
        np.testing.assert_array_equal(dataset.episode(index).state_TS, reference[index])


# --- v3 episode table ------------------------------------------------------------------------------------------------


def change_episodes(folder: Path, change_rows, **columns) -> Path:
    def rewrite(table: pa.Table) -> pa.Table:
        for name, values in columns.items():
            table = replaced(table, name.replace("__", "/"), values)
        return table

    change_rows(folder / "meta/episodes/chunk-000/file-000.parquet", rewrite)
    return folder


def test_row_ranges_with_gaps(tiny, codes, change_rows):
    folder = change_episodes(tiny("v3.0"), change_rows, dataset_from_index=[0, 9, 14])
    found = codes(open_dataset(folder))
    assert found == {"index_not_dense": (1,), "length_mismatch": (1,)}


def test_episodes_that_share_frames(tiny, codes, change_rows):
    folder = tiny("v3.0")

    def overlap(table: pa.Table) -> pa.Table:
        return replaced(table, f"videos/{CAMERA}/from_timestamp", [0.0, 0.3, 1.4])

    change_rows(folder / "meta/episodes/chunk-000/file-000.parquet", overlap)
    assert codes(open_dataset(folder)) == {"length_mismatch": (0, 1)}


def test_times_that_drifted_still_lead_to_the_frame(tiny, change_rows):
    """Upstream sums container durations up as floats, so the start of an episode is off by less than half a frame."""
    folder = tiny("v3.0")
    reference = open_dataset(folder).episode(2).frames(CAMERA).decode([0])

    def drift(table: pa.Table) -> pa.Table:
        return replaced(table, f"videos/{CAMERA}/from_timestamp", [0.0, 0.8 + 0.03, 1.4 - 0.04])

    change_rows(folder / "meta/episodes/chunk-000/file-000.parquet", drift)
    episode = open_dataset(folder).episode(2)
    assert episode.video_segment(CAMERA).first_frame == 14
    np.testing.assert_array_equal(episode.frames(CAMERA).decode([0]), reference)


# --- statistics ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "name"), [("v2.0", "stats.json"), ("v2.1", "episodes_stats.jsonl"), ("v3.0", "stats.json")]
)
def test_missing_statistics(tiny, codes, version, name):
    folder = tiny(version)
    (folder / "meta" / name).unlink()
    assert codes(open_dataset(folder)) == {"missing_stats": None}


def test_statistics_of_some_episodes_missing(tiny, codes):
    folder = tiny()
    path = folder / "meta/episodes_stats.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:2]))
    assert codes(open_dataset(folder)) == {"missing_stats": (2,)}


def test_statistics_under_a_key_without_images(tiny, codes):
    folder = tiny("v2.0")
    path = folder / "meta/stats.json"
    stats = json.loads(path.read_text())
    stats["observation.front"] = stats.pop(CAMERA)
    path.write_text(json.dumps(stats))
    dataset = open_dataset(folder)
    assert codes(dataset) == {"wrong_stats_key": None}
    assert any("'observation.images.front' seems meant" in finding.message for finding in dataset.findings)


def test_row_range_beyond_any_dataset(tiny, change_rows):
    folder = change_episodes(tiny("v3.0"), change_rows, dataset_from_index=[0.0, 9.3e18, -14.0])
    dataset = open_dataset(folder)
    assert [dataset.episode(index).num_frames for index in range(3)] == [8, 6, 10]
    assert [finding.code for finding in dataset.check_episode(2)] == ["structure.index_not_dense"]
