"""What leads from one corpus to another is said in words, dataset by dataset and episode by episode."""

from __future__ import annotations

import pytest

from curation.corpus import build_corpus
from curation.corpus_difference import compare


def manifest(tiny_lake, failures=None):
    return build_corpus(tiny_lake.lake, tiny_lake.listing, failures or {}).manifest


@pytest.fixture
def other_lake(tiny_lake, tmp_path):
    return type(tiny_lake)(tmp_path / "other")


def why(changes):
    return {change.id: (change.kind, change.why) for change in changes}


def test_equal_corpora_differ_in_nothing(tiny_lake, other_lake):
    for lake in (tiny_lake, other_lake):
        lake.add("ada__push", ["p1"])
    difference = compare(manifest(tiny_lake), manifest(other_lake))
    assert difference.old_hash == difference.new_hash
    assert (difference.datasets, difference.episodes) == ((), ())


def test_what_came_went_and_changed_is_named_with_its_cause(tiny_lake, other_lake):
    tiny_lake.add("ada__push", ["p1", "p2"])
    tiny_lake.add("bob__gone", ["q1"])
    tiny_lake.add("cyd__same", ["r1"])
    other_lake.add("ada__push", ["p1", "p2"], rejected={1: "motion.static"}, label="Press it")
    other_lake.add("cyd__same", ["r1"])
    other_lake.add("dan__new", ["s1"])
    other_lake.add("eve__bad", ["t1"], reason="structure.missing_data")
    difference = compare(manifest(tiny_lake), manifest(other_lake))
    assert why(difference.datasets) == {
        "ada__push": ("changed", "num_episodes_kept 2 -> 1; num_frames_kept 60 -> 30"),
        "bob__gone": ("removed", "not listed any more; it was accepted"),
        "dan__new": ("added", "accepted"),
        "eve__bad": ("added", "rejected: structure.missing_data"),
    }
    episodes = why(difference.episodes)
    assert episodes["ada__push/000000"] == ("changed", "label 'Push the button' -> 'Press it'")
    assert episodes["ada__push/000001"][0] == "removed"
    assert episodes["ada__push/000001"][1].startswith("kept -> motion.static")
    assert episodes["bob__gone/000000"] == ("removed", "its dataset: not listed any more; it was accepted")
    assert episodes["dan__new/000000"] == ("added", "its dataset: accepted")
    assert "eve__bad/000000" not in episodes


def test_a_failure_is_a_change_of_state_and_brings_its_copies_in(tiny_lake):
    tiny_lake.add("ada__push", ["p1"])
    tiny_lake.add("bob__copy", ["p1"])
    difference = compare(manifest(tiny_lake), manifest(tiny_lake, {"ada__push": "disk on fire"}))
    assert why(difference.datasets)["ada__push"][1].startswith("accepted -> quarantined: disk on fire")
    kind, cause = why(difference.episodes)["bob__copy/000000"]
    assert kind == "added"
    assert cause == "duplicate.exact_copy of ada__push/000000 -> kept"


def test_findings_that_came_or_went_are_named(tiny_lake, other_lake):
    tiny_lake.add("ada__push", ["p1"], warned={"motion.tremor": [0]})
    other_lake.add("ada__push", ["p1"], warned={"text.empty_task": None})
    difference = compare(manifest(tiny_lake), manifest(other_lake))
    assert why(difference.datasets) == {"ada__push": ("changed", "text.empty_task absent -> warn")}
    assert why(difference.episodes) == {"ada__push/000000": ("changed", "motion.tremor warn -> absent")}
