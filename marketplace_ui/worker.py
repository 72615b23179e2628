"""The shop's till in the background: what the provider is to be asked for is sent, what it told us is worked through."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from data_contracts.errors import DeftworksError
from marketplace.database import read
from marketplace.payments.inbox import look_at, unsettled, work
from marketplace.payments.outbox import send_due

if TYPE_CHECKING:
    from marketplace.payments.provider import PaymentProvider
    from marketplace.shop import Shop

log = logging.getLogger(__name__)
EVERY_S = 1.0
LOOK_AGAIN_S = 600.0
"""How often orders that wait are asked about without any message: one may have been lost."""


@contextmanager
def at_work(shop: Shop, provider: PaymentProvider, wake: threading.Event) -> Iterator[None]:
    """Works in a thread while the body runs: every second, and at once when `wake` is set."""
    stop = threading.Event()
    thread = threading.Thread(target=_work, args=(shop, provider, wake, stop), name="payments", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        wake.set()
        thread.join()


def _work(shop: Shop, provider: PaymentProvider, wake: threading.Event, stop: threading.Event) -> None:
    look_next = 0.0
    while not stop.is_set():
        try:
            send_due(shop, provider)
            work(shop, provider)
            if time.monotonic() >= look_next:
                look_next = time.monotonic() + LOOK_AGAIN_S
                _look_at_waiting(shop, provider)
        except Exception:  # nothing may end this thread: orders would wait until somebody notices
            log.exception("the payments' worker failed, and goes on")
        wake.wait(EVERY_S)
        wake.clear()


def _look_at_waiting(shop: Shop, provider: PaymentProvider) -> None:
    with read(shop.engine) as connection:
        waiting = unsettled(connection)
    for order_id in waiting:
        try:
            look_at(shop, provider, order_id)
        except DeftworksError as error:
            log.warning("%s could not be looked at: %s", order_id, error)
