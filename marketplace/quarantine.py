"""Copies what somebody handed in to where it can be judged, and nothing else.

Only plain files of the kinds that a dataset is made of, within limits that are enforced while copying: what a folder says
of itself beforehand may have changed by then. Judging the copy is the judge's, reading it `data_contracts.lerobot`'s.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import SourceError
from data_contracts.stages import digest_of

ALLOWED_SUFFIXES = (".json", ".jsonl", ".parquet", ".mp4", ".md", ".png")
_BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class Limits:
    """The most that one contribution may be."""

    num_files: int = 20_000
    file_bytes: int = 4 * 2**30
    total_bytes: int = 50 * 2**30
    depth: int = 8


def copy_into_quarantine(folder: Path, target: Path, limits: Limits) -> str:
    """Copies a dataset folder and returns its revision: a digest over the path and content of every file.

    Names that begin with a dot are left out: version control and download caches put such files into every dataset, and none
    of them is part of it.

    Raises:
        SourceError: a link, a device, a kind of file that no dataset has, too many or too large files; names the file.
    """
    digests: dict[str, str] = {}
    room_bytes = limits.total_bytes
    for path in _files(folder, limits.depth):
        if len(digests) == limits.num_files:
            raise _refused(path, f"is beyond the {limits.num_files} files of one contribution", "Split the dataset.")
        if not path.lower().endswith(ALLOWED_SUFFIXES):
            kinds = ", ".join(ALLOWED_SUFFIXES)
            raise _refused(path, "is not part of a LeRobot dataset", f"Take it out; these kinds are read: {kinds}.")
        digests[path], size_bytes = _copy(folder, path, target / path, min(limits.file_bytes, room_bytes))
        room_bytes -= size_bytes
    if not digests:
        raise SourceError(f"{folder} holds no files.", hint="Point at the folder that holds meta/ and data/.")
    return digest_of(dict(sorted(digests.items())))


def _files(folder: Path, depth: int) -> Iterator[str]:
    """Yields relative POSIX paths in a fixed order. Nothing is opened and no link is followed."""
    pending = [""]
    while pending:
        parent = pending.pop()
        with os.scandir(folder / parent) as entries:
            found = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
        for entry in found:
            path = f"{parent}/{entry.name}" if parent else entry.name
            if not path.isprintable() or "\\" in path:
                raise _refused(repr(path), "has a name that no dataset uses", "Rename it with plain characters.")
            if entry.is_symlink():
                raise _refused(path, "is a symbolic link", "Hand in a copy that holds the files: cp -rL.")
            if entry.is_dir(follow_symlinks=False):
                if path.count("/") + 1 >= depth:
                    raise _refused(path, f"lies deeper than {depth} folders", "Point at the folder that holds meta/.")
                pending.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path
            else:
                raise _refused(path, "is no plain file", "Take it out.")


def _copy(folder: Path, path: str, target: Path, limit_bytes: int) -> tuple[str, int]:
    """Returns sha256 and size of what was copied, having stopped at the limit whatever size the file claims."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size_bytes = hashlib.sha256(), 0
    try:
        descriptor = os.open(folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror})", "Make it readable and try again.") from error
    with os.fdopen(descriptor, "rb") as reader, target.open("xb") as writer:
        while block := reader.read(_BLOCK_BYTES):
            size_bytes += len(block)
            if size_bytes > limit_bytes:
                raise _refused(
                    path, f"goes beyond the {limit_bytes:,} bytes that are left for it", "Split the dataset."
                )
            digest.update(block)
            writer.write(block)
    return digest.hexdigest(), size_bytes


def _refused(path: str, why: str, hint: str) -> SourceError:
    return SourceError(f"{path} {why}.", hint=hint)
