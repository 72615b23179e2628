"""What files a dataset folder holds, and which of them belong to an episode.

The folder is listed once; a path is used only if it is in that listing. So neither a template nor a feature key can lead
out of the dataset ('../' is never in the listing). The rule for links:

- the dataset folder itself may be a link;
- a linked file is taken where its target lies inside the folder, or in the `blobs` folder of the Hub cache that the folder
  belongs to (`<repo>/snapshots/<revision>/...` -> `<repo>/blobs/...`);
- every other link, and every linked folder, is left alone and reported.

Where a file lies is asked of the path template first; where that finds nothing, of the names of the files that are there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".avi", ".mov")
LFS_MAGIC = b"version https://git-lfs"
LFS_POINTER_MAX_BYTES = 1024
_EPISODE_FILE = re.compile(r"episode[_-]?(\d+)\.[a-z0-9]+$")
_SHARD_FILE = re.compile(r"chunk[_-]?(\d+)/(?:.*/)?file[_-]?(\d+)\.[a-z0-9]+$")
_FIELD = re.compile(r"\{(\w+)(?::0?(\d)d)?\}")


@dataclass(frozen=True)
class DatasetFiles:
    """Regular files below `root`: relative POSIX path -> size in bytes. Left alone: links that are `refused`, and files whose
    names are `not_text`, in escapes."""

    root: Path
    sizes: dict[str, int]
    refused: tuple[str, ...] = ()
    not_text: tuple[str, ...] = ()
    _pointers: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    def __contains__(self, name: str) -> bool:
        return name in self.sizes

    def path(self, name: str) -> Path:
        """Returns the absolute path of a listed file."""
        return self.root / name

    def is_lfs_pointer(self, name: str) -> bool:
        """Returns True where the file stands for content that Git LFS did not bring."""
        if not 0 < self.sizes[name] < LFS_POINTER_MAX_BYTES:
            return False
        if name not in self._pointers:
            self._pointers[name] = _begins_with(self.path(name), LFS_MAGIC)
        return self._pointers[name]

    def has_content(self, name: str | None) -> bool:
        """Returns True where the file is listed, is not empty and is not an LFS pointer."""
        return name is not None and self.sizes.get(name, 0) > 0 and not self.is_lfs_pointer(name)

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """Parquet files outside `meta/`, sorted."""
        return tuple(n for n in sorted(self.sizes) if n.endswith(".parquet") and not n.startswith("meta/"))

    @cached_property
    def videos(self) -> tuple[str, ...]:
        """Video files, sorted."""
        return tuple(n for n in sorted(self.sizes) if n.lower().endswith(VIDEO_SUFFIXES))


def list_files(root: Path) -> DatasetFiles:
    """Returns the files of the dataset in `root`, by the rule for links above. Hidden files and folders are left out."""
    root = root.resolve()
    allowed = (root, *_hub_blobs(root))
    sizes, refused, not_text = {}, [], []
    waiting = [("", root)]
    while waiting:
        before, folder = waiting.pop()
        for entry in _entries(folder):
            relative = f"{before}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):
                    waiting.append((f"{relative}/", Path(entry.path)))
            elif entry.is_symlink() and _is_folder(entry):
                refused.append(relative if _is_text(relative) else ascii(relative))
            elif entry.name.startswith("."):
                continue
            elif not _is_text(relative):
                not_text.append(ascii(relative))
            elif entry.is_symlink() and not _leads_into(Path(entry.path), allowed):
                refused.append(relative)
            elif entry.is_file():
                sizes[relative] = entry.stat().st_size
    return DatasetFiles(root, dict(sorted(sizes.items())), tuple(sorted(refused)), tuple(sorted(not_text)))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Returns what lies in a folder, sorted by name; nothing where it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_folder(link: os.DirEntry[str]) -> bool:
    try:
        return link.is_dir()
    except OSError:  # a loop of links
        return False


def _leads_into(link: Path, places: tuple[Path, ...]) -> bool:
    try:
        target = link.resolve()
    except (OSError, RuntimeError):  # a loop of links leads nowhere
        return False
    return any(target.is_relative_to(place) for place in places)


def _is_text(name: str) -> bool:
    """True where a name can be written to a table or a page. Some file systems hold others, as after a bad unpacking."""
    return name.isprintable() and name.encode("utf-8", "ignore").decode("utf-8") == name


def _begins_with(path: Path, magic: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(magic)) == magic
    except OSError:  # whoever reads it will say that it cannot be read
        return False


def fill_template(template: str, values: dict[str, int | str]) -> str | None:
    """Returns the path that a template of `info.json` names, or None where it asks for something unknown.

    Only `{name}` and `{name:03d}` are understood: `str.format` would let a dataset reach attributes and huge widths.
    """
    is_known = True

    def value_of(found: re.Match[str]) -> str:
        nonlocal is_known
        value = values.get(found[1])
        is_known &= value is not None
        return f"{value:0{int(found[2])}d}" if found[2] and isinstance(value, int) else str(value)

    filled = _FIELD.sub(value_of, template)
    return filled if is_known and "{" not in filled else None


class FileIndex:
    """Finds files by what their names say: the episode (`episode_000012`) or the shard (`chunk-000/file-003`)."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._by_number: dict[tuple[str, int], str] = {}
        self._by_shard: dict[tuple[str, int, int], str] = {}
        for name in names:
            episode, shard = _EPISODE_FILE.search(name), _SHARD_FILE.search(name)
            for label in ("", *name.split("/")[:-1]):
                if episode:
                    self._by_number.setdefault((label, int(episode[1])), name)
                if shard:
                    self._by_shard.setdefault((label, int(shard[1]), int(shard[2])), name)

    def of_episode(self, index: int, folder: str = "") -> str | None:
        """Returns the file of an episode, below a folder of that name where one is given."""
        return self._by_number.get((folder, index))

    def of_shard(self, chunk: int, file: int, folder: str = "") -> str | None:
        """Returns the file of a shard, below a folder of that name where one is given."""
        return self._by_shard.get((folder, chunk, file))

    def episodes(self, folder: str = "") -> list[int]:
        """Returns the episodes that have a file of their own, ascending."""
        return sorted(number for label, number in self._by_number if label == folder)


def _hub_blobs(root: Path) -> Iterator[Path]:
    for folder in (root, *root.parents):
        if folder.parent.name == "snapshots":
            yield folder.parent.parent / "blobs"
