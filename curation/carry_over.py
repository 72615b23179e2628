"""What of a source dataset can be carried into a normalised one: columns and cameras that every kept episode has.

Each thing that is left out or changed is said in a sentence. What does not belong here: writing (`curation.normalise`), the
rules of rate and joints (`curation.frame_rate`, `curation.joint_conversion`) and judging whether the data is any good
(`curation.quality`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from curation.frame_rate import Clock, FrameRate, read_clock, settle_rate
from curation.joint_conversion import JointPlan, plan_joints
from curation.quality.text import is_empty, is_no_instruction, is_placeholder
from data_contracts.errors import ContractError, DatasetUnreadable
from data_contracts.joint_conventions import JointRanges
from data_contracts.lerobot.features import DEFAULT_FEATURES
from data_contracts.lerobot.schema import written_dtype

if TYPE_CHECKING:
    from data_contracts.lerobot import Episode, Feature, LeRobotDataset

STATE, ACTION = "observation.state", "action"
TIME_TOLERANCE_S = 1e-4
"""LeRobot's own tolerance; float32 rounding below it is no change worth telling."""
KEPT_IN_MEMORY_BYTES = 64 * 1024**2
"""Rows of episodes up to this are read once; of larger datasets the rest is read again when it is written."""


@dataclass(frozen=True)
class CarryOver:
    """What is written: `columns`, `videos` and `images` are keys of `features`; `changes` says what became of the rest, `lost`
    which episodes cannot be written and why."""

    features: dict[str, Feature]
    columns: tuple[str, ...]
    videos: tuple[str, ...]
    images: tuple[str, ...]
    rate: FrameRate
    joints: JointPlan
    changes: tuple[str, ...]
    lost: dict[int, str]

    def names_of(self, key: str) -> tuple[str, ...]:
        """Returns the names of a vector's values; none for a vector that is not carried over."""
        return (self.features[key].names or ()) if key in self.features else ()


class KeptEpisodes:
    """The episodes that are to be kept, each read once as far as memory allows."""

    def __init__(self, dataset: LeRobotDataset, numbers: Sequence[int]) -> None:
        self.dataset = dataset
        self.numbers = tuple(numbers)
        self._read: dict[int, Episode] = {}
        self._free_bytes = KEPT_IN_MEMORY_BYTES

    def look(self, number: int) -> Episode:
        """Returns an episode, and keeps it for `take` where there is room. Raises DatasetUnreadable."""
        episode = self.dataset.episode(number)
        if episode.columns.nbytes <= self._free_bytes:
            self._free_bytes -= episode.columns.nbytes
            self._read[number] = episode
        return episode

    def take(self, number: int) -> Episode:
        """Returns an episode for the last time, and forgets it. Raises DatasetUnreadable."""
        return self._read.pop(number, None) or self.dataset.episode(number)


@dataclass(frozen=True)
class _Look:
    """What one kept episode holds. `problems` and `shapes` are by column, `extremes` (low, high) of state and action."""

    index: int
    clock: Clock
    problems: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    extremes: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    fractions: frozenset[str] = frozenset()
    undeclared: frozenset[str] = frozenset()
    without: tuple[str, ...] = ()


def plan_carry_over(episodes: KeptEpisodes) -> CarryOver:
    """Returns what can be carried over from the kept episodes of a dataset.

    Raises:
        DatasetUnreadable: no episode can be carried over, or the dataset has less than one frame per second.
    """
    dataset = episodes.dataset
    looks, lost = _survey(episodes)
    columns, changes = _columns(dataset, looks)
    rate = settle_rate(dataset.fps, [look.clock for look in looks])
    joints = plan_joints(_joint_ranges(columns, looks), dataset.robot_type)
    for key, vector in joints.vectors.items():
        columns[key] = replace(columns[key], names=vector.names)
    without = {key: [look.index for look in looks if key in look.without] for key in dataset.declared_camera_keys}
    cameras = [key for key, numbers in without.items() if not numbers]
    features = dict(columns)
    for key in cameras:
        dtype = "image" if key in dataset.image_keys else "video"
        features[key] = replace(dataset.features[key], dtype=dtype)
    changes += [*rate.changes, *joints.changes, *_dropped_cameras(without, len(looks))]
    late = [look.clock.late_s for look in looks if not look.clock.late_s <= TIME_TOLERANCE_S]
    if late:
        changes.append(
            f"timestamps rewritten to frame_index / fps in {len(late)} episodes (by up to {max(late):.4g} s)"
        )
    return CarryOver(
        features=features,
        columns=tuple(columns),
        videos=tuple(key for key in cameras if key not in dataset.image_keys),
        images=tuple(key for key in cameras if key in dataset.image_keys),
        rate=rate,
        joints=joints,
        changes=tuple(changes),
        lost=lost,
    )


def task_of(episode: Episode) -> str:
    """Returns the text that says what the episode shows: that of its rows, unless it tells a robot nothing ("valid", empty,
    a placeholder) while the episode table has one that does."""
    for text in (episode.task, *episode.tasks):
        if not (is_empty(text) or is_no_instruction(text) or is_placeholder(text)):
            return text
    return episode.task


def _survey(episodes: KeptEpisodes) -> tuple[list[_Look], dict[int, str]]:
    """Returns what each episode holds, and those that cannot be written: broken rows, or another width than most."""
    dataset = episodes.dataset
    looks: list[_Look] = []
    lost: dict[int, str] = {}
    for number in episodes.numbers:
        try:
            looks.append(_look_at(dataset, episodes.look(number)))
        except DatasetUnreadable as error:
            lost[number] = error.message
    for key in (STATE, ACTION):
        widths = Counter(look.shapes[key] for look in looks if key in look.shapes)
        if len(widths) > 1:
            usual = widths.most_common(1)[0][0]
            odd = {look.index: look.shapes[key] for look in looks if look.shapes.get(key, usual) != usual}
            lost |= {
                number: f"{key} has {list(shape)} values per row, {list(usual)} in most episodes"
                for number, shape in odd.items()
            }
            looks = [look for look in looks if look.index not in odd]
    if not looks:
        number, reason = min(lost.items(), default=(0, "none was kept"))
        raise DatasetUnreadable(
            f"No kept episode of {dataset.root} can be written; episode {number}: {reason}.",
            hint="Fetch the dataset again, or record it again.",
        )
    return looks, lost


def _look_at(dataset: LeRobotDataset, episode: Episode) -> _Look:
    """Returns what an episode holds. Raises DatasetUnreadable where its state, action or clock cannot be read."""
    present = set(episode.columns.column_names)
    problems, shapes, fractions, extremes = {}, {}, set(), {}
    for key, feature in dataset.features.items():
        if feature.is_visual or feature.is_default:
            continue
        values, problem = _values(episode, feature, present)
        if problem and key in (STATE, ACTION):
            raise DatasetUnreadable(f"{key} cannot be carried over: {problem}", hint="Leave the episode out.")
        if problem:
            problems[key] = problem
            continue
        values = values.reshape(len(values), -1) if key in (STATE, ACTION) else values
        shapes[key] = values.shape[1:] or (1,)
        if values.dtype.kind == "f":
            fractions.add(key)
        if key in (STATE, ACTION) and values.size:
            extremes[key] = (values.min(axis=0).astype(np.float64), values.max(axis=0).astype(np.float64))
    return _Look(
        index=episode.index,
        clock=read_clock(episode.timestamps_s, dataset.fps),
        problems=problems,
        shapes=shapes,
        extremes=extremes,
        fractions=frozenset(fractions),
        undeclared=frozenset(present - set(dataset.features)),
        without=tuple(key for key in dataset.declared_camera_keys if not episode.has_video(key)),
    )


def _joint_ranges(columns: dict[str, Feature], looks: Sequence[_Look]) -> dict[str, JointRanges]:
    ranges = {}
    for key in (STATE, ACTION):
        found = [look.extremes[key] for look in looks if key in look.extremes]
        if key in columns and len(columns[key].shape) == 1 and found:
            low_ED, high_ED = (np.array([extreme[side] for extreme in found]) for side in (0, 1))
            ranges[key] = JointRanges(columns[key].names or (), low_ED, high_ED)
    return ranges


def _values(episode: Episode, feature: Feature, present: set[str]) -> tuple[np.ndarray, str | None]:
    """Returns the values of a column, and why it cannot be written, or None."""
    nothing = np.zeros(0)
    if feature.key not in present:
        return nothing, f"episode {episode.index} has no such column"
    try:
        written_dtype(feature)
        values = episode.array(feature.key)
    except ContractError as error:
        return nothing, error.message
    except DatasetUnreadable as error:
        return nothing, f"episode {episode.index}: {error.message}"
    if values.dtype == object and feature.dtype != "string":
        return nothing, f"episode {episode.index} has rows without a value"
    return values, None


def _columns(dataset: LeRobotDataset, looks: Sequence[_Look]) -> tuple[dict[str, Feature], list[str]]:
    kept: dict[str, Feature] = {}
    changes: list[str] = []
    shapes: dict[str, set[tuple[int, ...]]] = defaultdict(set)
    for look in looks:
        for key, shape in look.shapes.items():
            shapes[key].add(shape)
    problems = {key: problem for look in reversed(looks) for key, problem in look.problems.items()}
    problems |= {
        key: f"its rows hold {sorted(found)} values"
        for key, found in shapes.items()
        if len(found) > 1 and key not in problems
    }
    for key, feature in dataset.features.items():
        if feature.is_visual or feature.is_default:
            continue
        if key in problems:
            changes.append(f"column {key} dropped: {problems[key]}")
            continue
        if "float" not in feature.dtype and any(key in look.fractions for look in looks):
            changes.append(f"{key} holds fractions and is stored as float32 instead of {feature.dtype} as declared")
            feature = replace(feature, dtype="float32")
        kept[key], said = _written(dataset, feature, shapes[key].pop())
        changes += said
    undeclared = {key for look in looks for key in look.undeclared} - set(DEFAULT_FEATURES)
    return kept, changes + [f"column {key} dropped: it is not declared" for key in sorted(undeclared)]


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


def _dropped_cameras(without: dict[str, list[int]], num_episodes: int) -> list[str]:
    said = []
    for key, numbers in without.items():
        if numbers:
            which = "has no frames" if len(numbers) == num_episodes else f"has no frames in episodes {numbers}"
            said.append(f"camera {key} dropped: it {which}")
    return said
