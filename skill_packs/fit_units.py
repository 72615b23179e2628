"""Whether the robot counts as the pack does: unit and zero of every value.

What the pack's unit is, its manifest says, otherwise its ranges. What the robot's is, its owner says or its recorded ranges
show, and the two must not contradict each other; where neither tells, it is unknown. Nothing is taken from a robot type.
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
)
from data_contracts.robot_profile import RobotProfile, VectorStatistics
from data_contracts.skill_pack import Joint
from skill_packs.fit_item import Item, listed
from skill_packs.fit_joints import Places, robot_family

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


def check_units(
    what: str, needed: Sequence[Joint], robot_type: str, profile: RobotProfile, places: Places | None
) -> tuple[Item, tuple[str | None, ...]]:
    """Returns whether unit and zero of a vector are the pack's, and the pack's units as far as they are the robot's too."""
    name = f"{what} units"
    nothing = (None,) * len(needed)
    if places is None:
        return Item(name, "unknown", "It is not clear which joint is which.", True), nothing
    pack, robot = pack_counting(needed, robot_type), robot_counting(what, needed, profile, places)
    if robot.clash:
        return Item(name, "fails", robot.clash, True), nothing
    pairs = list(zip(needed, pack.units, robot.units, strict=True))
    if wrong := [
        f"{joint.name} is {theirs} in the pack and {own} on your robot"
        for joint, theirs, own in pairs
        if theirs and own and theirs != own
    ]:
        setting = _setting(pack) if robot_family(profile.robot_type) else None
        remedy = f" Record an episode with {setting} and check again." if setting else ""
        return Item(name, "fails", f"{listed(wrong)} ({robot.why}).{remedy}", True), nothing
    if silent := [joint.name for joint, theirs, _ in pairs if theirs is None]:
        return Item(name, "unknown", f"Nothing says what the pack's {listed(silent)} is counted in.", True), nothing
    if unknown := [joint.name for joint, _, own in pairs if own is None]:
        reason = f"Nothing tells what {listed(unknown)} of your robot is counted in. {robot.why} Say the unit, or record a wider movement."
        return Item(name, "unknown", reason.replace("  ", " "), True), nothing
    if DEGREES in pack.units and family_of(tuple(j.name for j in needed), len(needed), None)[0]:
        if pack.zero is None or robot.zero is None:
            whose = "the pack's" if pack.zero is None else "your"
            return Item(name, "unknown", f"It is not known from where {whose} degrees count.", True), nothing
        if pack.zero != robot.zero:
            reason = (
                f"Degrees count from {_SPOKEN[pack.zero]} in the pack and from {_SPOKEN[robot.zero]} on your robot."
            )
            return Item(name, "fails", f"{reason} Calibrate with LeRobot 0.4 or newer.", True), nothing
    verdict = "ok" if getattr(profile, f"{what}_statistics") else "warning"
    seen = "" if verdict == "ok" else " No recorded values confirm it."
    zero = f" from {_SPOKEN[pack.zero]}" if pack.zero else ""
    units = [f"{unit}{zero}" if unit == DEGREES else unit for unit in dict.fromkeys(pack.units) if unit]
    setting = _setting(pack) if robot_family(profile.robot_type) else None
    keep = f" Drive it so, with {setting}." if setting else ""
    return Item(name, verdict, f"{', '.join(units)}: {robot.why}.{seen}{keep}", True), pack.units


_SPOKEN = {"middle": "the middle of each joint's range", "stretched": "the arm stretched out (before LeRobot's PR 777)"}


def _setting(pack: Counting) -> str | None:
    """Returns LeRobot's option by which an SO arm counts as the pack does."""
    choice = {DEGREES: "true", NORMALISED: "false"}.get(pack.units[0] or "")
    return f"--robot.use_degrees={choice}" if choice else None


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
        shown = _family_units(family, joints, seen, ranges, old=_is_old(family, names))
        units = tuple(unit or other for unit, other in zip(units, shown, strict=True))
        zero = zero or _zero_by_names(family, names)
    return Counting(tuple(units), zero)


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
    units = tuple(one or other for one, other in zip(said, shown, strict=True))
    zero = convention.zero if convention.is_sure else None
    why = "; ".join(convention.reasons) if statistics else "no statistics of the recording were given"
    if any(said):
        why = f"as you say ({why})"
    return Counting(tuple(units[p] for p in places), zero or _zero_by_names(family, names), why, clash)


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


def _zero_by_names(family: Family, names: Sequence[str]) -> Zero | None:
    """`.pos` came with the new zero, and `main_` went with the old one (LeRobot's PR 777)."""
    if _is_old(family, names):
        return "stretched"
    return "middle" if all(name.endswith(family.suffix) for name in names) else None
