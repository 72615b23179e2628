"""Sends events to webhook endpoints, signed as Stripe signs them, one after the other, until each is taken with a 2xx."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from marketplace.local_payments.bank import Bank
from marketplace.local_payments.faults import WEBHOOK_KINDS, Fault
from marketplace.local_payments.passage import pass_time
from marketplace.local_payments.store import PLATFORM

FIRST_RETRY_S = 0.2
LAST_RETRY_S = 30.0
TIMEOUT_S = 10.0
AT_ONCE = 20
"""So many events are sent before it is written down that they arrived."""
LOOK_AGAIN_S = 1.0
"""At least so often the worker looks whether something is due."""
WAIT_FOR_NEXT_S = 2.0
"""A reordered event waits this long for one to go before it."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def signature(secret: str, payload: str, moment: int) -> str:
    """Returns the header `Stripe-Signature` (https://docs.stripe.com/webhooks/signature)."""
    mac = hmac.new(secret.encode(), f"{moment}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={moment},v1={mac}"


class _Delivery(NamedTuple):
    serial: int
    event: str
    attempts: int


@dataclass
class _Line:
    """What waits for one endpoint: not before when, and the fault of the event at its head."""

    not_before: float = 0.0
    head: int = 0
    fault: Fault | None = None
    seen_at: float = 0.0


@dataclass
class Deliverer:
    """The background worker of a bank. It also lets time pass where no request does."""

    bank: Bank
    _lines: dict[str, _Line] = field(default_factory=dict)
    _wake: threading.Event = field(default_factory=threading.Event)
    _stopped: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self.bank.store.changed = self._wake.set
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()
        if self._thread:
            self._thread.join(TIMEOUT_S + 1)

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            pass_time(self.bank)
            pause = min((self._serve(endpoint) for (endpoint,) in self._waiting()), default=LOOK_AGAIN_S)
            self._wake.wait(min(max(pause, 0.0), LOOK_AGAIN_S))

    def _waiting(self) -> list[tuple[str]]:
        return self.bank.store.rows("SELECT DISTINCT endpoint FROM deliveries")

    def _serve(self, endpoint: str) -> float:
        """Sends some events. Returns after how many seconds there may be more to do."""
        line = self._lines.setdefault(endpoint, _Line())
        now = time.monotonic()
        if now < line.not_before:
            return line.not_before - now
        query = "SELECT serial, event, attempts FROM deliveries WHERE endpoint = ? ORDER BY serial LIMIT ?"
        heads = [_Delivery(*row) for row in self.bank.store.rows(query, endpoint, AT_ONCE)]
        target = self.bank.store.find(PLATFORM, "webhook_endpoint", endpoint)
        if not heads or target is None:
            return LOOK_AGAIN_S
        if fault := self._fault(line, heads[0]):
            return self._send_badly(fault, line, target, heads)
        taken: list[_Delivery] = []
        for delivery in heads:
            if self._fault(line, delivery) or not self._post(target, delivery.event):
                break
            taken.append(delivery)
        failed = None if len(taken) == len(heads) or line.fault else heads[len(taken)]
        self._note(line, taken, failed)
        return 0.0

    def _fault(self, line: _Line, delivery: _Delivery) -> Fault | None:
        """Returns what goes wrong with the event at the head of a line; decided once, when it gets there."""
        if delivery.serial != line.head:
            event = self.bank.store.find(PLATFORM, "event", delivery.event)
            line.head, line.seen_at = delivery.serial, time.monotonic()
            line.fault = self.bank.faults.take(WEBHOOK_KINDS, event["type"])
        return line.fault

    def _send_badly(self, fault: Fault, line: _Line, target: dict[str, Any], heads: list[_Delivery]) -> float:
        chosen, now = heads[0], time.monotonic()
        if fault.kind == "webhook_reorder" and len(heads) < 2 and now < line.seen_at + WAIT_FOR_NEXT_S:
            return 0.05
        line.fault = None
        if fault.kind == "webhook_delay":
            line.not_before = now + fault.seconds
            return fault.seconds
        if fault.kind == "webhook_reorder":
            chosen = heads[min(1, len(heads) - 1)]
        taken = fault.kind != "webhook_drop_until_retry" and self._post(target, chosen.event)
        if taken and fault.kind == "webhook_duplicate":
            self._post(target, chosen.event)
        self._note(line, [chosen] if taken else [], None if taken else chosen)
        return 0.0

    def _post(self, target: dict[str, Any], event_id: str) -> bool:
        payload = json.dumps(self.bank.store.find(PLATFORM, "event", event_id))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(target["secret"], payload, int(time.time())),
            "User-Agent": "Deftworks local test payments",
        }
        request = urllib.request.Request(target["url"], payload.encode(), headers, method="POST")
        try:
            with _OPENER.open(request, timeout=TIMEOUT_S) as response:
                return 200 <= response.status < 300
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def _note(self, line: _Line, taken: list[_Delivery], failed: _Delivery | None) -> None:
        """Writes down what arrived, and when to try again what did not. A kill before this sends what arrived once more."""
        store = self.bank.store
        with store.transaction():
            for delivery in taken:
                store.rows("DELETE FROM deliveries WHERE serial = ?", delivery.serial)
                event = store.find(PLATFORM, "event", delivery.event)
                store.save(event | {"pending_webhooks": max(event["pending_webhooks"] - 1, 0)})
            if failed:
                store.rows("UPDATE deliveries SET attempts = attempts + 1 WHERE serial = ?", failed.serial)
        if failed:
            pause = min(FIRST_RETRY_S * 2 ** min(failed.attempts, 20), LAST_RETRY_S)
            line.not_before = time.monotonic() + pause
