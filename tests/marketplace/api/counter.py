"""A shop with packs on its shelf, one buyer's browser and scripts, and a provider in memory: for tests of the buyer's routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marketplace.accounts.api_tokens import make_token
from marketplace.accounts.people import get_person
from marketplace.accounts.signing_in import SignedIn, Visitor, sign_up
from marketplace.accounts.throttling import Throttle, open_throttle
from marketplace.buying import buy, give_back, pack_on_sale
from marketplace.catalogue import open_catalogue
from marketplace.database import read, write
from marketplace.entitlements import Entitlement, entitlements_of
from marketplace.orders import Order
from marketplace.payments.inbox import look_at
from marketplace.shop import Shop
from tests.marketplace.accounts.conftest import PASSWORD, Clock
from tests.marketplace.api.browser import Browser
from tests.marketplace.payments.pocket_provider import PocketProvider


@dataclass
class Counter:
    """`ask(method, path, …)` sends what a script with a token sends."""

    shop: Shop
    clock: Clock
    provider: PocketProvider
    client: Browser
    throttle: Throttle
    buyer: SignedIn

    def sign_up(self, name: str) -> SignedIn:
        visitor = Visitor("203.0.113.9")
        return sign_up(self.shop, self.throttle, visitor, name=name, email=f"{name}@example.org", password=PASSWORD)

    def token(self, *scopes: str, of: SignedIn | None = None) -> dict[str, str]:
        """Returns the header of a new token with these scopes."""
        with write(self.shop.engine) as connection:
            person = get_person(connection, (of or self.buyer).person.id)
            token, _ = make_token(connection, person, "test", scopes, 30, self.clock())
        return {"Authorization": f"Bearer {token}"}

    def bought(self, *skills: str, key: str = "k1") -> tuple[Order, dict[str, Entitlement]]:
        """Returns a paid order, and what it lets its buyer download, by skill."""
        catalogue = open_catalogue(self.shop.lake)
        packs = [pack_on_sale(catalogue, skill) for skill in skills]
        order = buy(self.shop, self.provider, self.buyer.person.id, packs, key)
        if order.checkout_id:
            self.provider.pay(order.checkout_id)
            order = look_at(self.shop, self.provider, order.id)
        with read(self.shop.engine) as connection:
            return order, {one.skill_id: one for one in entitlements_of(connection, self.buyer.person.id)}

    def gave_back(self, order: Order, skill: str) -> None:
        line = next(line for line in order.lines if line.skill_id == skill)
        give_back(self.shop, self.provider, line.id, buyer_id=self.buyer.person.id)

    def link(self, owned: Entitlement, **asked: str) -> dict[str, Any]:
        """Returns the answer to the wish for a link; its `path` is where the client finds it."""
        answer = self.client.post(f"/api/library/{owned.id}/link", params=asked, headers=self.token("download"))
        assert answer.status_code == 200, answer.text
        said = answer.json()
        return said | {"path": said["url"].removeprefix(self.shop.settings.address)}


def counter_of(shop: Shop, clock: Clock, app: Any) -> Counter:
    """Returns a counter at which one buyer has an account. `app` is what `browser.served` made of the shop."""
    api = app.routes[0].app
    provider = PocketProvider()
    api.state.provider = provider
    throttle = open_throttle()
    client = Browser(app, shop.settings.address)
    buyer = sign_up(shop, throttle, Visitor("203.0.113.9"), name="Olive", email="olive@example.org", password=PASSWORD)
    return Counter(shop, clock, provider, client, throttle, buyer)
