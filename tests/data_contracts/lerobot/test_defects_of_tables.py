"""Datasets with one defect each in their tables or statistics: read as far as possible, and the defect said with its code and its episodes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.lerobot import open_dataset
from tests.data_contracts.lerobot.one_defect import CAMERA, data_file, replaced, video_file

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
