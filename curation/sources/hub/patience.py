"""How long an answer is waited for: one budget per dataset, and one pause for everybody when the Hub says that it is too much.

`huggingface_hub` 2.4 has no time limit of its own, asks single questions (dataset_info, refs) once, obeys a Retry-After of any
length five times over, and reads only its form in seconds. So waiting is decided here, below the client (`polite`).
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from data_contracts.errors import SourceUnavailable

VARIABLE = "DEFTWORKS_HUB_PATIENCE_S"
DEFAULT_S = 600.0
"""Twice the window over which the Hub counts requests (five minutes)."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0


class Patience:
    """A budget in seconds for everything that goes wrong while one dataset is fetched, or one source is listed.

    What counts is time lost: pauses, and requests that ended in nothing. Answers cost nothing, so large datasets may take long.
    """

    def __init__(self, total_s: float | None = None) -> None:
        self.total_s = float(os.environ.get(VARIABLE, DEFAULT_S)) if total_s is None else total_s
        self._left_s = self.total_s
        self._lock = threading.Lock()

    def lose(self, seconds: float) -> None:
        """Takes time off the budget."""
        with self._lock:
            self._left_s -= seconds

    def pause(self, what: str, failures: int, asked_s: float | None = None) -> None:
        """Waits as long as the Hub asks, or longer with each failure, with jitter so that threads do not return as one.

        Args:
            what: what went wrong, with the address, for the error.
            failures: how often this request has failed, from 1.
            asked_s: what the Hub asked for. Everybody waits then, as limits count per client and not per dataset.

        Raises:
            SourceUnavailable: the budget does not cover it.
        """
        first = min(FIRST_PAUSE_S, self.total_s / 20)
        own_s = min(first * 2 ** min(failures - 1, 16), LONGEST_PAUSE_S) * random.uniform(0.5, 1)
        seconds = max(own_s, asked_s or 0.0)
        with self._lock:
            is_spent = seconds > self._left_s
            self._left_s -= seconds
        if is_spent:
            raise SourceUnavailable(f"{what}.", hint="Run the same command again later.", retry_after_s=asked_s)
        if asked_s is not None:
            PAUSE.until(time.monotonic() + seconds)
        time.sleep(seconds)


@dataclass
class _Pause:
    """The moment before which nobody asks anything."""

    moment: float = 0.0

    def until(self, moment: float) -> None:
        self.moment = max(self.moment, moment)

    def wait(self) -> None:
        """Returns when the pause is over, a little scattered."""
        while (left := self.moment - time.monotonic()) > 0:
            time.sleep(left + random.uniform(0, min(0.5, left)))


PAUSE = _Pause()
_PATIENCE: ContextVar[Patience | None] = ContextVar("patience", default=None)


@contextmanager
def patience(budget: Patience) -> Iterator[Patience]:
    """Has every question of this thread (and of contexts copied from it) answered or given up within `budget`."""
    token = _PATIENCE.set(budget)
    try:
        yield budget
    finally:
        _PATIENCE.reset(token)


def current_patience() -> Patience | None:
    """Returns the budget that is in force here, or None: then nothing of this module applies."""
    return _PATIENCE.get()


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds for which a refusal asks: RateLimit (where nothing remains) or Retry-After, a number or a date."""
    from huggingface_hub.utils import parse_ratelimit_headers

    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
