"""What takes a lake's space, and what may go: never more than nothing refers to."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data_contracts.catalogue import SOURCE_LISTING
from data_contracts.errors import LakeError
from data_contracts.layout import Lake
from data_contracts.manifests import CrawlRecord, RawDataset
from deftworks.cli import app
from pipelines.lake_garbage import delete_garbage, find_garbage
from pipelines.lake_lock import only_run
from pipelines.lake_usage import lake_usage

OLD, NEW, NEXT = "a" * 40, "b" * 40, "c" * 40


def put(path: Path, num_bytes: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * num_bytes)
    return path


def stamped(dataset: str, stamp: str) -> dict[str, str]:
    return {"dataset_id": dataset, "source": "hub:tag", "path": "", "stamp": stamp, "contributor": "ada"}


@pytest.fixture
def lake(tmp_path) -> Lake:
    """`ada__push` is listed and at commit NEW; `bob__gone` is listed no more; a run died in between."""
    lake = Lake.at(tmp_path / "lake")
    listing = SOURCE_LISTING.frame([stamped("ada__push", f"hub:{NEW}")])
    SOURCE_LISTING.write(listing, lake.source_listing / "source_listing.parquet")
    for name, sha in (("ada__push", NEW), ("bob__gone", OLD)):
        RawDataset(
            dataset_id=name, source="hub:tag", path=f"/moved/{name}/{sha}", revision=f"hub:{sha}", contributor="ada",
            size_bytes=1, num_files=1,
        ).write(lake.raw(name) / "raw.json")  # fmt: skip
        CrawlRecord(dataset_id=name, repo_id="a/b", source="hub:tag", sha=sha, state="fetched").write(
            lake.crawl_record(name)
        )
        put(lake.normalised(name) / "data.parquet", 100)
        put(lake.home / "failures" / name / "normalised_dataset.txt", 5)
    put(lake.hub("ada__push") / NEW / "meta.json", 100_000)
    put(lake.hub("ada__push") / OLD / "meta.json", 300)
    put(lake.hub("ada__push") / f".{NEXT}.partial" / "half", 7)
    put(lake.hub("bob__gone") / OLD / "meta.json", 500)
    put(lake.home / "findings" / ".ada__push.partial" / "half", 11)
    put(lake.home / ".corpus.old" / "manifest.json", 13)
    for kept in (
        "packs/x/1.0.0/pack",
        "releases/1/.catalogue.old/x",
        "contributions/c/file",
        "keys/key",
        "policies/base/w",
    ):
        put(lake.home / kept, 50)
    return lake


WANTED = {
    ".corpus.old": "scratch",
    "failures/bob__gone": "unlisted dataset",
    "findings/.ada__push.partial": "scratch",
    f"hub/ada__push/{OLD}": "old commit",
    "hub/bob__gone": "unlisted dataset",
    "normalised/bob__gone": "unlisted dataset",
    "raw/bob__gone": "unlisted dataset",
}


def everything(lake: Lake) -> set[str]:
    return {str(path.relative_to(lake.home)) for path in lake.home.rglob("*") if path.is_file()}


def test_garbage_is_named_by_rule_and_nothing_is_deleted(lake):
    before = everything(lake)
    report = find_garbage(lake)
    assert {garbage.path: garbage.rule for garbage in report.garbage} == WANTED
    assert not report.is_deleted
    assert everything(lake) == before


def test_deleting_takes_exactly_what_was_named(lake):
    before = everything(lake)
    report = delete_garbage(lake)
    gone = before - everything(lake)
    assert gone == {path for path in before if any(path.startswith(f"{garbage}/") for garbage in WANTED)}
    assert report.freed_bytes == sum((300, 500, 100, 5, 11, 13)) + next(
        g.size_bytes for g in report.garbage if g.path == "raw/bob__gone"
    )
    assert find_garbage(lake).garbage == ()


def test_a_dataset_that_teaches_something_stays_also_unlisted(lake):
    from data_contracts.catalogue import SKILL_INDEX

    row = {
        "skill_id": "push", "dataset_id": "bob__gone", "episode_index": 0, "normalised_index": 0, "num_frames": 1,
        "episode_hash": "sha256:" + "0" * 64, "contributor": "bob", "fps": 30.0, "label": "Push",
    }  # fmt: skip
    SKILL_INDEX.write(SKILL_INDEX.frame([row]), lake.skill_index / "skill_index.parquet")
    assert not [garbage.path for garbage in find_garbage(lake).garbage if "bob__gone" in garbage.path]


def test_a_table_that_cannot_be_read_is_no_leave_to_delete(lake):
    put(lake.skill_index / "skill_index.parquet", 3)
    with pytest.raises(LakeError, match="not known which datasets"):
        delete_garbage(lake)


def test_without_a_listing_nothing_is_garbage(lake):
    (lake.source_listing / "source_listing.parquet").unlink()
    with pytest.raises(LakeError, match="listing"):
        find_garbage(lake)


def test_an_unreadable_raw_json_keeps_every_commit(lake):
    (lake.raw("ada__push") / "raw.json").write_text("{")
    assert f"hub/ada__push/{OLD}" not in {garbage.path for garbage in find_garbage(lake).garbage}


def test_nothing_outside_the_lake_is_touched(lake, tmp_path):
    outside = put(tmp_path / "elsewhere" / "zed__other" / "data", 9)
    (lake.home / "normalised" / "zed__other").symlink_to(outside.parent)
    (lake.home / "camera_roles").symlink_to(outside.parent.parent)
    delete_garbage(lake)
    assert outside.exists()


def test_deleting_waits_for_no_other_run(lake):
    before = everything(lake)
    with only_run(lake), pytest.raises(LakeError, match="Another deftworks run"):
        delete_garbage(lake)
    assert everything(lake) - {".run.lock"} == before


def test_a_file_with_several_names_counts_once_and_frees_nothing_while_one_stays(lake):
    size_before = lake_usage(lake).size_bytes
    (lake.normalised("ada__push") / "video.mp4").hardlink_to(lake.hub("ada__push") / OLD / "meta.json")
    usage = lake_usage(lake)
    assert usage.size_bytes == size_before
    assert usage.by_dataset["ada__push"]["hub"] == 100_000 + 300 + 7
    by_path = {garbage.path: garbage.size_bytes for garbage in find_garbage(lake).garbage}
    assert by_path[f"hub/ada__push/{OLD}"] == 0


def test_usage_adds_up_and_the_largest_come_first(lake):
    usage = lake_usage(lake)
    assert usage.size_bytes == sum(path.stat().st_size for path in lake.home.rglob("*") if path.is_file())
    assert sum(usage.by_part.values()) == usage.size_bytes
    assert next(iter(usage.by_part)) == "hub"
    assert list(usage.by_dataset) == ["ada__push", "bob__gone"]
    assert usage.by_dataset["ada__push"]["findings"] == 11


def test_the_commands_show_first_and_delete_on_purpose(lake):
    run = CliRunner()
    home = ["--home", str(lake.home)]
    shown = run.invoke(app, ["lake", "usage", "--top", "1", *home, "--json"])
    assert list(json.loads(shown.stdout)["by_dataset"]) == ["ada__push"]
    assert "nothing was" in run.invoke(app, ["lake", "gc", *home]).stdout
    assert lake.hub("bob__gone").exists()
    deleted = json.loads(run.invoke(app, ["lake", "gc", "--delete", "--json", *home]).stdout)
    assert (deleted["is_deleted"], len(deleted["garbage"])) == (True, len(WANTED))
    assert not lake.hub("bob__gone").exists()
    assert os.listdir(lake.home / "keys") == ["key"]  # noqa: PTH208 (names alone)


@pytest.mark.parametrize("command", ["usage", "gc"])
def test_help_has_an_example(command):
    assert (
        f"deftworks lake {command}" in CliRunner().invoke(app, ["lake", command, "--help"]).stdout.split("Example")[1]
    )
