"""One command-line run or crawl works on a lake at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from data_contracts.errors import LakeError
from data_contracts.layout import Lake


@contextmanager
def only_run(lake: Lake) -> Iterator[None]:
    """Holds the lake for one command-line run at a time.

    Raises:
        LakeError: another process holds it.
    """
    lake.home.mkdir(parents=True, exist_ok=True)
    with (lake.home / ".run.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LakeError(f"Another deftworks run works on {lake.home}.", hint="Wait for it, or stop it.") from error
        yield
