"""Is a file here what the pinned commit lists? By size and by content: git's blob hash, or sha256 for what LFS keeps."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from curation.sources.hub.tree import RemoteFile
from data_contracts.lerobot.files import LFS_MAGIC

if TYPE_CHECKING:
    from hashlib import _Hash

BLOCK = 1 << 20


def new_hash(file: RemoteFile) -> _Hash:
    """Returns the hash that identifies a file, started as its kind demands."""
    if file.sha256 is not None:
        return hashlib.sha256()
    return hashlib.sha1(b"blob %d\0" % file.size_bytes, usedforsecurity=False)


def feed(digest: _Hash, path: Path) -> int:
    """Adds a file's bytes to a hash and returns how many there were."""
    size = 0
    with path.open("rb") as source:
        while block := source.read(BLOCK):
            digest.update(block)
            size += len(block)
    return size


def difference(path: Path, file: RemoteFile) -> str | None:
    """Returns how the file at `path` differs from what is listed, in words, or None where it is the same."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return f"{file.path}: expected {_expected(file)}, found nothing"
    digest = new_hash(file)
    if size == file.size_bytes:
        feed(digest, path)
    return named_difference(file, size, digest.hexdigest(), first_bytes(path))


def named_difference(file: RemoteFile, size: int, digest: str, head: bytes) -> str | None:
    """Returns the same for content of which size, hash and first bytes are known."""
    expected = file.sha256 or file.blob_id
    if size == file.size_bytes and digest == expected:
        return None
    found = f"{size} bytes"
    if head.startswith(LFS_MAGIC):
        found = f"a Git LFS pointer ({size} bytes)"
    elif size == file.size_bytes:
        found += f" with {digest}"
    return f"{file.path}: expected {_expected(file)}, found {found}"


def first_bytes(path: Path) -> bytes:
    with path.open("rb") as source:
        return source.read(len(LFS_MAGIC))


def _expected(file: RemoteFile) -> str:
    kind = f"sha256 {file.sha256}" if file.sha256 else f"git blob {file.blob_id}"
    return f"{file.size_bytes} bytes with {kind}"
