from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from marketplace.accounts import passwords
from marketplace.accounts.throttling import Throttle
from marketplace.shop import Shop
from tests.marketplace.accounts.conftest import ada, clock, shop, throttle  # noqa: F401 (fixtures)
from tests.marketplace.api.browser import Browser, served


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of sign-ins are tried here; what a hash costs is tested in tests/marketplace/accounts."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def browser(shop: Shop, throttle: Throttle) -> Browser:  # noqa: F811
    """A browser in front of the shop, holding nothing."""
    return Browser(served(shop, throttle), shop.settings.address)
