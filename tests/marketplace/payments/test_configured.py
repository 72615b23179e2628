"""Which provider a shop has, and the worker that keeps its orders moving."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from data_contracts.errors import PaymentError, PaymentUnavailable
from marketplace.payments.configured import KEY_VARIABLE, WEBHOOK_VARIABLE, open_provider, running_provider
from marketplace.payments.inbox import receive
from marketplace.shop import Shop, open_shop
from marketplace_ui import worker
from tests.marketplace.till import Till

PATIENCE_S = 20.0


@pytest.fixture
def plain(lake, monkeypatch: pytest.MonkeyPatch) -> Shop:
    for name in (KEY_VARIABLE, WEBHOOK_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    return open_shop(lake)


def test_without_keys_the_local_server_runs_as_long_as_the_shop_and_keeps_its_port(plain: Shop):
    with running_provider(plain, "http://localhost:1") as provider:
        assert provider.is_test
        assert provider.balances() == {"EUR": 0}
        beside = open_provider(plain)
        assert beside.balances() == {"EUR": 0}
    with pytest.raises(PaymentUnavailable):
        provider.balances()
    with running_provider(plain, "http://localhost:1"):
        assert beside.balances() == {"EUR": 0}, "pages that can still be paid have the port in their address"


def test_beside_no_shop_there_is_no_provider(plain: Shop):
    with pytest.raises(PaymentUnavailable, match="not running"):
        open_provider(plain)


def test_both_keys_are_stripe_and_one_is_a_mistake(plain: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(KEY_VARIABLE, "sk_live_1")
    with pytest.raises(PaymentError, match=WEBHOOK_VARIABLE), running_provider(plain, "http://localhost:1"):
        pass
    monkeypatch.setenv(WEBHOOK_VARIABLE, "whsec_1")
    with running_provider(plain, "http://localhost:1") as provider:
        assert not provider.is_test
    assert not open_provider(plain).is_test
    assert not (plain.lake.home / "payments").exists()


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_worker_works_at_once_when_it_is_woken(till: Till, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker, "EVERY_S", 3600.0)
    order = till.order("drawer")
    wake = threading.Event()
    with worker.at_work(till.shop, till.provider, wake):
        till.provider.pay(order.checkout_id)
        receive(till.shop, till.provider, order.id.encode(), "paid")
        wake.set()
        until(lambda: till.now(order).state == "paid")


def test_the_worker_looks_at_waiting_orders_whose_message_was_lost(till: Till):
    order = till.order("drawer")
    till.provider.pay(order.checkout_id)
    with worker.at_work(till.shop, till.provider, threading.Event()):
        until(lambda: till.now(order).state == "paid")


def test_the_worker_survives_a_fault_and_says_so(till: Till, monkeypatch: pytest.MonkeyPatch):
    order = till.order("drawer")
    faults = iter([True])

    def fails_once(*arguments: object) -> int:
        if next(faults, False):
            raise RuntimeError("disk")
        return worker_send(*arguments)

    worker_send = worker.send_due
    said: list[str] = []
    monkeypatch.setattr(worker.log, "exception", said.append)
    monkeypatch.setattr(worker, "send_due", fails_once)
    monkeypatch.setattr(worker, "EVERY_S", 0.01)
    till.provider.pay(order.checkout_id)
    with worker.at_work(till.shop, till.provider, threading.Event()):
        until(lambda: till.now(order).state == "paid")
    assert ["goes on" in text for text in said] == [True]
