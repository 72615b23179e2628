"""A crawl: every candidate ends in a state with a reason, whatever the Hub does and however often it is killed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data_contracts.catalogue import SOURCE_LISTING
from data_contracts.errors import LakeError
from data_contracts.layout import Lake
from data_contracts.manifests import CrawlRecord
from pipelines.crawl import crawl
from pipelines.crawl_plan import plan_crawl
from pipelines.lake_lock import only_run
from tests.hub.population import PASSING, STAYING, kill_while_working, left_half_done, populate, run_crawl
from tests.hub.repositories import Fault, Repositories
from tests.hub.server import serve, served_to_this_process
from tests.hub.templates import templates

SEED = 20261122
TAG = "hub:tag=LeRobot"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repositories]:
    with served_to_this_process(monkeypatch, patience_s=10) as repositories:
        yield repositories


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def touched(hub: Repositories) -> set[str]:
    return {repo_id for repo_id, _ in hub.requests if repo_id}


def test_each_fault_ends_where_it_must_and_nothing_is_asked_twice(hub: Repositories, lake: Lake) -> None:
    number = 2 * max(len(PASSING), len(STAYING))
    expected = populate(hub, number, faults=1.0, seed=SEED)
    seen = []
    report = crawl(lake, [TAG], workers=16, on_progress=seen.append)
    assert {dataset.repo_id: dataset.state for dataset in report.datasets} == expected
    assert set(expected.values()) == {"accepted", "unreachable", "quarantined", "gone", "gated"}
    assert all(dataset.reason for dataset in report.datasets if dataset.state != "accepted")
    assert all((dataset.retry_at is not None) == (dataset.state == "unreachable") for dataset in report.datasets)
    assert [step.num_done for step in seen] == list(range(1, number + 1))

    hub.forget_requests()
    again = crawl(lake, [TAG])
    assert touched(hub) == set()
    assert again.num_tried == 0
    assert [(d.dataset, d.state, d.retry_at) for d in again.datasets] == [
        (d.dataset, d.state, d.retry_at) for d in report.datasets
    ]


def test_what_changed_is_fetched_again_and_nothing_else(hub: Repositories, lake: Lake) -> None:
    populate(hub, 12, faults=0.0, seed=SEED)
    crawl(lake, [TAG])
    changed = {"lab-1/set-00001", "lab-5/set-00005"}
    for repo_id in changed:
        hub.change(repo_id)
    hub.forget_requests()
    report = crawl(lake, [TAG])
    assert touched(hub) == changed
    assert {dataset.repo_id for dataset in report.datasets if dataset.is_tried} == changed


def test_what_could_not_be_had_is_tried_when_it_is_due(hub: Repositories, lake: Lake) -> None:
    hub.add("lab/away", fault=Fault("500"))
    hub.add("lab/locked").is_gated = True
    assert crawl(lake, [TAG]).states == {"unreachable": 1, "gated": 1}
    hub["lab/away"].fault = None
    hub["lab/locked"].is_gated = False
    assert crawl(lake, [TAG]).num_tried == 0
    path = lake.crawl_record("lab__away")
    CrawlRecord.read(path).model_copy(update={"retry_at": "2020-01-01T00:00:00Z"}).write(path)
    assert crawl(lake, [TAG]).states == {"accepted": 1, "gated": 1}
    assert crawl(lake, [TAG], retry_now=True).states == {"accepted": 2}


def test_a_dataset_that_nothing_foresaw_is_put_aside_until_it_succeeds(hub, lake, monkeypatch) -> None:
    hub.add("lab/cubes")
    hub.add("lab/doors")

    def stumble(root, dataset_id, **known):
        raise ZeroDivisionError("never thought of that") if dataset_id == "lab__cubes" else AssertionError

    with monkeypatch.context() as patch:
        patch.setattr("curation.quality.judge", stumble)
        report = crawl(lake, [TAG])
    assert {dataset.dataset: dataset.state for dataset in report.datasets} == dict.fromkeys(
        ("lab__cubes", "lab__doors"), "quarantined"
    )
    assert "ZeroDivisionError: never thought of that" in (report.datasets[0].reason or "")
    kept = lake.home / "failures" / "lab__cubes"
    assert [path.name for path in kept.iterdir()] == ["raw_dataset.txt"]
    assert crawl(lake, [TAG]).states == {"accepted": 2}
    assert list(kept.iterdir()) == []


def test_other_sources_of_the_lake_stay_listed(hub, lake, tmp_path, tiny_dataset) -> None:
    hub.add("lab/cubes")
    folder = f"folder:{tiny_dataset}"
    assert crawl(lake, [folder]).states == {"accepted": 1}
    assert crawl(lake, [TAG]).states == {"accepted": 1}
    listing = SOURCE_LISTING.read(lake.source_listing / "source_listing.parquet")
    assert listing["dataset_id"].to_list() == ["lab-a__pick-cube", "lab__cubes"]
    hub.add("lab-a/pick-cube")
    crawl(lake, [TAG])
    listing = SOURCE_LISTING.read(lake.source_listing / "source_listing.parquet")
    ids = listing["dataset_id"].to_list()
    assert len(ids) == 3
    assert sum(name.startswith("lab-a__pick-cube-") for name in ids) == 2


def test_one_crawl_at_a_time(hub: Repositories, lake: Lake) -> None:
    with only_run(lake), pytest.raises(LakeError, match="Another deftworks run"):
        crawl(lake, [TAG])


def test_a_full_disk_ends_the_crawl_and_blames_no_dataset(hub, lake, monkeypatch) -> None:
    hub.add("lab/cubes")
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10})())
    with pytest.raises(LakeError, match="GB are free"):
        crawl(lake, [TAG])
    assert CrawlRecord.read(lake.crawl_record("lab__cubes")).state == "listed"


def test_a_dry_run_reads_trees_alone_and_writes_nothing(hub: Repositories, lake: Lake) -> None:
    hub.add("lab/cubes")
    hub.add("lab/doors", "v30")
    hub.add("lab/locked").is_gated = True
    plan = plan_crawl(lake, [TAG])
    assert plan.states == {"new": 2, "gated": 1}
    sizes = {path: len(content) for path, content in hub["lab/doors"].main.files.items()}
    (doors,) = (dataset for dataset in plan.datasets if dataset.dataset == "lab__doors")
    assert doors.num_files == len(sizes)
    assert doors.videos_bytes == sum(size for path, size in sizes.items() if path.endswith(".mp4"))
    assert doors.rows_bytes == sum(size for path, size in sizes.items() if path.startswith("data/"))
    assert doors.total_bytes == sum(sizes.values())
    assert {kind for _, kind in hub.requests} == {"list", "tree"}
    assert not lake.home.exists()


def test_the_command_speaks_to_people_and_to_scripts(hub: Repositories, lake: Lake) -> None:
    from deftworks.cli import app

    hub.add("lab/cubes")
    hub.add("lab/poor", "still")
    run = CliRunner().invoke
    planned = run(app, ["crawl", TAG, "--home", str(lake.home), "--dry-run", "--json"])
    assert planned.exit_code == 0, planned.output
    totals = json.loads(planned.stdout)["totals"]
    assert totals["num_datasets"] == 2
    assert totals["videos_bytes"] > 0
    shown = run(app, ["crawl", TAG, "--home", str(lake.home), "--dry-run"])
    assert "2 candidates: 2 new" in shown.stdout
    assert "lab/cubes" in shown.stdout
    crawled = run(app, ["crawl", TAG, "--home", str(lake.home), "--json"])
    assert json.loads(crawled.stdout)["states"] == {"accepted": 1, "rejected": 1}
    again = run(app, ["crawl", "--home", str(lake.home)])
    assert "2 datasets: 1 accepted, 1 rejected. 0 were new, changed or due." in again.stdout
    assert "No dimension of observation.state moves" in again.stdout


@pytest.mark.journey
def test_the_main_job_takes_the_hub_as_a_source_and_finds_the_crawl_done(hub: Repositories, lake: Lake) -> None:
    from deftworks.cli import app

    hub.add("lab/cubes")
    hub.add("lab/locked").is_gated = True
    crawl(lake, [TAG])
    hub.forget_requests()
    result = CliRunner().invoke(app, ["run", "--source", TAG, "--home", str(lake.home), "--until", "corpus", "--json"])
    states = {row["dataset"]: row["state"] for row in json.loads(result.stdout)["datasets"]}
    assert states == {"lab__cubes": "accepted", "lab__locked": "gated"}
    assert hub.requests_of("lab/cubes") == 0


def test_crawling_needs_no_dagster() -> None:
    code = "import sys, pipelines.crawl, pipelines.crawl_plan, deftworks.crawling, curation.sources.hub.fetch; assert 'dagster' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_killed_three_times_a_crawl_ends_like_any_other(tmp_path: Path) -> None:
    killed_and_resumed(tmp_path, number=60, num_kills=3, num_changed=4)


def killed_and_resumed(folder: Path, *, number: int, num_kills: int, num_changed: int) -> None:
    templates()
    hub, rng, home = Repositories(), random.Random(SEED), folder / "lake"
    expected = populate(hub, number, faults=0.05, seed=SEED)
    with serve(hub) as endpoint:
        kills = [kill_while_working(hub, home, endpoint, rng.uniform(0.05, 0.8)) for _ in range(num_kills)]
        assert all(kills)
        assert run_crawl(home, endpoint).states == expected
        assert left_half_done(home) == []
        changed = set(rng.sample([name for name, state in expected.items() if state == "accepted"], num_changed))
        for repo_id in changed:
            hub.change(repo_id)
        hub.forget_requests()
        second = run_crawl(home, endpoint)
    assert second.states == expected
    assert touched(hub) == changed
    assert second.report["num_tried"] == num_changed
