"""Fetching one dataset: in steps, verified, resumed, and what the Hub's refusals become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from curation.sources import describe_raw, list_datasets
from data_contracts.errors import Gated, Gone, LakeError, NotAsPinned, SourceError, SourceUnavailable
from data_contracts.manifests import CrawlRecord, RawDataset
from tests.hub.repositories import Fault
from tests.hub.templates import ACCEPTED, DATA_FILE, STOPS, templates


def row_of(lake, repo_id: str, source: str | None = None) -> dict[str, Any]:
    listing = list_datasets([source or f"hub:{repo_id}"], lake)
    return next(row for row in listing.to_dicts() if row["repo_id"] == repo_id)


def fetch(lake, repo_id: str, source: str | None = None) -> RawDataset:
    return describe_raw(row_of(lake, repo_id, source), lake)


def record(lake, dataset_id: str) -> CrawlRecord:
    return CrawlRecord.read(lake.crawl_record(dataset_id))


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_a_dataset_is_fetched_whole_byte_for_byte(hub, lake, kind, monkeypatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    repository = hub.add("lab/cubes", kind)
    raw = fetch(lake, "lab/cubes")
    assert (raw.fetched, raw.findings, raw.revision) == ("all", (), f"hub:{repository.main.sha}")
    assert raw.published_at == "2025-03-01T12:00:00Z"
    assert raw.contributor == "lab"
    assert files_of(Path(raw.path)) == repository.main.files
    assert (raw.num_files, raw.size_bytes) == (
        len(repository.main.files),
        sum(map(len, repository.main.files.values())),
    )
    assert record(lake, "lab__cubes").state == "fetched"
    assert [path.name for path in lake.hub("lab__cubes").iterdir()] == [repository.main.sha]
    assert hub.leaked_tokens == []


@pytest.mark.parametrize(("kind", "stop"), STOPS.items())
def test_fetching_stops_where_the_rest_is_not_worth_having(hub, lake, kind, stop) -> None:
    repository = hub.add("lab/poor", kind)
    raw = fetch(lake, "lab/poor")
    assert raw.fetched == stop
    assert any(finding.severity == "gate" for finding in raw.findings)
    fetched = files_of(Path(raw.path))
    assert all(repository.main.files[path] == content for path, content in fetched.items())
    assert not any(path.startswith("videos/") for path in fetched)
    assert stop == "rows" or not any(path.startswith("data/") for path in fetched)


def test_outside_the_scope_one_small_file_is_all_that_is_fetched(hub, lake, tmp_path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text("title = 'x'\ntag = 'LeRobot'\n[scope]\nrobot_types = ['so-100']")
    hub.add("lab/koch", "koch")
    hub.add("lab/so")
    source = f"hub:recipe={recipe}"
    raw = fetch(lake, "lab/koch", source)
    assert raw.fetched == "metadata"
    assert [finding.code for finding in raw.findings] == ["scope.outside_recipe"]
    assert list(files_of(Path(raw.path))) == ["meta/info.json"]
    assert fetch(lake, "lab/so", source).fetched == "all"
    recipe.write_text("title = 'y'\ntag = 'LeRobot'\n[scope]\nrobot_types = ['koch']")
    hub.forget_requests()
    assert fetch(lake, "lab/koch", source).fetched == "all"
    assert hub.requests["lab/koch", "file"] == len(hub["lab/koch"].main.files) - 1


def test_files_that_no_dataset_needs_are_counted_and_left_there(hub, lake) -> None:
    repository = hub.add("lab/cubes")
    commit = repository.commit({**repository.main.files, "images/a/b.png": b"x" * 70, "model.bin": b"y" * 30})
    repository.tags["v2.1"] = commit.sha
    raw = fetch(lake, "lab/cubes")
    assert [(f.code, f.severity, f.evidence) for f in raw.findings] == [
        ("structure.stray_files", "note", {"num_files": 2, "size_bytes": 100})
    ]
    assert "model.bin" not in files_of(Path(raw.path))


def test_version_tags(hub, lake) -> None:
    hub.add("lab/untagged", tag=None)
    missing = fetch(lake, "lab/untagged").findings
    assert [(f.code, f.severity) for f in missing] == [("structure.missing_tag", "note")]

    stale = hub.add("lab/stale")
    old = stale.main.sha
    info = stale.main.files["meta/info.json"].replace(b'"total_episodes": 1', b'"total_episodes":  1')
    assert info != stale.main.files["meta/info.json"]
    new = stale.commit({**stale.main.files, "meta/info.json": info}).sha
    found = fetch(lake, "lab/stale").findings
    assert [(f.code, f.severity, f.evidence) for f in found] == [
        ("structure.stale_tag", "warn", {"tag": "v2.1", "tag_commit": old, "main": new})
    ]

    hub.add("lab/behind")
    hub.change("lab/behind")
    assert fetch(lake, "lab/behind").findings == ()  # the tag is older, and says the same

    hub.add("lab/converted", "v30", tag="v2.1")
    assert [f.code for f in fetch(lake, "lab/converted").findings] == ["structure.missing_tag"]


def test_a_changed_dataset_takes_over_what_stayed(hub, lake) -> None:
    repository = hub.add("lab/cubes")
    first = fetch(lake, "lab/cubes")
    hub.change("lab/cubes")
    hub.forget_requests()
    second = fetch(lake, "lab/cubes")
    assert second.revision != first.revision
    assert hub.requests["lab/cubes", "file"] == 1
    assert files_of(Path(second.path)) == repository.main.files
    assert (Path(first.path) / DATA_FILE).samefile(Path(second.path) / DATA_FILE)


def test_a_half_fetched_dataset_is_resumed_by_what_verifies(hub, lake) -> None:
    repository = hub.add("lab/cubes")
    row = row_of(lake, "lab/cubes")
    partial = lake.hub("lab__cubes") / f".{repository.main.sha}.partial"
    for path in ("meta/info.json", DATA_FILE, "videos/stray.mp4"):
        (partial / path).parent.mkdir(parents=True, exist_ok=True)
        (partial / path).write_bytes(repository.main.files.get(path, b"stray"))
    (partial / DATA_FILE).write_bytes(b"half")
    raw = describe_raw(row, lake)
    assert files_of(Path(raw.path)) == repository.main.files
    assert hub.requests["lab/cubes", "file"] == len(repository.main.files) - 1


def test_a_file_that_was_cut_goes_on_where_it_stopped(hub, lake) -> None:
    repository = hub.add("lab/cubes", fault=Fault("cut", 4))
    hub.resumed_at.clear()
    raw = fetch(lake, "lab/cubes")
    assert files_of(Path(raw.path)) == repository.main.files
    assert len([first for first in hub.resumed_at if first > 0]) >= 4


@pytest.mark.parametrize(
    "kind", ["429", "429_seconds", "429_date", "ratelimit", "500", "503", "reset", "slow", "cut_answer"]
)
def test_faults_that_pass_are_waited_for(hub, lake, kind) -> None:
    repository = hub.add("lab/cubes")
    row = row_of(lake, "lab/cubes")
    repository.fault = Fault(kind, 2)
    assert files_of(Path(describe_raw(row, lake).path)) == repository.main.files


@pytest.mark.parametrize("kind", ["wrong_bytes", "wrong_size", "too_long", "pointer", "ignores_range"])
def test_wrong_content_is_fetched_again(hub, lake, kind) -> None:
    repository = hub.add("lab/cubes", fault=Fault(kind, 2))
    assert files_of(Path(fetch(lake, "lab/cubes").path)) == repository.main.files


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("wrong_bytes", "found 1988 bytes with"), ("wrong_size", "found 994 bytes"), ("too_long", "found 1992 bytes"),
        ("pointer", "found a Git LFS pointer"),
    ],
)  # fmt: skip
def test_content_that_stays_wrong_puts_the_dataset_aside(hub, lake, kind, said) -> None:
    size = len(templates()["v21"]["meta/info.json"])
    said = said.replace("1988", str(size)).replace("994", str(size // 2)).replace("1992", str(size + 4))
    hub.add("lab/cubes", fault=Fault(kind))
    with pytest.raises(NotAsPinned, match=f"meta/info.json: expected {size} bytes with git blob .* {said}"):
        fetch(lake, "lab/cubes")
    assert record(lake, "lab__cubes").state == "quarantined"
    assert not (lake.hub("lab__cubes") / hub["lab/cubes"].main.sha).exists()


@pytest.mark.parametrize("kind", ["429_seconds", "503", "reset", "nonsense", "cut"])
def test_faults_that_stay_end_as_unreachable_with_a_time(hub, lake, kind, monkeypatch) -> None:
    monkeypatch.setenv("DEFTWORKS_HUB_PATIENCE_S", "1.5")
    repository = hub.add("lab/cubes")
    row = row_of(lake, "lab/cubes")
    repository.fault = Fault(kind)
    for attempt in (1, 2):
        with pytest.raises(SourceUnavailable) as caught:
            describe_raw(row, lake)
        assert caught.value.is_retryable
        state = record(lake, "lab__cubes")
        assert (state.state, state.num_attempts) == ("unreachable", attempt)
        assert state.retry_at is not None
        assert state.retry_at > "2026"
    repository.fault = None
    assert describe_raw(row, lake).fetched == "all"


@pytest.mark.parametrize(
    ("kind", "error", "state"),
    [
        ("hostile_path", NotAsPinned, "quarantined"), ("case_collision", NotAsPinned, "quarantined"),
        ("deleted", Gone, "gone"), ("gated", Gated, "gated"), ("disabled", Gone, "gone"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_told_and_not_tried_again(hub, lake, tmp_path, kind, error, state) -> None:
    repository = hub.add("lab/cubes")
    row = row_of(lake, "lab/cubes")
    repository.fault = Fault(kind)
    repository.is_gated, repository.is_disabled = kind == "gated", kind == "disabled"
    with pytest.raises(error) as caught:
        describe_raw(row, lake)
    assert not caught.value.is_retryable
    assert record(lake, "lab__cubes").state == state
    assert record(lake, "lab__cubes").reason == caught.value.message
    assert {path.name for path in tmp_path.iterdir()} == {"lake"}
    assert not list(tmp_path.rglob("outside*"))


def test_a_dataset_deleted_between_its_tree_and_its_files_is_gone(hub, lake) -> None:
    repository = hub.add("lab/cubes")
    row = row_of(lake, "lab/cubes")

    class GoesAway(dict):
        def get(self, key, default=None):
            repository.is_deleted = key.startswith("meta/episodes")
            return super().get(key, default)

    repository.main.files = GoesAway(repository.main.files)
    with pytest.raises(Gone):
        describe_raw(row, lake)
    assert record(lake, "lab__cubes").state == "gone"


def test_a_renamed_dataset_is_followed(hub, lake) -> None:
    new = hub.add("lab/new-name")
    hub.add("lab/old-name").renamed_to = "lab/new-name"
    (row,) = list_datasets(["hub:lab/old-name"], lake).to_dicts()
    assert row["repo_id"] == "lab/new-name"
    assert files_of(Path(describe_raw(row, lake).path)) == new.main.files


def test_no_hub_at_all(hub, lake, monkeypatch) -> None:
    hub.add("lab/cubes")
    row = row_of(lake, "lab/cubes")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("DEFTWORKS_HUB_PATIENCE_S", "0.5")
    with pytest.raises(SourceError, match="does not answer"):
        describe_raw(row, lake)


def test_a_disk_that_may_not_be_written_is_our_fault_and_says_so(hub, lake, monkeypatch) -> None:
    hub.add("lab/cubes")
    row = row_of(lake, "lab/cubes")
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10})())
    with pytest.raises(LakeError, match=r"GB are free\. Free some space"):
        describe_raw(row, lake)
    assert record(lake, "lab__cubes").state == "listed"


@pytest.mark.parametrize("number", [28, 13])
def test_an_operating_system_that_refuses_to_write_says_what_to_do(hub, lake, monkeypatch, number) -> None:
    hub.add("lab/cubes")
    row = row_of(lake, "lab/cubes")

    def refuse(self: Path, target: Path) -> Path:
        raise OSError(number, "No")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(LakeError, match="run the same command again"):
        describe_raw(row, lake)
