"""What `hub:` lists: pages, ids, commits, and datasets that are not there any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.sources import describe_raw, list_datasets, open_source
from curation.sources.hub.listing import id_of
from data_contracts.errors import SourceError, SourceUnavailable
from data_contracts.manifests import CrawlRecord
from tests.hub.repositories import Fault


def record(lake, dataset_id: str) -> CrawlRecord:
    return CrawlRecord.read(lake.crawl_record(dataset_id))


def test_a_tag_is_listed_page_by_page_without_asking_about_any_dataset(hub, lake) -> None:
    for number in range(230):
        hub.add(f"lab/set-{number:03d}")
    hub.add("lab/other").card_tags = ()
    listing = list_datasets(["hub:tag=LeRobot"], lake)
    assert listing.height == 230
    assert dict(hub.requests) == {("", "list"): 3}
    row = listing.row(0, named=True)
    sha = hub["lab/set-000"].main.sha
    assert row == {
        "dataset_id": "lab__set-000", "source": "hub:tag=LeRobot", "path": str(lake.hub("lab__set-000") / sha),
        "stamp": f"hub:{sha}", "contributor": "lab", "repo_id": "lab/set-000",
    }  # fmt: skip
    assert record(lake, "lab__set-000").state == "listed"


def test_an_author_and_named_datasets(hub, lake) -> None:
    hub.add("ann/cubes")
    hub.add("ben/doors").card_tags = ()
    assert list_datasets(["hub:author=ann"], lake)["repo_id"].to_list() == ["ann/cubes"]
    named = list_datasets(["hub:ben/doors,ann/cubes,cat/none"], lake)
    assert dict(named.select("repo_id", "stamp").iter_rows()) == {
        "ann/cubes": f"hub:{hub['ann/cubes'].main.sha}",
        "ben/doors": f"hub:{hub['ben/doors'].main.sha}",
        "cat/none": "hub:gone",
    }
    assert record(lake, "cat__none").state == "gone"


def test_what_is_listed_no_more_stays_listed_as_gone_and_may_come_back(hub, lake) -> None:
    hub.add("lab/stays")
    hub.add("lab/leaves")
    list_datasets(["hub:tag=LeRobot"], lake)
    hub["lab/leaves"].is_deleted = True
    listing = list_datasets(["hub:tag=LeRobot"], lake)
    assert dict(listing.select("dataset_id", "stamp").iter_rows())["lab__leaves"] == "hub:gone"
    assert record(lake, "lab__leaves").state == "gone"
    assert "not list lab/leaves any more" in (record(lake, "lab__leaves").reason or "")
    hub["lab/leaves"].is_deleted = False
    list_datasets(["hub:tag=LeRobot"], lake)
    assert record(lake, "lab__leaves").state == "listed"


def test_an_empty_list_is_a_fault_and_loses_nobody(hub, lake) -> None:
    hub.add("lab/cubes")
    list_datasets(["hub:tag=LeRobot"], lake)
    hub["lab/cubes"].card_tags = ()
    with pytest.raises(SourceUnavailable, match="lists nothing, where it listed 1"):
        list_datasets(["hub:tag=LeRobot"], lake)
    assert record(lake, "lab__cubes").state == "listed"


def test_two_sources_and_one_repository_give_one_row_and_the_living_one_counts(hub, lake) -> None:
    hub.add("lab/cubes")
    list_datasets(["hub:tag=LeRobot", "hub:author=lab"], lake)
    hub["lab/cubes"].card_tags = ()
    hub.add("lab/more")
    listing = list_datasets(["hub:tag=LeRobot", "hub:author=lab"], lake)
    stamps = dict(listing.select("dataset_id", "stamp").iter_rows())
    assert stamps["lab__cubes"] == f"hub:{hub['lab/cubes'].main.sha}"


def test_repositories_whose_ids_collide_are_told_apart_by_name_alone(hub, lake, tmp_path) -> None:
    hub.add("lab/a__b")
    hub.add("lab/a_b")
    ids = list_datasets(["hub:author=lab"], lake)["dataset_id"].to_list()
    assert len(set(ids)) == 2
    assert all(name.startswith("lab__a_b-") for name in ids)
    again = list_datasets(["hub:author=lab"], type(lake)(tmp_path / "elsewhere"))["dataset_id"].to_list()
    assert again == ids
    assert id_of("lab/___") == id_of("lab/___") != id_of("lab/---")


def test_a_dataset_about_which_the_hub_does_not_answer_is_listed_as_it_was_known(hub, lake) -> None:
    hub.add("lab/cubes")
    before = list_datasets(["hub:lab/cubes"], lake)
    hub["lab/cubes"].fault = Fault("nonsense")
    assert list_datasets(["hub:lab/cubes"], lake).equals(before)
    hub.add("lab/new", fault=Fault("nonsense"))
    assert list_datasets(["hub:lab/new"], lake)["stamp"].to_list() == ["hub:unknown"]


def test_the_scope_of_a_recipe_is_part_of_the_stamp(hub, lake, tmp_path) -> None:
    hub.add("lab/cubes")
    path = tmp_path / "mine.toml"
    stamps = set()
    for scope in ("", "[scope]\ncamera = true", "[scope]\nmin_episodes = 2"):
        path.write_text(f"title = 'x'\ntag = 'LeRobot'\n{scope}")
        path.touch()
        stamps.add(next(open_source(f"hub:recipe={path}", lake).entries())["stamp"])
    assert len(stamps) == 3
    assert f"hub:{hub['lab/cubes'].main.sha}" in stamps


@pytest.mark.parametrize("name", ["../../etc", "a/../../b", "we ird/\x00", "___", "x" * 300 + "/y"])
def test_impossible_names_in_a_list_lead_nowhere(hub, lake, tmp_path, name) -> None:
    hub.add(name)
    (row,) = list_datasets(["hub:tag=LeRobot"], lake).to_dicts()
    assert Path(row["path"]).resolve().is_relative_to(lake.home / "hub")
    with pytest.raises(SourceError):
        describe_raw(row, lake)
    assert record(lake, row["dataset_id"]).state == "gone"
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]


def test_a_commit_that_is_none_is_asked_about_again(hub, lake) -> None:
    hub.add("lab/cubes").main.sha = "../../outside"
    (row,) = list_datasets(["hub:tag=LeRobot"], lake).to_dicts()
    assert row["stamp"] == "hub:unknown"
    with pytest.raises(SourceUnavailable, match="names no commit"):
        describe_raw(row, lake)
