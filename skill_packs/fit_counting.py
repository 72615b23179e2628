"""How a pack counts and how a robot counts: unit and zero of every value of a vector.

What the pack's unit is, its manifest says, otherwise its ranges. What the robot's is, its owner says or its recorded ranges
show, and the two must not contradict each other; where neither tells, it is unknown. Nothing is taken from a robot type.
Comparing the two is `skill_packs.fit_units`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_contracts.joint_conventions import (
    FULLEST_DEGREES,
    NORMALISED_LIMIT,
    RADIANS_LIMIT,
    Convention,
    Family,
    JointRanges,
    Zero,
    family_of,
    recognise,
    settled,
    shows_encoder_steps,
    zero_of_degrees,
)
from data_contracts.robot_profile import RobotProfile, VectorStatistics
from data_contracts.skill_pack import Joint
from skill_packs.fit_joints import Places

DEGREES, NORMALISED, RADIANS, PERCENT = "degrees", "-100 to 100", "radians", "0 to 100"
_SPELLINGS = {
    DEGREES: ("deg", "degree", "degrees", "°"),
    RADIANS: ("rad", "radian", "radians"),
    NORMALISED: ("normalised", "normalized", "-100..100", "-100 to 100", "range_m100_100"),
    PERCENT: ("percent", "%", "0..100", "0 to 100", "range_0_100"),
    "m": ("metre", "metres", "meter", "meters"),
}
_FURTHEST = {DEGREES: FULLEST_DEGREES, NORMALISED: NORMALISED_LIMIT, RADIANS: RADIANS_LIMIT, PERCENT: 110.0}
_NEAR_RELATIVES = (DEGREES, NORMALISED, PERCENT)
"""Units that a range cannot tell apart by its size: one is worth between half and twice another."""
SAME_SCALE = 5.0
"""Any two other units that are used for one quantity differ by a factor of 10 or more (m and cm, radians and degrees)."""
_RECORDED = {"state": "observation.state", "action": "action"}


@dataclass(frozen=True)
class Counting:
    """Unit of each value of a vector, None where it is not known, the zero of an arm in degrees, and how it is known.

    `clash` is a contradiction in what is known; nothing else is to be believed then.
    """

    units: tuple[str | None, ...]
    zero: Zero | None = None
    why: str = ""
    clash: str | None = None


def spelled(unit: str) -> tuple[str, Zero | None]:
    """Returns a unit in the words of this module, and the zero where the text says it ("degrees from the middle ...")."""
    text = " ".join(unit.lower().split())
    zero: Zero | None = "middle" if "from the middle" in text else "stretched" if "stretched" in text else None
    head = text.partition(" from ")[0].removesuffix(" over the range")
    if head in ("0 closed to 100 open", "0 (closed) to 100 (open)"):
        return PERCENT, zero
    return next((word for word, spellings in _SPELLINGS.items() if head == word or head in spellings), head), zero


def pack_counting(needed: Sequence[Joint], robot_type: str) -> Counting:
    """Returns how the pack counts: as its manifest says, for values of which it says nothing as its ranges show."""
    said = [spelled(joint.unit) if joint.unit else (None, None) for joint in needed]
    names = tuple(joint.name for joint in needed)
    ranges = JointRanges(names, np.array([[j.min for j in needed]]), np.array([[j.max for j in needed]]))
    seen = recognise(ranges, robot_type)
    family, joints = family_of(names, len(names), None)
    units = tuple(unit for unit, _ in said)
    zero = next((zero for _, zero in said if zero), None) or (seen.zero if seen.is_sure else None)
    if family:
        is_old = _is_old(family, names)
        shown = _family_units(family, joints, seen, ranges, old=is_old)
        if clash := _pack_clash(family, joints, units, shown):
            return Counting(units, zero, clash=clash)
        units = tuple(unit or other for unit, other in zip(units, shown, strict=True))
        zero = zero or ("stretched" if is_old else None)
    return Counting(units, zero)


def _pack_clash(
    family: Family, joints: Sequence[str], said: Sequence[str | None], shown: Sequence[str | None]
) -> str | None:
    """Returns where the unit that a manifest states is not that of the ranges beside it."""
    for joint, one, other in zip(joints, said, shown, strict=True):
        if one and other and one != other and not joint.endswith(family.gripper):
            return f"The pack states that {joint} is {one}, and its own ranges are {other}."
    return None


def robot_counting(what: str, needed: Sequence[Joint], profile: RobotProfile, places: Places) -> Counting:
    """Returns how the robot counts, in the pack's order."""
    names: tuple[str, ...] = getattr(profile, f"{what}_names")
    statistics: VectorStatistics | None = getattr(profile, f"{what}_statistics")
    family, joints = family_of(names, len(names), None)
    said = tuple(_said(profile, name, family, joint) for name, joint in zip(names, joints or names, strict=True))
    if family is None:
        return _without_family(needed, said, statistics, places)
    convention, ranges = _seen(what, profile)
    shown = _family_units(family, joints, convention, ranges, old=_is_old(family, names))
    clash = _clash(names, said, shown, statistics)
    is_told = _word_counts(family, joints, said, ranges)
    units = tuple(other or (one if is_told else None) for one, other in zip(said, shown, strict=True))
    why = "; ".join(convention.reasons) if statistics else "no statistics of the recording were given"
    if any(said):
        why = (
            f"as you say; {why}"
            if all(units)
            else f"you say {', '.join(dict.fromkeys(filter(None, said)))}, and the values do not bear it out: {why}"
        )
    return Counting(
        tuple(units[p] for p in places), _robot_zero(profile, names, joints, family, units, ranges), why, clash
    )


def _word_counts(family: Family, joints: Sequence[str], said: Sequence[str | None], ranges: JointRanges | None) -> bool:
    """Returns whether what the owner says of an arm may stand where its ranges alone do not tell the unit.

    Degrees, as LeRobot writes them, are steps of the encoder: values that are none cannot be taken for degrees on a word, and
    where too few ends were recorded to see it, no word is taken.
    """
    if ranges is None:
        return False
    arm = [place for place, joint in enumerate(joints) if not joint.endswith(family.gripper)]
    ends = JointRanges(tuple(ranges.names[p] for p in arm), ranges.low_ED[:, arm], ranges.high_ED[:, arm])
    return shows_encoder_steps(ends) is (DEGREES in [said[place] for place in arm])


def _robot_zero(
    profile: RobotProfile,
    names: Sequence[str],
    joints: Sequence[str],
    family: Family,
    units: Sequence[str | None],
    ranges: JointRanges | None,
) -> Zero | None:
    """Returns from where an arm's degrees count: as its values show, otherwise as its names and its calibration say.

    `main_` went with the old zero (LeRobot's PR 777). `.pos` came with the new one, but recordings have been renamed; a
    calibration file of the present form is what LeRobot counts from when it drives.
    """
    if ranges is not None and DEGREES in units:
        seen, _, _ = zero_of_degrees(family, joints, ranges.low_ED.min(axis=0), ranges.high_ED.max(axis=0))
        if seen:
            return seen
    if _is_old(family, names):
        return "stretched"
    return "middle" if profile.calibration and all(name.endswith(family.suffix) for name in names) else None


def _said(profile: RobotProfile, name: str, family: Family | None, joint: str) -> str | None:
    """Returns what the owner says of a value. `*` in degrees or -100..100 leaves an SO gripper at 0 to 100, as LeRobot does."""
    if name in profile.units:
        return spelled(profile.units[name])[0]
    every = spelled(profile.units["*"])[0] if "*" in profile.units else None
    if family and joint.endswith(family.gripper) and every in (DEGREES, NORMALISED):
        return PERCENT if name.endswith(family.suffix) else every
    return every


def _seen(what: str, profile: RobotProfile) -> tuple[Convention, JointRanges | None]:
    ranges = {}
    for vector, column in _RECORDED.items():
        statistics, names = getattr(profile, f"{vector}_statistics"), getattr(profile, f"{vector}_names")
        if statistics and names:
            ranges[column] = JointRanges(names, np.array([statistics.min]), np.array([statistics.max]))
    column = _RECORDED[what]
    if column not in ranges:
        return Convention(), None
    return settled(ranges, profile.robot_type)[column], ranges[column]


def _family_units(
    family: Family, joints: Sequence[str], seen: Convention, ranges: JointRanges | None, *, old: bool
) -> tuple[str | None, ...]:
    """Returns the units that the ranges of a known arm show, None where they do not."""
    arm = {"degrees": DEGREES, "normalised": NORMALISED, "radians": RADIANS, "counts": "encoder counts"}
    unit = arm.get(seen.unit) if seen.is_sure else None
    if ranges is None:
        return (None,) * len(joints)
    low_D, high_D = ranges.low_ED.min(axis=0), ranges.high_ED.max(axis=0)
    return tuple(
        _gripper_unit(unit, float(low), float(high), old) if joint.endswith(family.gripper) else unit
        for joint, low, high in zip(joints, low_D, high_D, strict=True)
    )


def _gripper_unit(arm: str | None, low: float, high: float, old: bool) -> str | None:
    if arm not in (DEGREES, NORMALISED, None):
        return arm
    if old:
        return DEGREES
    if high <= 1.05 and low >= -0.05 and high - low >= 0.3:
        return "a fraction"
    return PERCENT if low >= -10 and high <= _FURTHEST[PERCENT] else "beyond 0 to 100"


def _clash(
    names: Sequence[str], said: Sequence[str | None], shown: Sequence[str | None], statistics: VectorStatistics | None
) -> str | None:
    """Returns where what the owner says contradicts what was recorded."""
    for place, (name, one, other) in enumerate(zip(names, said, shown, strict=True)):
        reach = max(abs(statistics.min[place]), abs(statistics.max[place])) if statistics else 0.0
        if one and other and one != other:
            return f"You say that {name} is {one}, and its recorded values are {other} (up to {reach:.4g})."
        if one and reach > _FURTHEST.get(one, np.inf):
            return f"You say that {name} is {one}, and its recorded values reach {reach:.4g}."
    return None


def _without_family(
    needed: Sequence[Joint], said: Sequence[str | None], statistics: VectorStatistics | None, places: Places
) -> Counting:
    """Returns the units of a robot that no table knows: as its owner says, or the pack's where another would show in the size."""
    units: list[str | None] = []
    for joint, place in zip(needed, places, strict=True):
        theirs = spelled(joint.unit)[0] if joint.unit else None
        is_same = statistics is not None and _is_same_scale(joint, statistics.min[place], statistics.max[place])
        if statistics is not None and said[place] == theirs and said[place] and not is_same:
            reach = max(abs(statistics.min[place]), abs(statistics.max[place]))
            clash = f"You say that {joint.name} is {theirs} as in the pack, and it reaches {reach:.4g} where the pack reaches {max(abs(joint.min), abs(joint.max)):.4g}."
            return Counting((None,) * len(needed), clash=clash)
        by_size = theirs if is_same and theirs not in _NEAR_RELATIVES else None
        units.append(said[place] or by_size)
    why = (
        "as you say"
        if any(said)
        else f"no value reaches {SAME_SCALE:g} times as far as in training or a {SAME_SCALE:g}th"
    )
    return Counting(tuple(units), None, why)


def _is_same_scale(joint: Joint, low: float, high: float) -> bool:
    own, theirs = max(abs(low), abs(high)), max(abs(joint.min), abs(joint.max))
    return own <= theirs * SAME_SCALE and theirs <= own * SAME_SCALE


def _is_old(family: Family, names: Sequence[str]) -> bool:
    return any(family.old_prefix in name for name in names)
