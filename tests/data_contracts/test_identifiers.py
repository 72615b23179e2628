"""Identifiers: what is accepted, what is refused, and what an episode hash does and does not notice."""

from pathlib import PurePath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data_contracts import identifiers as ids
from data_contracts.errors import ContractError


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_dataset_id_made_of_any_text_is_valid_or_refused(org, name):
    try:
        key = ids.dataset_id(org, name)
    except ContractError:
        return
    parsed = ids.split_dataset_id(key)
    assert "__".join(parsed) == key
    assert ids.split_episode_id(ids.episode_id(key, 12)) == (key, 12)


@pytest.mark.parametrize(
    "key", ["", "name", "a__", "__b", "a/b__c", "a__b/..", "a__..", "a__b|c", "a,b__c", "a__b\n", "a b__c"]
)
def test_partition_keys_that_would_hurt_are_refused(key):
    with pytest.raises(ContractError, match="not a dataset id"):
        ids.check_dataset_id(key)


def test_the_first_double_underscore_divides():
    assert ids.split_dataset_id("TheWisp__pusht_image__slice") == ("TheWisp", "pusht_image__slice")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("org__name", "org__name"), ("org/name", "org__name"), ("deep/org/na me", "org__na-me"), ("name", "local__name")],
)
def test_a_folder_gives_its_id(path, expected):
    assert ids.dataset_id_of_folder(PurePath(path)) == expected


@pytest.mark.parametrize("version", ["1.0", "01.0.0", "1.0.0-rc1", "v1.0.0", ""])
def test_versions_are_strict(version):
    with pytest.raises(ContractError):
        ids.split_semantic_version(version)


VALUES = arrays(np.float32, (5, 3), elements=st.floats(-100, 100, width=32))


@given(VALUES, VALUES)
def test_an_episode_keeps_its_hash_through_other_storage(state, action):
    expected = ids.episode_hash(state, action)
    assert ids.episode_hash(state.astype(np.float64), np.asfortranarray(action)) == expected
    assert ids.episode_hash(state.astype(">f4"), action.copy()) == expected


@given(VALUES, st.integers(0, 4), st.integers(0, 2))
def test_any_changed_value_changes_the_hash(state, row, column):
    action = np.zeros((5, 2), np.float32)
    changed = state.copy()
    changed[row, column] = np.nextafter(changed[row, column], np.float32(200))
    if changed[row, column] != state[row, column]:
        assert ids.episode_hash(changed, action) != ids.episode_hash(state, action)


def test_the_hash_knows_shapes_and_which_is_which():
    zeros = np.zeros((6, 2), np.float32)
    assert len({
        ids.episode_hash(zeros, np.zeros((6, 1))),
        ids.episode_hash(np.zeros((6, 1)), zeros),
        ids.episode_hash(zeros.reshape(4, 3), np.zeros((6, 1))),
        ids.episode_hash(np.zeros((7, 2)), np.zeros((7, 1))),
    }) == 4  # fmt: skip


def test_not_a_number_and_minus_zero_have_one_form():
    quiet = np.array([[np.nan, -0.0]], np.float32)
    other = quiet.copy()
    other.view(np.uint32)[0, 0] = 0x7FC00001
    other[0, 1] = 0.0
    assert ids.episode_hash(quiet, quiet) == ids.episode_hash(other, other)


def test_a_hash_of_one_dimensional_data_is_refused():
    with pytest.raises(ContractError, match="needs 2"):
        ids.episode_hash(np.zeros(3), np.zeros((3, 1)))
