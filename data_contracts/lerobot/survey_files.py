"""Files that no episode and no table uses: undeclared cameras, backups, leftovers, and links that lead elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from data_contracts.findings import Finding
from data_contracts.lerobot.structure import structure
from data_contracts.lerobot.survey_cameras import folders_of_undeclared_videos

if TYPE_CHECKING:
    from data_contracts.lerobot.reader import LeRobotDataset

KNOWN_META = frozenset(
    f"meta/{name}"
    for name in (
        "info.json", "stats.json", "tasks.jsonl", "tasks.parquet", "episodes.jsonl", "episodes_stats.jsonl",
        "modality.json", "subtasks.parquet", "deftworks.json",
    )
)  # fmt: skip

_STAGED_PICTURE = re.compile(r"(?:^|/)images/.*episode[_-]?\d+/.*\d+\.(?:png|jpe?g|webp|bmp|tiff?)$", re.IGNORECASE)
"""`images/<camera>/episode_000000/frame_000000.png`: LeRobot's recorder puts pictures there until the video is encoded."""


def survey_files(dataset: LeRobotDataset) -> list[Finding]:
    """Returns findings about files that are there and belong to nothing."""
    return [*_undeclared_cameras(dataset), *_leftovers(dataset), *_links(dataset), *_unreadable_names(dataset)]


def _undeclared_cameras(dataset: LeRobotDataset) -> Iterator[Finding]:
    for folder, names in sorted(folders_of_undeclared_videos(dataset).items()):
        if folder.startswith("observation."):
            message = f"{len(names)} videos lie under {folder!r}, which meta/info.json does not declare."
            yield structure("files_without_declared_camera", "warn", message, camera=folder, first=names[0])


def _leftovers(dataset: LeRobotDataset) -> Iterator[Finding]:
    located = {*dataset.locations.data.values(), *dataset.locations.videos.values()}
    undeclared = folders_of_undeclared_videos(dataset).items()
    reported = {name for folder, names in undeclared if folder.startswith("observation.") for name in names}
    leftovers = [name for name in (*dataset.files.tables, *dataset.files.videos) if name not in located | reported]
    leftovers += [
        name
        for name in sorted(dataset.files.sizes)
        if name.startswith("meta/") and name not in KNOWN_META and not name.startswith("meta/episodes/")
    ]
    if not dataset.image_keys:
        leftovers += [name for name in sorted(dataset.files.sizes) if _STAGED_PICTURE.search(name)]
    if leftovers:
        size = sum(dataset.files.sizes[name] for name in leftovers)
        message = f"{len(leftovers)} files belong to no episode (first: {leftovers[0]})."
        yield structure("stray_files", "note", message, files=leftovers[:20], size_bytes=size)


def _links(dataset: LeRobotDataset) -> Iterator[Finding]:
    if dataset.files.refused:
        first = dataset.files.refused[0]
        message = f"{len(dataset.files.refused)} links lead out of the dataset and were not followed (first: {first})."
        yield structure("stray_files", "warn", message, files=list(dataset.files.refused[:20]))


def _unreadable_names(dataset: LeRobotDataset) -> Iterator[Finding]:
    names = dataset.files.not_text
    if names:
        message = f"{len(names)} files have names that are no text and were left alone (first: {names[0]})."
        yield structure("stray_files", "warn", message, files=list(names[:20]))
