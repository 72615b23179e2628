"""Faults of our own disk are not the dataset's: they become one clear error that ends the whole crawl."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_contracts.errors import LakeError

_HINTS = {
    errno.ENOSPC: "Free some space (see `deftworks lake usage`), then run the same command again.",
    errno.EDQUOT: "Raise the quota or free some space, then run the same command again.",
    errno.EACCES: "Check its permissions, then run the same command again.",
    errno.EPERM: "Check its permissions, then run the same command again.",
    errno.EROFS: "Mount it writable, then run the same command again.",
}


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns an operating system's refusal to write below `folder` into LakeError. Wrap writing alone, no network."""
    try:
        yield
    except OSError as error:
        if error.errno not in _HINTS:
            raise
        raise LakeError(f"{folder} cannot be written: {error.strerror}.", hint=_HINTS[error.errno]) from error


def check_space(folder: Path, needed_bytes: int) -> None:
    """Raises LakeError where the disk below `folder` has less room than is about to be fetched."""
    free = shutil.disk_usage(folder).free
    if needed_bytes > free:
        raise LakeError(
            f"{needed_bytes / 1e9:.1f} GB are needed below {folder} and {free / 1e9:.1f} GB are free.",
            hint=_HINTS[errno.ENOSPC],
        )
