"""How long is waited, for whom, and when it is given up."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

from curation.sources import describe_raw, list_datasets
from curation.sources.hub import patience as waiting
from curation.sources.hub.patience import Patience, asked_pause, patience
from data_contracts.errors import SourceUnavailable
from data_contracts.manifests import CrawlRecord
from tests.hub.repositories import Fault


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "0"}, 0.0),
        ({"RateLimit": '"api";r=0;t=55'}, 55.0),
        ({"RateLimit": '"api";r=3;t=55', "Retry-After": "7"}, 7.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "Mon, 01 Jan 2001 00:00:00 GMT"}, 0.0),
        ({}, None),
    ],
)
def test_every_form_of_asking_for_a_pause_is_understood(headers, seconds) -> None:
    assert asked_pause(httpx2.Headers(headers)) == seconds


def test_a_date_is_understood_as_a_moment() -> None:
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert asked_pause(httpx2.Headers({"Retry-After": in_an_hour})) == pytest.approx(3600, abs=5)


def pause_until_spent(budget: Patience, asked_s: float | None = None) -> None:
    for failures in range(1, 10_000):
        budget.pause("no answer", failures, asked_s)


def test_pauses_grow_and_end_with_the_budget(monkeypatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(waiting.time, "sleep", slept.append)
    with pytest.raises(SourceUnavailable):
        pause_until_spent(Patience(100))
    assert sum(slept) <= 100
    assert 0.5 <= slept[0] <= 1
    assert slept[3] > 2 * slept[0]
    assert max(slept) <= waiting.LONGEST_PAUSE_S


def test_a_retry_after_of_nothing_does_not_spin(monkeypatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(waiting.time, "sleep", slept.append)
    with pytest.raises(SourceUnavailable):
        pause_until_spent(Patience(10), asked_s=0.0)
    assert len(slept) < 20


def test_what_would_take_longer_than_patience_is_put_off_until_then(hub, lake) -> None:
    hub.add("lab/cubes")
    (row,) = list_datasets(["hub:lab/cubes"], lake).to_dicts()
    error = SourceUnavailable("429", retry_after_s=3600)
    with patience(Patience(5)) as budget, pytest.raises(SourceUnavailable) as caught:
        budget.pause("429", 1, 3600)
    assert caught.value.retry_after_s == error.retry_after_s
    hub["lab/cubes"].fault = Fault("429_hour")
    started = time.monotonic()
    with pytest.raises(SourceUnavailable):
        describe_raw(row, lake)
    assert time.monotonic() - started < 3
    retry_at = datetime.fromisoformat(CrawlRecord.read(lake.crawl_record("lab__cubes")).retry_at or "")
    assert retry_at - datetime.now(UTC) == pytest.approx(timedelta(hours=1), abs=timedelta(seconds=30))


def test_a_trickle_is_cut_off(hub, lake, monkeypatch) -> None:
    hub.add("lab/cubes")
    (row,) = list_datasets(["hub:lab/cubes"], lake).to_dicts()
    hub["lab/cubes"].fault = Fault("trickle")
    monkeypatch.setenv("DEFTWORKS_HUB_PATIENCE_S", "1")
    monkeypatch.setattr("curation.sources.hub.download.GRACE_S", 0.1)
    with pytest.raises(SourceUnavailable, match="cut off"):
        describe_raw(row, lake)
