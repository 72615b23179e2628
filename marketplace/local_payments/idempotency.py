"""The same key never does the same thing twice: the answer is kept in the transaction that did it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from marketplace.local_payments.errors import Refused
from marketplace.local_payments.store import Store

LONGEST_KEY = 255
KEPT_S = 24 * 3600
"""Stripe forgets keys after at least this long; forgetting them on time lets a test see what relies on them for longer."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    replayed: bool = False


class InProgress:
    """The keys of requests that are being answered. Kept in memory: a killed server has none in progress."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, key: str | None) -> Iterator[None]:
        """Raises Refused (409) where another request has this key right now."""
        if key is None:
            yield
            return
        with self._lock:
            if key in self._keys:
                raise Refused(
                    "There is currently another in-progress request using this Idempotency-Key.",
                    status=409,
                    kind="idempotency_error",
                    code="idempotency_key_in_use",
                )
            self._keys.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._keys.discard(key)


def request_hash(method: str, path: str, params: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([method, path, params], sort_keys=True).encode()).hexdigest()


def kept_answer(store: Store, key: str, request: str) -> Answer | None:
    """Returns what was answered under this key. Raises Refused where that was another request."""
    found = store.rows(
        "SELECT request, status, body FROM keys WHERE key = ? AND created > ?", key, store.now() - KEPT_S
    )
    if not found:
        return None
    if found[0][0] != request:
        raise Refused(
            "Keys for idempotent requests can only be used with the same parameters they were first used with.",
            kind="idempotency_error",
        )
    return Answer(found[0][1], found[0][2], replayed=True)


def keep_answer(store: Store, key: str, request: str, answer: Answer) -> None:
    """Belongs into the transaction whose answer it is. Forgets keys that are too old."""
    now = store.now()
    store.rows("DELETE FROM keys WHERE created <= ?", now - KEPT_S)
    store.rows("INSERT INTO keys VALUES (?, ?, ?, ?, ?)", key, request, now, answer.status, answer.body)
