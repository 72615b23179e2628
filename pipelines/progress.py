"""How far a long stage is, told twice: to Dagster's log of the run, and to whoever listens in this process (the command line)."""

from __future__ import annotations

import logging
from collections.abc import Callable

LOGGER = logging.getLogger("deftworks.progress")
LOGGER.propagate = False
REPORTS = 10
"""A stage reports about this often, not at every step."""


def teller(name: str, log: Callable[[str], None]) -> Callable[[str], None]:
    """Returns a function that tells a line about `name` to both."""

    def tell(text: str) -> None:
        log(f"{name}: {text}")
        LOGGER.info("%s: %s", name, text)

    return tell


def is_worth_telling(done: int, total: int) -> bool:
    """True for about REPORTS of `total` steps, the last one among them."""
    return done == total or done % max(total // REPORTS, 1) == 0
