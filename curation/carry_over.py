"""What of a source dataset can be carried into a normalised one: columns and cameras that every kept episode has.

Each thing that is left out or changed is said in a sentence. What does not belong here: writing (`curation.normalise`) and
judging whether the data is any good (`curation.quality`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from curation.quality.text import is_empty, is_no_instruction, is_placeholder
from data_contracts.errors import ContractError, DatasetUnreadable
from data_contracts.lerobot.features import DEFAULT_FEATURES
from data_contracts.lerobot.schema import written_dtype

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data_contracts.lerobot import Episode, Feature, LeRobotDataset

STATE, ACTION = "observation.state", "action"
FPS_TOLERANCE = 1e-3
TIME_TOLERANCE_S = 1e-4
"""LeRobot's own tolerance; float32 rounding below it is no change worth telling."""


@dataclass(frozen=True)
class CarryOver:
    """What is written: `columns`, `videos` and `images` are keys of `features`; `changes` says what became of the rest."""

    features: dict[str, Feature]
    columns: tuple[str, ...]
    videos: tuple[str, ...]
    images: tuple[str, ...]
    changes: tuple[str, ...]

    def names_of(self, key: str) -> tuple[str, ...]:
        """Returns the names of a vector's values; none for a vector that is not carried over."""
        return (self.features[key].names or ()) if key in self.features else ()


@dataclass
class _Survey:
    """What the kept episodes hold, gathered one at a time."""

    problems: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, set[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(set))
    fractions: set[str] = field(default_factory=set)
    undeclared: set[str] = field(default_factory=set)
    without: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    longer: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    late: dict[int, float] = field(default_factory=dict)


def plan_carry_over(dataset: LeRobotDataset, episodes: Sequence[int]) -> CarryOver:
    """Returns what can be carried over from these episodes of a dataset.

    Raises:
        DatasetUnreadable: an episode cannot be read, or its state or action cannot be carried over.
    """
    survey = _Survey()
    for number in episodes:
        _look_at(dataset, dataset.episode(number), survey)
    columns, changes = _columns(dataset, survey)
    cameras = [key for key in dataset.declared_camera_keys if not survey.without[key]]
    features = dict(columns)
    for key in cameras:
        dtype = "image" if key in dataset.image_keys else "video"
        features[key] = replace(dataset.features[key], dtype=dtype)
    changes += _dropped_cameras(survey, len(episodes))
    for key in cameras:
        if survey.longer[key]:
            changes.append(f"camera {key}: frames after the last row of episodes {survey.longer[key]} were left out")
    if survey.late:
        worst = max(survey.late.values())
        changes.append(
            f"timestamps rewritten to frame_index / fps in {len(survey.late)} episodes (by up to {worst:.4g} s)"
        )
    return CarryOver(
        features=features,
        columns=tuple(columns),
        videos=tuple(key for key in cameras if key not in dataset.image_keys),
        images=tuple(key for key in cameras if key in dataset.image_keys),
        changes=tuple(changes),
    )


def whole_fps(dataset: LeRobotDataset) -> int:
    """Returns the frame rate as a whole number. Raises DatasetUnreadable where it is none: time would be invented."""
    fps = round(dataset.fps)
    if fps < 1 or abs(dataset.fps - fps) > FPS_TOLERANCE:
        raise DatasetUnreadable(
            f"fps in {dataset.root}/meta/info.json is {dataset.fps}, and LeRobot v3.0 counts whole frames per second.",
            hint="Resample the recordings to a whole rate and publish them again.",
        )
    return fps


def task_of(episode: Episode) -> str:
    """Returns the text that says what the episode shows: that of its rows, unless it tells a robot nothing ("valid", empty,
    a placeholder) while the episode table has one that does."""
    for text in (episode.task, *episode.tasks):
        if not (is_empty(text) or is_no_instruction(text) or is_placeholder(text)):
            return text
    return episode.task


def _look_at(dataset: LeRobotDataset, episode: Episode, survey: _Survey) -> None:
    present = set(episode.columns.column_names)
    survey.undeclared |= present - set(dataset.features)
    for key, feature in dataset.features.items():
        if feature.is_visual or feature.is_default or key in survey.problems:
            continue
        problem = _problem(episode, feature) if key in present else f"episode {episode.index} has no such column"
        if problem:
            survey.problems[key] = problem
        else:
            values = episode.array(key)
            values = values.reshape(len(values), -1) if key in (STATE, ACTION) else values
            survey.shapes[key].add(values.shape[1:] or (1,))
            if values.dtype.kind == "f":
                survey.fractions.add(key)
    for key in dataset.declared_camera_keys:
        if not episode.has_video(key):
            survey.without[key].append(episode.index)
        elif key not in dataset.image_keys and len(episode.frames(key)) > episode.num_frames:
            survey.longer[key].append(episode.index)
    late = abs(episode.timestamps_s - np.arange(episode.num_frames) / dataset.fps).max(initial=0.0)
    if not late <= TIME_TOLERANCE_S:
        survey.late[episode.index] = float(late)


def _problem(episode: Episode, feature: Feature) -> str | None:
    """Says why a column cannot be written, or returns None."""
    try:
        written_dtype(feature)
        values = episode.array(feature.key)
    except ContractError as error:
        return error.message
    except DatasetUnreadable as error:
        return f"episode {episode.index}: {error.message}"
    if values.dtype == object and feature.dtype != "string":
        return f"episode {episode.index} has rows without a value"
    if not values.size:
        return f"the rows of episode {episode.index} hold no values"
    return None


def _columns(dataset: LeRobotDataset, survey: _Survey) -> tuple[dict[str, Feature], list[str]]:
    kept: dict[str, Feature] = {}
    changes: list[str] = []
    problems = survey.problems | {
        key: f"its rows hold {sorted(shapes)} values" for key, shapes in survey.shapes.items() if len(shapes) > 1
    }
    for key in (STATE, ACTION):
        if key in problems:
            raise DatasetUnreadable(
                f"{key} of {dataset.root} cannot be carried over: {problems[key]}.",
                hint="Record it again, or leave the episode out.",
            )
    for key, feature in dataset.features.items():
        if feature.is_visual or feature.is_default:
            continue
        if key in problems:
            changes.append(f"column {key} dropped: {problems[key]}")
            continue
        if key in survey.fractions and "float" not in feature.dtype:
            changes.append(f"{key} holds fractions and is stored as float32 instead of {feature.dtype} as declared")
            feature = replace(feature, dtype="float32")
        kept[key], said = _written(dataset, feature, survey.shapes[key].pop())
        changes += said
    changes += [
        f"column {key} dropped: it is not declared" for key in sorted(survey.undeclared - set(DEFAULT_FEATURES))
    ]
    return kept, changes


def _written(dataset: LeRobotDataset, feature: Feature, shape: tuple[int, ...]) -> tuple[Feature, list[str]]:
    """Returns a vector as it is written, with names for its values, and what that changed."""
    key, names, changes = feature.key, feature.names, []
    if feature.shape not in (shape, ()):
        changes.append(f"shape of {key} is {list(shape)} as its rows are, not {list(feature.shape)} as declared")
    if names is not None and len(names) != shape[-1]:
        names = None
    if names is None and len(shape) == 1 and (shape[0] > 1 or key in (STATE, ACTION)):
        names = tuple(f"dim_{number}" for number in range(shape[0]))
        changes.append(f"names of {key} filled in: dim_0 to dim_{shape[0] - 1}")
    elif names is not None and list(names) != dataset.info["features"][key].get("names"):
        changes.append(f"names of {key} flattened")
    if feature.dtype in ("float64", "float16"):
        changes.append(f"{key} stored as float32 instead of {feature.dtype}")
    if key.startswith("annotation.") and "int" in feature.dtype:
        changes.append(f"{key} kept as it is; where it holds task numbers, they are the source's")
    return replace(feature, shape=shape, names=names), changes


def _dropped_cameras(survey: _Survey, num_episodes: int) -> list[str]:
    said = []
    for key, numbers in survey.without.items():
        if numbers:
            which = "has no frames" if len(numbers) == num_episodes else f"has no frames in episodes {numbers}"
            said.append(f"camera {key} dropped: it {which}")
    return said
