"""What takes the space of a lake: bytes by part and by dataset. What may go is said in `pipelines.lake_garbage`."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from data_contracts.layout import Lake

PARTS_BY_DATASET = (
    "hub", "raw", "findings", "normalised", "camera_roles", "task_labels", "fingerprints", "failures", "crawl",
)  # fmt: skip
"""Folders of the lake that hold an entry per dataset."""


class StoredFile(NamedTuple):
    """A file below a folder: its path, its size, and what tells hard links to the same bytes apart from copies."""

    path: Path
    size_bytes: int
    identity: tuple[int, int]
    num_links: int


@dataclass(frozen=True)
class Usage:
    """Bytes as the files' sizes state them. A file with several names is counted once, at its first name in path order."""

    size_bytes: int
    num_files: int
    by_part: dict[str, int]
    by_dataset: dict[str, dict[str, int]]


def lake_usage(lake: Lake) -> Usage:
    """Returns what takes the space of a lake, largest first; `by_dataset` divides each dataset's bytes by part."""
    parts: Counter[str] = Counter()
    datasets: dict[str, Counter[str]] = defaultdict(Counter)
    seen: set[tuple[int, int]] = set()
    for file in stored_files(lake.home):
        if file.identity in seen:
            continue
        seen.add(file.identity)
        part, *below = file.path.relative_to(lake.home).parts
        parts[part if below else "."] += file.size_bytes
        if part in PARTS_BY_DATASET and below:
            datasets[dataset_of_entry(below[0])][part] += file.size_bytes
    largest = sorted(datasets.items(), key=lambda item: (-item[1].total(), item[0]))
    return Usage(
        size_bytes=parts.total(),
        num_files=len(seen),
        by_part=dict(sorted(parts.items(), key=lambda item: (-item[1], item[0]))),
        by_dataset={dataset: dict(by_part.most_common()) for dataset, by_part in largest},
    )


def stored_files(folder: Path) -> Iterator[StoredFile]:
    """Yields every file below `folder` in path order. Links to other places are not followed and take no space."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return  # a run may clear its scratch folder meanwhile
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from stored_files(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield StoredFile(Path(entry.path), status.st_size, (status.st_dev, status.st_ino), status.st_nlink)


def stored_files_of(path: Path) -> Iterator[StoredFile]:
    """Yields the file itself, or every file below a folder."""
    if path.is_dir():
        yield from stored_files(path)
    else:
        status = path.lstat()
        yield StoredFile(path, status.st_size, (status.st_dev, status.st_ino), status.st_nlink)


def dataset_of_entry(name: str) -> str:
    """Returns the dataset that an entry of a part belongs to: `org__name`, `org__name.json`, `.org__name.partial`."""
    for suffix in (".partial", ".old", ".incoming"):
        if name.startswith(".") and name.endswith(suffix):
            name = name[1:].removesuffix(suffix)
    return name.removesuffix(".json")
