from __future__ import annotations

import pytest
from sqlalchemy import Engine

from data_contracts.layout import Lake
from marketplace.settings import read_settings
from marketplace.shop import Shop
from tests.marketplace.accounts.conftest import Clock, ada, clock, shop, throttle  # noqa: F401 (fixtures)
from tests.marketplace.api.browser import served
from tests.marketplace.api.conftest import browser, quick_hashes  # noqa: F401 (fixtures)
from tests.marketplace.api.counter import Counter, counter_of
from tests.marketplace.local_payments.conftest import bank, client, receiver  # noqa: F401 (fixtures)
from tests.marketplace_ui.shop_lake import SHELF, make_shop_lake


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return make_shop_lake(tmp_path_factory.mktemp("guarded"), (SHELF[0], SHELF[3]))


@pytest.fixture
def counter(shelf: Lake, database: Engine, throttle) -> Counter:  # noqa: F811
    moves = Clock()
    kept = Shop(shelf, database, read_settings(shelf), moves)
    return counter_of(kept, moves, served(kept, throttle))
