"""What nobody gets by asking several times at once: two orders of one wish, two purchases of what is free, money back twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from marketplace.audit import audit
from marketplace.database import read
from marketplace.entitlements import entitlements_of
from marketplace.orders import orders_of
from marketplace.payments.inbox import look_at
from tests.marketplace.api.browser import Browser
from tests.marketplace.api.counter import Counter

MANY = 6


def at_once(counter: Counter, *acts: Callable[[Browser], Any]) -> list[int]:
    """Returns the statuses of requests that are sent together, each by a client of its own."""
    together = Barrier(len(acts))

    def send(act: Callable[[Browser], Any]) -> int:
        client = Browser(counter.client.app, counter.shop.settings.address)
        together.wait(20)
        return act(client).status_code

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(send, acts))


def order(counter: Counter, skill: str, key: str) -> Callable[[Browser], Any]:
    headers = counter.token("buy")
    wanted = {"skills": [skill], "request_key": key}
    return lambda client: client.post("/api/orders", json=wanted, headers=headers)


def give_back(counter: Counter, line: str) -> Callable[[Browser], Any]:
    headers = counter.token("buy")
    return lambda client: client.post(f"/api/order-lines/{line}/give-back", headers=headers)


def test_one_wish_is_one_order_however_often_it_is_sent(counter: Counter) -> None:
    assert at_once(counter, *[order(counter, "press-button", "k" * 16)] * MANY) == [201] * MANY
    with read(counter.shop.engine) as connection:
        assert len(orders_of(connection, counter.buyer.person.id)) == 1
    assert len(counter.provider.checkouts) == 1


def test_what_is_free_is_taken_once(counter: Counter) -> None:
    wishes = [order(counter, "so100-touch-cube", str(number) * 16) for number in range(MANY)]
    assert at_once(counter, *wishes) == [201] + [409] * (MANY - 1)
    with read(counter.shop.engine) as connection:
        assert len(entitlements_of(connection, counter.buyer.person.id)) == 1


def test_money_goes_back_once(counter: Counter) -> None:
    bought, _ = counter.bought("press-button")
    assert at_once(counter, *[give_back(counter, bought.lines[0].id)] * MANY) == [200] * MANY
    payment = counter.provider.payments[bought.payment_id]
    assert [one.movement.amount for one in payment.refunds] == [-bought.total_minor]
    with read(counter.shop.engine) as connection:
        assert audit(connection) == []


def test_what_is_disputed_is_not_given_back_as_well(counter: Counter) -> None:
    bought, owned = counter.bought("press-button")
    link = counter.link(owned["press-button"])
    counter.provider.dispute(bought.payment_id)
    look_at(counter.shop, counter.provider, bought.id)
    assert at_once(counter, *[give_back(counter, bought.lines[0].id)] * MANY) == [409] * MANY
    assert counter.provider.payments[bought.payment_id].refunds == ()
    assert counter.client.get(link["path"]).status_code == 403
    with read(counter.shop.engine) as connection:
        assert audit(connection) == []
