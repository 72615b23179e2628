"""Datasets with one defect each in their columns: read as far as possible, and the defect said with its code and its episodes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from data_contracts.errors import DatasetUnreadable
from data_contracts.findings import gated_episodes
from data_contracts.lerobot import open_dataset
from tests.data_contracts.lerobot.one_defect import data_file, replaced


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
