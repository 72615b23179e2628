"""Discovery asks the Hub once an hour, and for a dataset that could not be had when it is due."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from data_contracts.layout import Lake
from data_contracts.manifests import CrawlRecord
from pipelines.resources import LakeResource
from pipelines.sensors import discover_datasets
from pipelines.settings import Settings, write_settings
from tests.hub.repositories import Repositories
from tests.hub.server import served_to_this_process

TAG = "hub:tag=LeRobot"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repositories]:
    with served_to_this_process(monkeypatch, patience_s=0.2) as repositories:
        yield repositories


def tick(lake: Lake, cursor: str | None) -> tuple[list[str], str]:
    """Evaluates the sensor once; returns the partitions it asks for and its cursor."""
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        result = discover_datasets(context, lake=LakeResource(home=str(lake.home)))
        if isinstance(result, dg.SkipReason):
            return [], context.cursor or ""
        return [request.partition_key or "" for request in result.run_requests or []], result.cursor or ""


def an_hour_later(cursor: str) -> str:
    return json.dumps(json.loads(cursor) | {"hub_listed_at": 0})


def test_the_hub_is_listed_once_an_hour_and_folders_each_time(hub, tmp_path: Path, tiny_dataset: Path) -> None:
    lake = Lake(tmp_path / "lake")
    write_settings(lake, Settings(sources=(f"folder:{tiny_dataset}", TAG)))
    hub.add("lab/cubes")
    asked, cursor = tick(lake, None)
    assert asked == ["lab-a__pick-cube", "lab__cubes"]
    hub.change("lab/cubes")
    (tiny_dataset / "README.md").write_text("changed")
    asked, cursor = tick(lake, cursor)
    assert asked == ["lab-a__pick-cube"]
    assert hub.requests["", "list"] == 1
    asked, cursor = tick(lake, an_hour_later(cursor))
    assert asked == ["lab__cubes"]
    assert tick(lake, cursor)[0] == []


def test_a_hub_that_does_not_answer_keeps_nothing_else_waiting(hub, tmp_path, tiny_dataset, monkeypatch) -> None:
    lake = Lake(tmp_path / "lake")
    write_settings(lake, Settings(sources=(f"folder:{tiny_dataset}", TAG)))
    hub.add("lab/cubes")
    _, cursor = tick(lake, None)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    (tiny_dataset / "README.md").write_text("changed")
    asked, _ = tick(lake, an_hour_later(cursor))
    assert asked == ["lab-a__pick-cube"]


def test_an_unreachable_dataset_is_asked_for_again_when_it_is_due(hub, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    write_settings(lake, Settings(sources=(TAG,)))
    hub.add("lab/cubes")
    _, cursor = tick(lake, None)
    path = lake.crawl_record("lab__cubes")
    record = CrawlRecord.read(path)
    record.model_copy(update={"state": "unreachable", "retry_at": "2999-01-01T00:00:00Z"}).write(path)
    assert tick(lake, cursor)[0] == []
    record.model_copy(update={"state": "unreachable", "retry_at": "2020-01-01T00:00:00Z"}).write(path)
    asked, cursor = tick(lake, cursor)
    assert asked == ["lab__cubes"]
    assert tick(lake, cursor)[0] == []
