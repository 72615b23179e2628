"""Who is credited when copies were copied again."""

import polars as pl

from curation.duplicates.clusters import Link, _credited

EPISODES = pl.DataFrame({"dataset_id": ["lab-a__first", "lab-b__second", "lab-c__third"], "episode_index": [0, 1, 2]})


def test_a_copy_of_a_copy_belongs_to_the_original():
    links = [[], [Link(0, "near", "a trim")], [Link(1, "exact", "the same values")]]
    second, third = _credited(EPISODES, links)[1:]
    assert (second["original_dataset_id"], second["copy_kind"]) == ("lab-a__first", "near")
    assert (third["original_dataset_id"], third["copy_kind"]) == ("lab-a__first", "near")
    assert third["evidence"] == "by way of lab-b__second/000001: the same values"


def test_a_direct_match_with_an_original_counts_before_one_with_a_copy():
    links = [[], [Link(0, "near", "a trim")], [Link(1, "exact", "the same values"), Link(0, "near", "retimed")]]
    third = _credited(EPISODES, links)[2]
    assert (third["original_dataset_id"], third["copy_kind"]) == ("lab-a__first", "near")
    assert third["evidence"] == "retimed; also lab-b__second/000001: the same values"
