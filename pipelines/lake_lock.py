"""One command-line run or crawl works on a lake at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from data_contracts.errors import LakeError
from data_contracts.layout import Lake
from data_contracts.locks import exclusive


@contextmanager
def only_run(lake: Lake) -> Iterator[None]:
    """Holds the lake for one command-line run at a time.

    Raises:
        LakeError: another process holds it.
    """
    taken = LakeError(f"Another deftworks run works on {lake.home}.", hint="Wait for it, or stop it.")
    with exclusive(lake.home / ".run.lock", taken):
        yield
