"""Joints of a known family brought to one vocabulary, to degrees and to one zero, where it is certain what they were.

The proof is in the ranges: before, they are those of the convention that was recognised; after, every joint lies within its
limits. Where that fails nothing of the vector is converted, and it is said. Joints in -100..100 stay so: how many degrees
that is, only the calibration of that arm knows. Recognising is `data_contracts.joint_conventions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from data_contracts.joint_conventions import Convention, Family, JointRanges, odd_episodes, settled
from data_contracts.manifests import JointUnit

TURN_DEG = 360.0
LARGEST_STEP_DEG = 30.0
"""What is left of a step beyond half a turn once the turn is taken out: more is a jump and no wrap."""

Wraps = dict[tuple[str, int], tuple[int, ...]]
"""(column, dimension) -> frames from which on a turn was added or taken away."""


@dataclass(frozen=True)
class VectorPlan:
    """How one vector is rewritten: new = scale * old + offset per dimension, then wraps undone in `turning` dimensions."""

    names: tuple[str, ...]
    joints: tuple[str, ...]
    scale_D: np.ndarray
    offset_D: np.ndarray
    from_unit: str
    to_unit: str
    turning: tuple[int, ...] = ()

    @cached_property
    def changed(self) -> tuple[int, ...]:
        """Dimensions that the formula changes."""
        return tuple(np.flatnonzero((self.scale_D != 1) | (self.offset_D != 0)).tolist())


@dataclass(frozen=True)
class JointPlan:
    """How the vectors of a dataset are rewritten, and what the joints then are."""

    vectors: dict[str, VectorPlan] = field(default_factory=dict)
    unit: JointUnit = "unknown"
    zero: str | None = None
    changes: tuple[str, ...] = ()

    def convert(self, columns: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], Wraps]:
        """Returns the columns of one episode as they are written, and where wraps were undone."""
        converted, wraps = dict(columns), {}
        for key, plan in self.vectors.items():
            converted[key], frames = _rewritten(columns[key], plan)
            wraps |= {(key, dimension): found for dimension, found in frames.items()}
        if wraps:
            self._align(converted, wraps)
        return converted, wraps

    def _align(self, columns: dict[str, np.ndarray], wraps: Wraps) -> None:
        """Puts a command on the turn that its joint is on, where one of the two was unwrapped."""
        state, action = (self.vectors.get(key) for key in ("observation.state", "action"))
        if state is None or action is None or state.joints != action.joints:
            return
        for dimension in {dimension for _, dimension in wraps}:
            apart = np.median(columns["action"][:, dimension] - columns["observation.state"][:, dimension])
            turns = np.round(apart / TURN_DEG)
            if turns:
                columns["action"] = columns["action"].copy()
                columns["action"][:, dimension] -= np.float32(turns * TURN_DEG)
                wraps.setdefault(("action", dimension), (0,))


def plan_joints(columns: Mapping[str, JointRanges], robot_type: str | None) -> JointPlan:
    """Returns how the vectors of a dataset (state, action) are rewritten; without a family, nothing is."""
    found = settled(columns, robot_type)
    known = {key: convention for key, convention in found.items() if convention.family}
    doubt = _doubt(known, columns, robot_type)
    vectors: dict[str, VectorPlan] = {}
    changes: list[str] = []
    for key, convention in known.items():
        family = convention.family
        if family is None or doubt or not family.is_of(robot_type):
            continue
        plan, failed = _vector_plan(convention, family, columns[key])
        changes += [f"{key}: {failed}"] if failed else []
        if plan is None:
            continue
        vectors[key] = plan
        if columns[key].names != plan.names:
            pairs = zip(columns[key].names or [f"dim_{k}" for k in range(len(plan.names))], plan.names, strict=True)
            renamed = ", ".join(f"{old} to {new}" for old, new in pairs if old != new)
            changes.append(f"names of {key} brought to those of {family.title}: {renamed}")
    if doubt and _would_convert(known, robot_type):
        changes.append(f"units of joints left as they are: {doubt}")
    unit, zero = _outcome(found, vectors)
    return JointPlan(vectors, unit, zero, tuple(changes))


def _doubt(known: Mapping[str, Convention], columns: Mapping[str, JointRanges], robot_type: str | None) -> str | None:
    """Says why no vector may be converted, or returns None: half a conversion is worse than none."""
    for key, convention in known.items():
        if not convention.is_sure:
            return f"that of {key} cannot be told ({'; '.join(convention.reasons)})"
        if odd_episodes(columns[key], robot_type):
            return f"the episodes of {key} do not count alike"
    if len({(c.unit, c.zero) for c in known.values()}) > 1:
        return "state and action count differently"
    return None


def _would_convert(known: Mapping[str, Convention], robot_type: str | None) -> bool:
    return any(
        c.family and c.family.is_of(robot_type) and (c.unit == "radians" or c.zero == "stretched")
        for c in known.values()
    )


def _vector_plan(convention: Convention, family: Family, ranges: JointRanges) -> tuple[VectorPlan | None, str | None]:
    """Returns the plan of a vector, or None with the reason where the ranges afterwards would be no arm's."""
    joints = convention.joints
    bare = [joint.removeprefix("left_").removeprefix("right_") for joint in joints]
    scale_D, offset_D = np.ones(len(joints)), np.zeros(len(joints))
    from_unit = to_unit = convention.unit
    if convention.unit == "radians":
        scale_D[:] = np.degrees(1.0)
        to_unit = "degrees"
    elif convention.unit == "degrees" and convention.zero == "stretched":
        for place, joint in enumerate(bare):
            scale_D[place], offset_D[place] = family.old_zero.get(joint, (1.0, 0.0))
        from_unit, to_unit = "degrees from the arm stretched out", "degrees from the middle of the range"
    elif convention.unit == "counts" or (convention.unit == "degrees" and convention.zero is None):
        return None, None
    plan = VectorPlan(
        names=tuple(f"{joint}{family.suffix}" for joint in joints),
        joints=joints,
        scale_D=scale_D,
        offset_D=offset_D,
        from_unit=from_unit,
        to_unit=to_unit,
        turning=tuple(k for k, joint in enumerate(bare) if joint in family.limits_deg) if "degrees" in to_unit else (),
    )
    for place in plan.changed:
        if bare[place] not in family.limits_deg:
            continue
        ends = (
            scale_D[place] * np.array([ranges.low_ED[:, place].min(), ranges.high_ED[:, place].max()]) + offset_D[place]
        )
        lowest, highest = family.limits_deg[bare[place]]
        if not (lowest <= ends.min() and ends.max() <= highest):
            return None, (
                f"not converted to {to_unit}: {joints[place]} would reach {ends.min():.1f} to {ends.max():.1f}, "
                f"beyond {lowest:g} to {highest:g}"
            )
    return plan, None


def _outcome(found: Mapping[str, Convention], vectors: Mapping[str, VectorPlan]) -> tuple[JointUnit, str | None]:
    """Returns the unit and the zero of the joints as they are written; unknown where the vectors differ."""
    outcomes = set()
    for key, convention in found.items():
        converted = vectors.get(key)
        if converted is not None and converted.changed:
            outcomes.add(("degrees", "middle" if convention.unit == "degrees" else None))
        elif convention.family or convention.unit != "unknown":
            outcomes.add((convention.unit, convention.zero))
    return outcomes.pop() if len(outcomes) == 1 else ("unknown", None)


def _rewritten(values_TD: np.ndarray, plan: VectorPlan) -> tuple[np.ndarray, dict[int, tuple[int, ...]]]:
    """Returns the vector as it is written, itself where nothing changes, and the frames of wraps by dimension."""
    values = values_TD
    if plan.changed:
        values = (values_TD.astype(np.float64) * plan.scale_D + plan.offset_D).astype(np.float32)
    frames = {}
    has_wraps_D = (np.abs(np.diff(values.astype(np.float64), axis=0)) > TURN_DEG / 2).any(axis=0)
    for k in (k for k in plan.turning if has_wraps_D[k]):
        path_T, found = unwrapped(values[:, k])
        if found:
            values = values.copy()
            values[:, k], frames[k] = path_T, found
    return values, frames


def unwrapped(path_T: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Returns a path in degrees without its steps of a whole turn, and the frames where they were; the path itself where a
    step beyond half a turn is no wrap. Most of the result lies within half a turn of zero."""
    steps = np.diff(path_T.astype(np.float64))
    is_over = np.abs(steps) > TURN_DEG / 2
    if not is_over.any():
        return path_T, ()
    left = steps[is_over] - TURN_DEG * np.round(steps[is_over] / TURN_DEG)
    if np.abs(left).max() > LARGEST_STEP_DEG:
        return path_T, ()
    path = np.unwrap(path_T.astype(np.float64), period=TURN_DEG)
    path -= TURN_DEG * np.round(np.median(path) / TURN_DEG)
    return path.astype(np.float32), tuple((np.flatnonzero(is_over) + 1).tolist())
