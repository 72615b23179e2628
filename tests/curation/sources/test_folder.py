"""`folder:PATH`: what is listed, under which id, and what is passed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from curation.sources import dataset_id_of, describe_folder, describe_raw, list_datasets, open_source
from data_contracts.errors import SourceUnavailable, UnknownSource
from data_contracts.layout import Lake


def make_dataset(folder: Path, text: str = "{}") -> Path:
    (folder / "meta").mkdir(parents=True)
    (folder / "meta" / "info.json").write_text(text)
    return folder


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "home")


def listed(root: Path, lake: Lake) -> dict[str, str]:
    rows = open_source(f"folder:{root}", lake).entries()
    return {row["dataset_id"]: str(Path(row["path"]).relative_to(root)) for row in rows}


def test_ids_come_from_folder_names(tmp_path: Path, lake: Lake) -> None:
    root = tmp_path / "in"
    make_dataset(root / "ann__cubes")
    make_dataset(root / "ben" / "doors")
    make_dataset(root / "loose")
    assert listed(root, lake) == {"ann__cubes": "ann__cubes", "ben__doors": "ben/doors", "local__loose": "loose"}


def test_contributor_is_the_organisation(tmp_path: Path, lake: Lake) -> None:
    make_dataset(tmp_path / "in" / "ann__cubes")
    table = list_datasets([f"folder:{tmp_path / 'in'}"], lake)
    assert table["contributor"].to_list() == ["ann"]


def test_the_path_itself_may_be_the_dataset(tmp_path: Path, lake: Lake) -> None:
    root = make_dataset(tmp_path / "secret-place" / "ann__cubes")
    assert listed(root, lake) == {"ann__cubes": "."}
    assert listed(make_dataset(tmp_path / "cubes"), lake) == {"local__cubes": "."}


def test_a_dataset_is_not_descended_into(tmp_path: Path, lake: Lake) -> None:
    root = tmp_path / "in"
    make_dataset(make_dataset(root / "outer") / "copy")
    assert listed(root, lake) == {"local__outer": "outer"}


def test_hidden_folders_and_lakes_are_passed_over(tmp_path: Path, lake: Lake) -> None:
    root = tmp_path / "in"
    make_dataset(root / ".cache" / "a")
    make_dataset(root / ".deftworks" / "normalised" / "b")
    assert listed(root, lake) == {}


@pytest.mark.parametrize("sign", ["meta/tasks.jsonl", "data/episode_000000.parquet", "data/chunk-000/x.parquet"])
def test_a_folder_that_wants_to_be_a_dataset_is_listed(tmp_path: Path, lake: Lake, sign: str) -> None:
    root = tmp_path / "in"
    (root / "half" / sign).parent.mkdir(parents=True)
    (root / "half" / sign).write_text("")
    (root / "holiday" / "pictures").mkdir(parents=True)
    assert listed(root, lake) == {"local__half": "half"}


def test_a_collection_with_a_meta_folder_does_not_hide_its_datasets(tmp_path: Path, lake: Lake) -> None:
    root = tmp_path / "in"
    (root / "meta").mkdir(parents=True)
    make_dataset(root / "cubes")
    assert listed(root, lake) == {"local__cubes": "cubes"}


def test_colliding_ids_are_all_told_apart_whatever_else_is_there(tmp_path: Path, lake: Lake) -> None:
    root = tmp_path / "in"
    make_dataset(root / "one" / "ann" / "cubes")
    make_dataset(root / "two" / "ann" / "cubes")
    make_dataset(root / "doors")
    before = listed(root, lake)
    assert sorted(before.values()) == ["doors", "one/ann/cubes", "two/ann/cubes"]
    assert "ann__cubes" not in before
    assert all(key.startswith("ann__cubes-") for key, place in before.items() if place != "doors")
    make_dataset(root / "a-first" / "ann" / "cubes")
    assert before.items() <= listed(root, lake).items()


def test_ids_that_differ_in_case_only_collide(tmp_path: Path, lake: Lake) -> None:
    root = tmp_path / "in"
    make_dataset(root / "x" / "ann__cubes")
    make_dataset(root / "y" / "Ann__Cubes")
    assert len({key.lower() for key in listed(root, lake)}) == 2


def test_long_colliding_names_stay_valid(tmp_path: Path, lake: Lake) -> None:
    root = tmp_path / "in"
    for place in ("x", "y"):
        make_dataset(root / place / ("a" * 120) / ("b" * 120))
    assert len(listed(root, lake)) == 2


def test_names_in_another_script_get_an_id(tmp_path: Path, lake: Lake) -> None:
    root = tmp_path / "in"
    make_dataset(root / "数据")
    make_dataset(root / "機械")
    ids = listed(root, lake)
    assert len(ids) == 2
    assert all(key.startswith("local__unnamed-") for key in ids)


def test_loops_of_links_end_and_links_list_nothing_twice(tmp_path: Path, lake: Lake) -> None:
    root = tmp_path / "in"
    make_dataset(root / "z" / "cubes")
    (root / "z" / "up").symlink_to(root, target_is_directory=True)
    (root / "alias").symlink_to(root / "z" / "cubes", target_is_directory=True)
    (root / "nowhere").symlink_to(root / "gone")
    assert listed(root, lake) == {"z__cubes": "z/cubes"}


def test_a_linked_dataset_outside_the_folder_is_listed(tmp_path: Path, lake: Lake) -> None:
    root = tmp_path / "in"
    root.mkdir()
    (root / "cubes").symlink_to(make_dataset(tmp_path / "elsewhere"), target_is_directory=True)
    assert listed(root, lake) == {"local__cubes": "cubes"}


def test_a_missing_path_says_what_to_do(tmp_path: Path, lake: Lake) -> None:
    with pytest.raises(SourceUnavailable, match=r"does not exist.*folder:PATH"):
        list_datasets([f"folder:{tmp_path / 'none'}"], lake)
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceUnavailable, match="is not a folder"):
        list_datasets([f"folder:{tmp_path / 'file'}"], lake)


@pytest.mark.parametrize(
    ("spec", "hint"), [("foldr:x", "folder"), ("recordings", "folder:recordings"), ("folder:", "folder:PATH")]
)
def test_unknown_sources_name_the_right_spelling(lake: Lake, spec: str, hint: str) -> None:
    with pytest.raises(UnknownSource, match=hint):
        open_source(spec, lake)


def test_one_folder_in_two_sources_counts_once_and_two_folders_with_one_id_are_told_apart(
    tmp_path: Path, lake: Lake
) -> None:
    make_dataset(tmp_path / "in" / "ann__cubes")
    make_dataset(tmp_path / "other" / "ann__cubes")
    once = list_datasets([f"folder:{tmp_path / 'in'}", f"folder:{tmp_path / 'in' / 'ann__cubes'}"], lake)
    assert once["dataset_id"].to_list() == ["ann__cubes"]
    twice = list_datasets([f"folder:{tmp_path / 'in'}", f"folder:{tmp_path / 'other'}"], lake)
    assert twice.height == 2
    assert twice["dataset_id"].str.starts_with("ann__cubes-").all()


def test_no_candidates_give_an_empty_table(tmp_path: Path, lake: Lake) -> None:
    (tmp_path / "in").mkdir()
    assert list_datasets([f"folder:{tmp_path / 'in'}", "uploads:"], lake).height == 0


def row_of(root: Path, lake: Lake) -> dict:
    return list_datasets([f"folder:{root}"], lake).row(0, named=True)


def test_stamp_and_revision_change_with_a_file(tmp_path: Path, lake: Lake) -> None:
    root = make_dataset(tmp_path / "cubes")
    before, raw = row_of(root, lake), describe_raw(row_of(root, lake), lake)
    assert (raw.num_files, raw.size_bytes) == (1, 2)
    assert row_of(root, lake) == before

    os.utime(root / "meta" / "info.json", ns=(1, 1))
    touched = row_of(root, lake)
    assert touched["stamp"] != before["stamp"]
    assert describe_raw(touched, lake).revision == raw.revision

    (root / "meta" / "info.json").write_text("[]")
    assert describe_raw(row_of(root, lake), lake).revision != raw.revision


def test_revision_does_not_depend_on_where_the_folder_lies_nor_on_hidden_files(tmp_path: Path, lake: Lake) -> None:
    first, second = make_dataset(tmp_path / "a" / "cubes"), make_dataset(tmp_path / "b" / "cubes")
    (second / ".cache").mkdir()
    (second / ".cache" / "lock").write_text("x")
    (second / ".gitattributes").write_text("x")
    assert describe_raw(row_of(first, lake), lake).revision == describe_raw(row_of(second, lake), lake).revision


def test_renaming_a_file_changes_the_revision(tmp_path: Path, lake: Lake) -> None:
    root = make_dataset(tmp_path / "cubes")
    (root / "a").write_text("1")
    before = describe_raw(row_of(root, lake), lake).revision
    (root / "a").rename(root / "b")
    assert describe_raw(row_of(root, lake), lake).revision != before


def test_links_out_of_a_dataset_do_not_count(tmp_path: Path, lake: Lake) -> None:
    root = make_dataset(tmp_path / "cubes")
    before = describe_raw(row_of(root, lake), lake)
    (tmp_path / "secret").write_text("x")
    (root / "secret").symlink_to(tmp_path / "secret")
    (root / "blob").symlink_to(root / "lost")
    (root / "loop").symlink_to(root, target_is_directory=True)
    assert describe_raw(row_of(root, lake), lake) == before


def test_a_folder_that_went_away_is_retryable(tmp_path: Path, lake: Lake) -> None:
    row = row_of(make_dataset(tmp_path / "cubes"), lake)
    (tmp_path / "cubes").rename(tmp_path / "moved")
    with pytest.raises(SourceUnavailable, match="not there any more"):
        describe_raw(row, lake)


def test_a_folder_named_alone_has_the_id_that_its_source_gives_it(tmp_path: Path, lake: Lake, monkeypatch) -> None:
    root = make_dataset(tmp_path / "ann" / "cubes")
    (row,) = open_source(f"folder:{root}", lake).entries()
    monkeypatch.chdir(root / "meta")
    assert dataset_id_of(root) == dataset_id_of(Path("..")) == row["dataset_id"] == "local__cubes"
    assert describe_folder(root, row["dataset_id"]) == describe_raw(row, lake)
