"""What goes wrong because somebody asked for it: a queue of faults, or seeded dice. Kept in memory; a restart forgets them."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

REQUEST_KINDS = ("timeout_after_commit", "error_500_before", "error_500_after_commit", "delay", "rate_limited")
WEBHOOK_KINDS = ("webhook_duplicate", "webhook_reorder", "webhook_delay", "webhook_drop_until_retry")
LATER_KINDS = ("refund_fails", "refund_pends", "payout_fails")
KINDS = REQUEST_KINDS + WEBHOOK_KINDS + LATER_KINDS
"""Of requests; of webhooks; of what a later moment brings."""


@dataclass(frozen=True)
class Fault:
    """`on` is a pattern for `POST /v1/transfers`, or for an event's type; `count` is how often it still happens."""

    kind: str
    on: str = "*"
    count: int = 1
    seconds: float = 0.0


@dataclass
class Faults:
    """Ask `take` at each point where something may go wrong. Safe to use from several threads."""

    enabled: bool = False
    _queue: list[Fault] = field(default_factory=list, init=False)
    _chances: dict[str, float] = field(default_factory=dict, init=False)
    _dice: dict[str, random.Random] = field(default_factory=dict, init=False)
    _seconds: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._queue.append(fault)

    def roll(self, seed: int, chances: Mapping[str, float], seconds: float) -> None:
        """From now on each kind happens with its probability, by dice of its own: threads do not change each other's luck."""
        with self._lock:
            self._dice = {kind: random.Random(f"{seed}:{kind}") for kind in chances}
            self._chances = dict(chances)
            self._seconds = seconds

    def clear(self) -> None:
        with self._lock:
            self._queue.clear()
            self._chances.clear()

    def waiting(self) -> list[Fault]:
        with self._lock:
            return list(self._queue)

    def take(self, kinds: tuple[str, ...], subject: str) -> Fault | None:
        """Returns what goes wrong now with this request (`POST /v1/refunds`) or event (`charge.refunded`), if anything does."""
        if not self.enabled:
            return None
        with self._lock:
            for place, fault in enumerate(self._queue):
                if fault.kind in kinds and fnmatchcase(subject, fault.on):
                    left = replace(fault, count=fault.count - 1)
                    self._queue[place : place + 1] = [left] if left.count else []
                    return fault
            for kind in kinds:
                if kind in self._chances and self._dice[kind].random() < self._chances[kind]:
                    return Fault(kind, subject, seconds=self._seconds)
        return None
