"""The folder that a run writes: one run at a time, room enough for its checkpoints, and a full disk said in words.

What lies in it is `training.checkpoints`' and `training.train`'s.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from data_contracts.errors import TrainingError
from data_contracts.locks import exclusive

LOCK = ".training.lock"


@contextmanager
def only_training(out: Path) -> Iterator[None]:
    """Holds the folder for one run; a killed process lets go of it.

    Raises:
        TrainingError: another process trains into it.
    """
    taken = TrainingError(
        f"Another training writes into {out}.", hint="Wait for it, stop it, or choose another folder."
    )
    with exclusive(out / LOCK, taken):
        yield


def require_room(out: Path, num_bytes: int) -> None:
    """Raises TrainingError unless the folder's disk has room for so many bytes more."""
    free = shutil.disk_usage(out).free
    if free < num_bytes:
        raise TrainingError(
            f"What goes into {out} will take {in_words(num_bytes)} more, and its disk has {in_words(free)} left.",
            hint="Make room, or choose another disk.",
        )


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Turns what goes wrong while `path` is written into a TrainingError that says how to go on."""
    try:
        yield
    except Exception as error:
        # safetensors and tokenizers, written in Rust, have their own exceptions for what the system answers.
        if not (isinstance(error, OSError | SafetensorError) or "(os error " in str(error)):
            raise
        free = in_words(shutil.disk_usage(_existing(path)).free)
        raise TrainingError(
            f"{path} could not be written: {error}. Its disk has {free} left.",
            hint="Make room and run the same again: it goes on from the checkpoint before.",
        ) from error


def folder_bytes(folder: Path) -> int:
    """Returns the size of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def flush_to_disk(folder: Path) -> None:
    """Makes sure that a power cut keeps every file of the folder whole, before it gets its name."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def in_words(num_bytes: float) -> str:
    """Returns a size in the unit that suits it."""
    for unit in ("bytes", "KiB", "MiB"):
        if num_bytes < 1024:
            return f"{num_bytes:.0f} {unit}"
        num_bytes /= 1024
    return f"{num_bytes:.1f} GiB"


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
