"""A shop with a provider in memory and one buyer, for tests of what becomes of orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from marketplace.buying import buy
from marketplace.database import read
from marketplace.orders import Order, PackOnSale, order_of
from marketplace.payments.inbox import look_at
from marketplace.shop import Shop
from tests.marketplace.payments.pocket_provider import AT, PocketProvider


@dataclass
class Clock:
    at: datetime = AT

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **spans: float) -> None:
        self.at += timedelta(**spans)


@dataclass
class Till:
    """A shop, a provider, and one buyer who buys and pays."""

    shop: Shop
    provider: PocketProvider
    clock: Clock
    buyer: str
    packs: dict[str, PackOnSale] = field(default_factory=dict)

    def order(self, *skills: str, key: str = "k1") -> Order:
        packs = [self.packs.get(skill) or a_pack(skill) for skill in skills]
        return buy(self.shop, self.provider, self.buyer, packs, key)

    def bought(self, *skills: str, key: str = "k1") -> Order:
        order = self.order(*skills, key=key)
        self.provider.pay(order.checkout_id)
        return self.look(order)

    def look(self, order: Order) -> Order:
        return look_at(self.shop, self.provider, order.id)

    def now(self, order: Order) -> Order:
        with read(self.shop.engine) as connection:
            return order_of(connection, order.id)


def a_pack(skill_id: str, amount: int = 1900, version: str = "1.0.0", **changes) -> PackOnSale:
    values = {"currency": "EUR", "platform_bp": 3000, "weights": {"ada": 300, "bo": 100}} | changes
    return PackOnSale(skill_id, version, f"sha256:{skill_id}", skill_id.title(), amount, **values)
