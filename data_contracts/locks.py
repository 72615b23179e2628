"""One process at a time: a lock on a file, which a killed process lets go of."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from data_contracts.errors import DeftworksError


@contextmanager
def exclusive(path: Path, taken: DeftworksError, mode: str = "wb") -> Iterator[IO[bytes]]:
    """Yields the file, opened in binary `mode` and held for this process alone (flock(2)); makes its folder.

    Raises:
        DeftworksError: `taken`, when another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open(mode) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise taken from error
        yield file
