"""`uploads:`: accepted contributions are listed with their contributor, everything else is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.sources import list_datasets
from data_contracts.errors import ContractError
from data_contracts.layout import Lake
from data_contracts.manifests import Contribution


def upload(lake: Lake, name: str, *, dataset_id: str = "ann__cubes", accepted: tuple[int, ...] = (0, 2)) -> Path:
    folder = lake.contributions / name
    (folder / "dataset" / "meta").mkdir(parents=True)
    (folder / "dataset" / "meta" / "info.json").write_text("{}")
    Contribution(
        contribution_id=name, contributor="zoe", dataset_id=dataset_id, revision="sha256:0",
        accepted_episodes=accepted, rejected_episodes={},
    ).write(folder / "contribution.json")  # fmt: skip
    return folder


def test_an_accepted_contribution_is_listed_under_its_contributor(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    folder = upload(lake, "c1")
    row = list_datasets(["uploads:"], lake).row(0, named=True)
    assert (row["dataset_id"], row["contributor"], row["source"]) == ("ann__cubes", "zoe", "uploads:")
    assert row["path"] == str(folder / "dataset")


def test_rejected_and_unfinished_contributions_are_not(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    upload(lake, "rejected", accepted=())
    (upload(lake, "unfinished") / "contribution.json").unlink()
    upload(lake, ".c2.partial")
    assert list_datasets(["uploads:"], lake).height == 0


def test_two_contributions_of_one_dataset_are_told_apart(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    upload(lake, "c1")
    upload(lake, "c2")
    assert list_datasets(["uploads:"], lake)["dataset_id"].n_unique() == 2


def test_a_contribution_without_its_dataset_does_not_end_the_crawl(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    (upload(lake, "c1") / "dataset").rename(tmp_path / "away")
    upload(lake, "c2", dataset_id="ann__doors")
    assert list_datasets(["uploads:"], lake).height == 2


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    (upload(lake, "c1") / "contribution.json").write_text("{")
    with pytest.raises(ContractError, match=r"contribution\.json"):
        list_datasets(["uploads:"], lake)
