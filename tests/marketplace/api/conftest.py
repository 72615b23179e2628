from __future__ import annotations

import pytest

from marketplace.accounts.throttling import Throttle
from marketplace.shop import Shop
from tests.marketplace.accounts.conftest import ada, clock, shop, throttle  # noqa: F401 (fixtures)
from tests.marketplace.api.browser import Browser, served


@pytest.fixture
def browser(shop: Shop, throttle: Throttle) -> Browser:  # noqa: F811
    """A browser in front of the shop, holding nothing."""
    return Browser(served(shop, throttle), shop.settings.address)
