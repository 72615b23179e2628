"""Totals and splits of `info.json` against what the tables list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from data_contracts.findings import Finding
from data_contracts.lerobot.info import DatasetInfo
from data_contracts.lerobot.json_files import whole_number
from data_contracts.lerobot.structure import structure

if TYPE_CHECKING:
    from data_contracts.lerobot.reader import LeRobotDataset

_RANGE = re.compile(r"^\s*(\d+)\s*:\s*(\d+)\s*$")


POSITIVE = ("chunks_size", "data_files_size_in_mb", "video_files_size_in_mb")
FPS_TOLERANCE = 1e-3


def survey_counts(info: DatasetInfo, dataset: LeRobotDataset) -> Iterator[Finding]:
    """Yields findings for numbers of `info.json` that cannot be, and totals that fit none of the ways of counting."""
    if abs(info.fps - round(info.fps)) > FPS_TOLERANCE or info.fps < 1:
        message = (
            f"meta/info.json declares fps {info.fps:g}; LeRobot counts whole frames per second and would cut it off."
        )
        yield structure("fractional_fps", "warn", message, fps=info.fps)
    for name in POSITIVE:
        number = info.raw.get(name, 1)
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not number > 0:
            message = f"{name} of meta/info.json is {repr(number)[:40]}; LeRobot needs a number above 0."
            yield structure("unreadable_metadata", "note", message, name=name)
    for name, counted in _counts(info, dataset).items():
        declared = info.total(name)
        if declared is not None and declared not in counted:
            message = f"meta/info.json says total_{name} {declared}; counted: {counted[0]}."
            yield structure("count_mismatch", "warn", message, name=f"total_{name}", declared=declared, counted=counted)


def _counts(info: DatasetInfo, dataset: LeRobotDataset) -> dict[str, list[int]]:
    num_episodes = len(dataset.records)
    lengths = [record.length for record in dataset.records]
    counts = {"episodes": [num_episodes], "tasks": [len(dataset.tasks)]}
    if None not in lengths:
        counts["frames"] = [sum(length or 0 for length in lengths)]
    if not dataset.tasks:
        counts.pop("tasks")
    if not info.is_v3:
        with_video = [key for key in dataset.declared_camera_keys if dataset.features[key].is_video]
        counts["chunks"] = [-(-num_episodes // info.chunks_size)]
        # LeRobot counts one per episode and video camera; some tools count the files.
        counts["videos"] = [num_episodes * len(with_video), len(dataset.locations.videos)]
    return counts


def survey_splits(dataset: LeRobotDataset) -> Iterator[Finding]:
    """Yields findings for splits that name episodes which are not there, or that cannot be understood."""
    splits = dataset.info.get("splits")
    if splits is None:
        return
    if not isinstance(splits, dict):
        yield structure(
            "unreadable_metadata", "note", "splits of meta/info.json is not an object.", splits=repr(splits)[:200]
        )
        return
    last = dataset.episode_indices[-1] if dataset.records else -1
    for name, value in splits.items():
        stop = _stop(value)
        if stop is None:
            message = f"Split {name!r} of meta/info.json cannot be understood."
            yield structure("unreadable_metadata", "note", message, split=name, value=repr(value)[:200])
        elif stop > max(last + 1, len(dataset.records)):
            message = f"Split {name!r} of meta/info.json reaches to episode {stop - 1}; the last one is {last}."
            yield structure("split_out_of_range", "warn", message, split=name, value=repr(value)[:200], last=last)


def _stop(value: Any) -> int | None:
    """Returns the number after the highest episode of a split: "0:5", ["0:5", "7:9"] or [0, 1, 2]. None: not known."""
    if isinstance(value, list):
        stops = [None if isinstance(part, list) else _stop(part) for part in value]
        return None if None in stops else max((stop or 0 for stop in stops), default=0)
    found = _RANGE.match(value) if isinstance(value, str) else None
    if found:
        return int(found[2])
    number = whole_number(value)
    return None if number is None else number + 1
