"""Exact copies: who is in a cluster, and who is credited."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.duplicates import find_duplicates
from data_contracts.catalogue import FINGERPRINTS
from data_contracts.errors import ContractError
from data_contracts.identifiers import episode_hash


def _row(dataset: str, episode: int, values: np.ndarray, action: np.ndarray | None = None) -> dict:
    return {
        "dataset_id": dataset,
        "episode_index": episode,
        "normalised_index": episode,
        "num_frames": len(values),
        "episode_hash": episode_hash(values, values if action is None else action),
    }


def _walk(seed: int, num_frames: int = 20, size: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(num_frames, size)).cumsum(axis=0).astype(np.float32)


def test_copy_in_another_dataset_shares_a_cluster_and_the_smaller_id_is_credited():
    rows = [_row("zoe__fork", 4, _walk(1)), _row("ada__first", 9, _walk(1)), _row("ada__first", 2, _walk(2))]
    found = find_duplicates(FINGERPRINTS.frame(rows))
    assert found.select("dataset_id", "episode_index", "cluster_size", "is_original", "original_dataset_id").rows() == [
        ("ada__first", 2, 1, True, "ada__first"),
        ("ada__first", 9, 2, True, "ada__first"),
        ("zoe__fork", 4, 2, False, "ada__first"),
    ]
    assert found.filter(episode_index=9)["cluster_id"].item() == found.filter(episode_index=4)["cluster_id"].item()


def test_copy_within_one_dataset_credits_the_smaller_episode():
    rows = [_row("ada__first", number, _walk(1)) for number in (7, 3, 5)]
    found = find_duplicates(FINGERPRINTS.frame(rows))
    assert found.filter("is_original")["episode_index"].to_list() == [3]
    assert found["cluster_size"].to_list() == [3, 3, 3]


def test_given_order_decides_who_is_credited():
    rows = [_row(name, 0, _walk(1)) for name in ("ada__first", "bob__second", "zoe__fork")]
    found = find_duplicates(FINGERPRINTS.frame(rows), order=["zoe__fork", "bob__second"])
    assert found.filter("is_original")["dataset_id"].to_list() == ["zoe__fork"]
    assert set(found["original_dataset_id"]) == {"zoe__fork"}


def test_float_width_and_negative_zero_do_not_hide_a_copy_but_noise_does():
    values = _walk(1)
    values[3, 2] = 0.0
    noisy = values.copy()
    noisy[10, 3] = np.nextafter(noisy[10, 3], np.float32(np.inf))
    negative = values.copy()
    negative[3, 2] = -0.0
    copies = [values, values.astype(np.float64), negative, noisy]
    found = find_duplicates(FINGERPRINTS.frame([_row("ada__a", k, copy) for k, copy in enumerate(copies)]))
    assert found["cluster_size"].to_list() == [3, 3, 3, 1]


def test_constant_and_tiny_episodes_of_other_shapes_are_no_copies():
    shapes = [(1, 1), (1, 6), (2, 6), (6, 2), (12, 1), (1, 12)]
    rows = [_row("ada__still", k, np.zeros(shape, np.float32)) for k, shape in enumerate(shapes)]
    rows.append(_row("ada__still", 90, np.zeros((6, 2), np.float32), np.zeros((6, 1), np.float32)))
    rows.append(_row("ada__still", 91, np.zeros((6, 1), np.float32), np.zeros((6, 2), np.float32)))
    assert set(find_duplicates(FINGERPRINTS.frame(rows))["cluster_size"]) == {1}


def test_no_episodes_give_no_clusters():
    assert find_duplicates(FINGERPRINTS.frame([])).is_empty()


def test_an_episode_listed_twice_is_refused():
    with pytest.raises(ContractError, match="key_is_unique"):
        find_duplicates(FINGERPRINTS.frame([_row("ada__a", 0, _walk(1)), _row("ada__a", 0, _walk(2))]))


ROWS = st.lists(
    st.tuples(st.sampled_from(["ada__a", "bob__b", "cyd__c"]), st.integers(0, 4), st.integers(0, 3)),
    unique_by=lambda row: row[:2],
    max_size=12,
)


@settings(deadline=None)
@given(rows=ROWS, seed=st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing_and_each_cluster_has_one_original(rows, seed):
    frame = FINGERPRINTS.frame([_row(dataset, episode, _walk(kind)) for dataset, episode, kind in rows])
    found = find_duplicates(frame)
    shuffled = list(range(frame.height))
    seed.shuffle(shuffled)
    assert find_duplicates(frame[shuffled]).equals(found)
    clusters = found.group_by("cluster_id").agg(pl.len(), pl.col("is_original").sum(), pl.col("cluster_size").first())
    assert clusters.filter((pl.col("is_original") != 1) | (pl.col("len") != pl.col("cluster_size"))).is_empty()
