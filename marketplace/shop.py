"""What everything in the shop works with: its lake, database, settings and clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine

from data_contracts.layout import Lake
from marketplace.database import database_url, migrate, open_database
from marketplace.settings import ShopSettings, read_settings

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Shop:
    """An open shop. `now` is its clock; tests have their own."""

    lake: Lake
    engine: Engine
    settings: ShopSettings
    now: Clock = utc_now


def open_shop(lake: Lake, *, now: Clock = utc_now) -> Shop:
    """Returns the shop of a lake, its tables brought up to date. Raises ContractError where its settings are wrong."""
    settings = read_settings(lake)
    engine = open_database(database_url(lake))
    migrate(engine)
    return Shop(lake, engine, settings, now)
