from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from data_contracts.layout import Lake
from marketplace.accounts.signing_in import SignedIn, Visitor, sign_up
from marketplace.accounts.throttling import Throttle, open_throttle
from marketplace.settings import read_settings
from marketplace.shop import Shop

PASSWORD = "three quiet otters"


@dataclass
class Clock:
    """A shop's clock that moves when a test says so."""

    at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(database: Engine, tmp_path: Path, clock: Clock) -> Shop:
    lake = Lake(tmp_path)
    return Shop(lake, database, read_settings(lake), clock)


@pytest.fixture
def throttle() -> Throttle:
    return open_throttle()


@pytest.fixture
def ada(shop: Shop, throttle: Throttle) -> SignedIn:
    """Ada, who has just signed up."""
    return sign_up(shop, throttle, Visitor("203.0.113.9"), name="Ada", email="Ada@Example.org", password=PASSWORD)
