"""What a commit holds: its files with sizes and hashes, which of them a dataset can need, and whether a disk can hold them.

A tree is foreign input. Its paths are checked here once, before the first of them is written anywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from data_contracts.errors import NotAsPinned
from data_contracts.lerobot.files import VIDEO_SUFFIXES

Part = Literal["metadata", "rows", "videos"]
PARTS: tuple[Part, ...] = ("metadata", "rows", "videos")
INFO = "meta/info.json"
README = "README.md"
MOST_FILES = 200_000
LONGEST_NAME = 240
LONGEST_PATH = 1024
_BLOB = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class RemoteFile:
    """A file of a commit. Exactly one of the two hashes identifies its content: git's of a blob, or sha256 where LFS keeps it."""

    path: str
    size_bytes: int
    blob_id: str | None
    sha256: str | None


@dataclass(frozen=True)
class PinnedTree:
    """The files that a dataset can need, by part; the others are counted and never fetched."""

    parts: dict[Part, tuple[RemoteFile, ...]]
    num_other: int
    other_bytes: int

    def size_bytes(self, part: Part) -> int:
        return sum(file.size_bytes for file in self.parts[part])

    @property
    def total_bytes(self) -> int:
        return sum(self.size_bytes(part) for part in PARTS)

    def find(self, path: str) -> RemoteFile | None:
        """Returns a needed file by its path, or None."""
        return next((file for part in PARTS for file in self.parts[part] if file.path == path), None)


def pin(files: Iterable[Any], what: str) -> PinnedTree:
    """Returns the tree that the Hub listed (RepoFiles) for a commit.

    Raises:
        NotAsPinned: a path leads out of the folder or cannot be told from another, or the entries are no git tree.
    """
    parts: dict[Part, list[RemoteFile]] = {part: [] for part in PARTS}
    num_other = other_bytes = 0
    for number, item in enumerate(files, start=1):
        if number > MOST_FILES:
            raise _refused(what, f"it lists more than {MOST_FILES} files")
        path, size = item.path, item.lfs.size if item.lfs else item.size
        _check_path(path, what)
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise _refused(what, f"{path!r} has the size {size!r}")
        part = part_of(path)
        if part is None:
            num_other, other_bytes = num_other + 1, other_bytes + size
            continue
        parts[part].append(_remote_file(item, path, size, what))
    _check_distinct([file.path for listed in parts.values() for file in listed], what)
    ordered = {part: tuple(sorted(listed, key=lambda file: file.path)) for part, listed in parts.items()}
    return PinnedTree(ordered, num_other, other_bytes)


def part_of(path: str) -> Part | None:
    """Returns which part of a dataset a file belongs to; None for what no dataset needs, hidden files among them."""
    names = PurePosixPath(path).parts
    if any(name.startswith(".") for name in names):
        return None
    if path == README or names[0] == "meta":
        return "metadata"
    if path.endswith(".parquet"):
        return "rows"
    if names[0] != "images" and path.lower().endswith(VIDEO_SUFFIXES):
        return "videos"
    return None


def _remote_file(item: Any, path: str, size: int, what: str) -> RemoteFile:
    if item.lfs:
        if not _SHA256.fullmatch(str(item.lfs.sha256)):
            raise _refused(what, f"{path!r} has no sha256")
        return RemoteFile(path, size, None, item.lfs.sha256)
    if not _BLOB.fullmatch(str(item.blob_id)):
        raise _refused(what, f"{path!r} has no git hash")
    return RemoteFile(path, size, item.blob_id, None)


def _check_path(path: Any, what: str) -> None:
    if not isinstance(path, str) or not path or len(path) > LONGEST_PATH:
        raise _refused(what, f"it lists {str(path)[:80]!r}, which is no path")
    names = path.split("/")
    if any(name in ("", ".", "..") for name in names) or "\\" in path or ":" in names[0]:
        raise _refused(what, f"{path!r} leads out of the dataset")
    if any(ord(char) < 32 or ord(char) == 127 or 0xD800 <= ord(char) < 0xE000 for char in path):
        raise _refused(what, f"{path!r} holds characters that no file name should")
    if any(len(name.encode()) > LONGEST_NAME for name in names):
        raise _refused(what, f"{path[:80]!r}... has a name longer than {LONGEST_NAME} bytes")


def _check_distinct(paths: list[str], what: str) -> None:
    """Some disks do not see case, and none has a file and a folder of one name."""
    folded: dict[str, str] = {}
    for path in paths:
        key = unicodedata.normalize("NFC", path).casefold()
        if key in folded:
            raise _refused(what, f"{folded[key]!r} and {path!r} are one name on some disks")
        folded[key] = path
    for path in paths:
        for folder in PurePosixPath(unicodedata.normalize("NFC", path).casefold()).parents:
            if folder.as_posix() in folded:
                raise _refused(what, f"{folded[folder.as_posix()]!r} is a file and a folder")


def _refused(what: str, why: str) -> NotAsPinned:
    return NotAsPinned(f"The tree of {what} cannot be written to a disk: {why}.", hint="Tell its owner.")
