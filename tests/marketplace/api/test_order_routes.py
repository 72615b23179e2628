"""Orders and the provider's messages over HTTP."""

from __future__ import annotations

import json
import time

import pytest
from sqlalchemy import Engine, func, select

from data_contracts.layout import Lake
from marketplace.database import read
from marketplace.local_payments.webhooks import signature
from marketplace.order_tables import provider_event
from marketplace.payments.stripe_provider import StripeProvider
from marketplace.settings import read_settings
from marketplace.shop import Shop
from tests.marketplace.accounts.conftest import Clock
from tests.marketplace.api.browser import served
from tests.marketplace.api.counter import Counter, counter_of
from tests.marketplace_ui.shop_lake import SHELF, make_shop_lake

SECRET = "whsec_test"
NEWS = {
    "id": "evt_1", "object": "event", "type": "checkout.session.completed",
    "data": {"object": {"id": "cs_1", "object": "checkout.session", "payment_intent": "pi_1", "metadata": {"order_id": "order_1"}}},
}  # fmt: skip
KEY = "0123456789abcdef"


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return make_shop_lake(tmp_path_factory.mktemp("counter"), (SHELF[0], SHELF[3]))


@pytest.fixture
def counter(stocked: Lake, database: Engine, throttle) -> Counter:
    clock = Clock()
    shop = Shop(stocked, database, read_settings(stocked), clock)
    return counter_of(shop, clock, served(shop, throttle))


def order(counter: Counter, **changes) -> dict:
    wanted = {"skills": ["press-button"], "request_key": KEY} | changes
    answer = counter.client.post("/api/orders", json=wanted, headers=counter.token("buy"))
    return {"status": answer.status_code, **answer.json()}


def test_an_order_is_placed_once_paid_and_given_back(counter: Counter):
    placed = order(counter)
    assert (placed["status"], placed["state"], placed["total_minor"]) == (201, "awaiting_payment", 1900)
    assert placed["checkout_url"]
    assert order(counter)["id"] == placed["id"]
    (checkout,) = counter.provider.checkouts
    counter.provider.pay(checkout)
    seen = counter.client.get(f"/api/orders/{placed['id']}", headers=counter.token("read")).json()
    assert (seen["state"], seen["checkout_url"]) == ("paid", None)
    line = seen["lines"][0]["id"]
    back = counter.client.post(f"/api/order-lines/{line}/give-back", headers=counter.token("buy"))
    assert back.json()["state"] == "refunded"


def test_the_same_key_of_two_people_is_two_orders(counter: Counter):
    mine = order(counter)
    header = counter.token("buy", of=counter.sign_up("Mallory"))
    answer = counter.client.post("/api/orders", json={"skills": ["press-button"], "request_key": KEY}, headers=header)
    assert answer.status_code == 201
    assert answer.json()["id"] != mine["id"]


def test_another_s_order_is_not_found_and_cannot_be_given_back(counter: Counter):
    bought, _ = counter.bought("press-button")
    header = counter.token("read", "buy", of=counter.sign_up("Mallory"))
    asked = [("GET", f"/api/orders/{bought.id}"), ("POST", f"/api/order-lines/{bought.lines[0].id}/give-back")]
    for method, path in asked:
        assert counter.client.request(method, path, headers=header).status_code == 404


def test_what_is_not_sold_or_owned_already_is_refused(counter: Counter):
    assert order(counter, skills=["unicycle"])["status"] == 404
    assert order(counter, skills=["press-button", "press-button"])["status"] == 409
    counter.bought("press-button")
    assert order(counter, request_key="f" * 16)["error"]["message"] == "You have Press the button already."


def test_buying_needs_the_scope(counter: Counter):
    wanted = {"skills": ["press-button"], "request_key": KEY}
    assert counter.client.post("/api/orders", json=wanted, headers=counter.token("read")).status_code == 403
    assert counter.client.post("/api/orders", json=wanted).status_code == 401


def test_a_provider_that_is_down_leaves_an_order_that_waits(counter: Counter):
    counter.provider.is_down = True
    placed = order(counter)
    assert (placed["state"], placed["checkout_url"]) == ("created", None)


def events(counter: Counter) -> int:
    with read(counter.shop.engine) as connection:
        return connection.scalar(select(func.count()).select_from(provider_event))


def send(counter: Counter, body: bytes, signed: str) -> int:
    path = "/api/webhooks/payments"
    return counter.client.post(path, content=body, headers={"Stripe-Signature": signed}).status_code


def test_a_message_counts_once_and_wakes_the_worker(counter: Counter):
    state = counter.client.app.routes[0].app.state
    state.provider, woken = StripeProvider("sk_test_1", SECRET), []
    state.wake = lambda: woken.append(1)
    body = json.dumps(NEWS)
    signed = signature(SECRET, body, int(time.time()))
    assert [send(counter, body.encode(), signed) for _ in range(2)] == [200, 200]
    assert events(counter) == 1
    assert woken


@pytest.mark.parametrize("spoil", ["body", "secret", "age", "missing", "not json"])
def test_a_message_that_is_not_the_provider_s_is_refused_before_it_is_read(counter: Counter, spoil):
    counter.client.app.routes[0].app.state.provider = StripeProvider("sk_test_1", SECRET)
    body = "{" if spoil == "not json" else json.dumps(NEWS)
    secret = "whsec_other" if spoil in ("secret", "not json") else SECRET
    signed = signature(secret, body, int(time.time()) - (400 if spoil == "age" else 0))
    sent = body.replace("order_1", "order_2") if spoil == "body" else body
    assert send(counter, sent.encode(), "" if spoil == "missing" else signed) == 400
    assert events(counter) == 0


def test_without_a_provider_the_shop_says_that_it_cannot_now(counter: Counter):
    counter.client.app.routes[0].app.state.provider = None
    assert send(counter, b"{}", "") == 503
