"""In which unit, and from which zero, the joints of a dataset count. Recognised from ranges and names, never from robot_type.

One robot type hides three conventions: degrees from the arm stretched out horizontally (before LeRobot's PR 777), -100 to 100
of each joint's range, and degrees from the middle of the range. Other stacks write radians, metres or raw encoder counts.
Pure functions over the extremes of each episode, for whoever judges recordings and whoever judges a robot. Families and their
limits are data: `robots.toml`. Converting is `curation.joint_conversion`; what a report says of it is
`curation.quality.convention`; whether a robot counts as a pack does is `skill_packs.fit_units`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np

Unit = Literal["degrees", "normalised", "radians", "counts", "metres", "unknown"]
Zero = Literal["stretched", "middle"]
"""stretched: the arm held out horizontally (before PR 777); middle: of each joint's range."""

SURE = 0.9
"""From this confidence on a convention is acted on."""
NORMALISED_LIMIT = 100.5
"""LeRobot clips normalised joints to -100..100; simulated ones overshoot by a fraction."""
TOUCHES_WITHIN = 1e-3
RADIANS_LIMIT = 6.5
RADIANS_TRAVEL = 0.3
COUNTS_FROM = 720.0
"""Twice round in degrees. A servo of 4096 steps stands near 2048 in the middle."""
FULLEST_DEGREES = 400.0
OLD_GRID_DEG, NEW_GRID_DEG = 45 / 512, 180 / 4095
"""What one step of a 4096-step encoder is worth: n / 2048 * 180 before PR 777, (n - middle) * 360 / 4095 after, where the middle
may be half a step (lerobot 0.3 `feetech.py`, 0.4 `motors_bus.py`)."""
LEAST_ENDS = 8
"""So many ends of values tell whether they are encoder steps."""
_JOINT_WORDS = re.compile(r"joint|motor|shoulder|elbow|wrist|servo|hip|knee|ankle", re.IGNORECASE)


@dataclass(frozen=True)
class Family:
    """Robots whose joints have one vocabulary. `limits_deg` from the middle; `old_zero` is (sign, offset in degrees)."""

    key: str
    title: str
    robot_types: tuple[str, ...]
    joints: tuple[str, ...]
    gripper: str
    suffix: str
    old_prefix: str
    limits_deg: dict[str, tuple[float, float]]
    old_zero: dict[str, tuple[float, float]]

    def is_of(self, robot_type: str | None) -> bool:
        """Returns True where the declared type names this family."""
        plain = re.sub(r"[-_ ]", "", (robot_type or "").lower())
        return any(known in plain for known in self.robot_types)


@dataclass(frozen=True)
class JointRanges:
    """How far the values of one vector reach in each of E episodes: names (D) or (), extremes (E, D)."""

    names: tuple[str, ...]
    low_ED: np.ndarray
    high_ED: np.ndarray


@dataclass(frozen=True)
class Convention:
    """What the values of a vector mean. `joints` are the family's own names without suffix (with `left_`, `right_` for two
    arms), () where no family is known; `reasons` say what speaks for it."""

    unit: Unit = "unknown"
    zero: Zero | None = None
    confidence: float = 0.0
    family: Family | None = None
    joints: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def is_sure(self) -> bool:
        return self.unit != "unknown" and self.confidence >= SURE


@cache
def families() -> tuple[Family, ...]:
    """Returns the families of robots.toml."""
    table = tomllib.loads(files("data_contracts").joinpath("robots.toml").read_text(encoding="utf-8"))
    return tuple(_family(key, entry) for key, entry in table.items())


def recognise(ranges: JointRanges, robot_type: str | None) -> Convention:
    """Returns the convention of a vector; unit "unknown" where nothing tells.

    `robot_type` decides whose joints they are where the names alone cannot (`motor_0`), and nothing else.
    """
    low_D, high_D = _reach(ranges)
    if not low_D.size:
        return Convention()
    family, joints = family_of(ranges.names, low_D.size, robot_type)
    if family is None:
        return _without_family(ranges.names, low_D, high_D)
    is_arm_D = np.array([not joint.endswith(family.gripper) for joint in joints])
    unit, confidence, reasons, zero = _unit(ranges, family, is_arm_D)
    if unit == "degrees":
        zero, sure, why = zero_of_degrees(family, joints, low_D, high_D, zero)
        confidence, reasons = min(confidence, sure), [*reasons, why]
    elif unit == "normalised":
        zero = "middle"
    return Convention(unit, zero, round(confidence, 2), family, joints, tuple(reasons))


def settled(columns: Mapping[str, JointRanges], robot_type: str | None) -> dict[str, Convention]:
    """Returns the convention of each vector (state, action): one in doubt follows another of the same joints that is sure,
    where both together look no different."""
    found = {key: recognise(ranges, robot_type) for key, ranges in columns.items()}
    for key, own in found.items():
        for other, known in list(found.items()):
            is_in_doubt = own.unit == "unknown" or (own.unit == known.unit and own.zero is None)
            if not (is_in_doubt and known.is_sure and own.joints == known.joints):
                continue
            both = recognise(_joined(columns[key], columns[other]), robot_type)
            if own.joints and (both.unit, both.zero) == (known.unit, known.zero):
                found[key] = replace(known, reasons=(*own.reasons, f"as {other}: {'; '.join(known.reasons)}"))
    return found


def odd_episodes(ranges: JointRanges, robot_type: str | None) -> list[int]:
    """Returns the places of episodes that count in another way than most; empty where all that tell agree.

    Only what a single episode can show is compared: the size of the unit (degrees, radians, counts) and the zero.
    """
    votes: dict[tuple[str, str | None], list[int]] = {}
    family, joints = family_of(ranges.names, ranges.low_ED.shape[1], robot_type)
    if family is None or not joints or not np.isfinite([ranges.low_ED, ranges.high_ED]).all():
        return []
    is_arm_D = np.array([not joint.endswith(family.gripper) for joint in joints])
    is_counts_E, is_radians_E = _are_counts(ranges, is_arm_D), _are_radians(ranges, is_arm_D)
    for place, (low_D, high_D) in enumerate(zip(ranges.low_ED, ranges.high_ED, strict=True)):
        size = "counts" if is_counts_E[place] else "radians" if is_radians_E[place] else "degrees"
        zero = zero_of_degrees(family, joints, low_D, high_D)[0] if size == "degrees" else None
        if size != "degrees" or zero:
            votes.setdefault((size, zero), []).append(place)
    if len(votes) < 2:
        return []
    most = max(votes.values(), key=len)
    return sorted(place for places in votes.values() if places is not most for place in places)


def _reach(ranges: JointRanges) -> tuple[np.ndarray, np.ndarray]:
    """Returns the lowest and highest value of each dimension over the episodes whose values are finite."""
    is_finite_E = np.isfinite(ranges.low_ED).all(axis=1) & np.isfinite(ranges.high_ED).all(axis=1)
    if not is_finite_E.any():
        return np.zeros(0), np.zeros(0)
    return ranges.low_ED[is_finite_E].min(axis=0), ranges.high_ED[is_finite_E].max(axis=0)


def _joined(a: JointRanges, b: JointRanges) -> JointRanges:
    return JointRanges(a.names, np.concatenate([a.low_ED, b.low_ED]), np.concatenate([a.high_ED, b.high_ED]))


@lru_cache(maxsize=1024)  # asked once per episode
def family_of(names: tuple[str, ...], size: int, robot_type: str | None) -> tuple[Family | None, tuple[str, ...]]:
    """Returns whose joints these are, by their names; by robot type and number where the names say nothing."""
    for family in families():
        joints = tuple(_joint(name, family) for name in names)
        sides = {joint.removesuffix(bare) for joint in joints for bare in family.joints if joint.endswith(bare)}
        if len(set(joints)) == size == len(names) == len(sides) * len(family.joints) and "" not in joints:
            return family, joints
        is_nameless = all(re.fullmatch(r"(motor|dim|joint)_?\d+", name) for name in names)
        if is_nameless and size == len(family.joints) and family.is_of(robot_type):
            return family, family.joints
    return None, ()


def _joint(name: str, family: Family) -> str:
    """Returns a name of the family's vocabulary, with the side of a second arm; "" for any other."""
    bare = name.removeprefix(family.old_prefix).removesuffix(family.suffix)
    side = next((side for side in ("left_", "right_") if bare.startswith(side)), "")
    joint = bare.removeprefix(side).removeprefix(family.old_prefix)
    return side + joint if joint in family.joints else ""


def _unit(ranges: JointRanges, family: Family, is_arm_D: np.ndarray) -> tuple[Unit, float, list[str], Zero | None]:
    """Returns the unit of an arm's joints, how sure, why, and the zero where the unit already tells it."""
    low_D, high_D = _reach(ranges)
    reach_D = np.maximum(np.abs(low_D), np.abs(high_D))
    arm, furthest = reach_D[is_arm_D], float(reach_D[is_arm_D].max())
    overall = JointRanges(ranges.names, low_D[None], high_D[None])
    if _are_counts(overall, is_arm_D).all():
        return "counts", 0.97, [f"whole numbers up to {furthest:g}"], None
    if furthest > FULLEST_DEGREES:
        return "unknown", 0.0, [f"values reach {furthest:.4g}, which no convention does"], None
    if _are_radians(overall, is_arm_D).all():
        return "radians", 0.95, [f"no value beyond {reach_D.max():.2f}, though the arm moves"], None
    extremes = np.concatenate([ranges.low_ED[:, is_arm_D].ravel(), ranges.high_ED[:, is_arm_D].ravel()])
    if _is_on_grid(extremes, OLD_GRID_DEG):
        return "degrees", 0.99, ["values are encoder steps of 360 / 4096 degrees"], "stretched"
    if _is_on_grid(extremes, NEW_GRID_DEG):
        return "degrees", 0.99, ["values are encoder steps of 360 / 4095 degrees from the middle"], "middle"
    num_touching = int(np.sum(np.abs(np.stack([-low_D, high_D])[:, is_arm_D] - 100) < TOUCHES_WITHIN))
    if furthest > NORMALISED_LIMIT:
        reasons = [f"{int((arm > NORMALISED_LIMIT).sum())} of {arm.size} joints leave -100..100 (up to {furthest:.1f})"]
        if num_touching > 1:
            return "unknown", 0.5, [*reasons, f"{num_touching} ends lie at exactly 100, as if clipped"], None
        return "degrees", 0.95, reasons, None
    if num_touching:
        return "normalised", 0.97 if num_touching > 1 else SURE, [f"{num_touching} ends of joints at exactly 100"], None
    if any(name.startswith(family.old_prefix) for name in ranges.names):
        return "degrees", 0.8, [f"names with {family.old_prefix!r} were given up before normalised joints came"], None
    return "unknown", 0.5, ["no joint leaves -100..100 nor touches its ends: degrees or normalised"], None


def _are_counts(ranges: JointRanges, is_arm_D: np.ndarray) -> np.ndarray:
    """Returns for each episode whether its joints are whole numbers beyond what degrees reach, (E,)."""
    ends_2ED = np.stack([ranges.low_ED, ranges.high_ED])
    is_whole_E = (ends_2ED == np.round(ends_2ED)).all(axis=(0, 2))
    return is_whole_E & (np.abs(ends_2ED[..., is_arm_D]).max(axis=(0, 2)) > COUNTS_FROM)


def _are_radians(ranges: JointRanges, is_arm_D: np.ndarray) -> np.ndarray:
    """Returns for each episode whether no value leaves what radians reach, though the arm moves, (E,)."""
    is_small_E = np.abs(np.stack([ranges.low_ED, ranges.high_ED])).max(axis=(0, 2)) <= RADIANS_LIMIT
    return is_small_E & ((ranges.high_ED - ranges.low_ED)[:, is_arm_D].max(axis=1) >= RADIANS_TRAVEL)


def zero_of_degrees(
    family: Family, joints: Sequence[str], low_D: np.ndarray, high_D: np.ndarray, by_grid: Zero | None = None
) -> tuple[Zero | None, float, str]:
    """Returns from where degrees count, None where it cannot be told, how sure, and why: the joints whose zero moved fit into
    their limits in one way and not the other."""
    fits: dict[Zero, list[bool]] = {"middle": [], "stretched": []}
    for joint, low, high in zip(joints, low_D, high_D, strict=True):
        bare = joint.removeprefix("left_").removeprefix("right_")
        if bare not in family.old_zero:
            continue
        sign, offset = family.old_zero[bare]
        lowest, highest = family.limits_deg[bare]
        new = sorted((sign * low + offset, sign * high + offset))
        fits["middle"].append(lowest <= low and high <= highest)
        fits["stretched"].append(lowest <= new[0] and new[1] <= highest)
    can_be = [zero for zero, fitting in fits.items() if all(fitting)]
    moved = " and ".join(family.old_zero)
    if not can_be:
        return None, 0.95, f"{moved} fit neither zero"
    if by_grid in can_be:
        return by_grid, 0.97, f"the grid is that of the {'older' if by_grid == 'stretched' else 'newer'} recorder"
    if len(can_be) > 1:
        return None, 0.95, f"{moved} fit either zero"
    return can_be[0], 0.95, f"{moved} fit their limits from the {_SPOKEN[can_be[0]]} only"


_SPOKEN = {"middle": "middle of the range", "stretched": "old zero (arm stretched out)"}


def _without_family(names: Sequence[str], low_D: np.ndarray, high_D: np.ndarray) -> Convention:
    """Returns what can be said of a robot that is not in robots.toml: little, and with less confidence."""
    reach_D = np.maximum(np.abs(low_D), np.abs(high_D))
    is_joint_D = np.array([bool(_JOINT_WORDS.search(name)) for name in names] if len(names) == low_D.size else [])
    if is_joint_D.any():
        reach, travel = reach_D[is_joint_D], (high_D - low_D)[is_joint_D].max()
        if reach.max() > COUNTS_FROM and _is_whole(low_D[is_joint_D]) and _is_whole(high_D[is_joint_D]):
            return Convention("counts", None, SURE, reasons=(f"whole numbers up to {reach.max():g}",))
        if reach.max() <= RADIANS_LIMIT and travel >= RADIANS_TRAVEL:
            return Convention("radians", None, 0.7, reasons=(f"no joint beyond {reach.max():.2f}",))
    axes = [place for place, name in enumerate(names) if name in ("x", "y", "z")] if len(names) == low_D.size else []
    if len(axes) == 3 and reach_D[axes].max() <= 5:
        return Convention("metres", None, 0.6, reasons=("named x, y and z, and within reach of an arm",))
    return Convention()


def _is_whole(values: np.ndarray) -> bool:
    return bool((values == np.round(values)).all())


def shows_encoder_steps(ranges: JointRanges) -> bool | None:
    """Returns whether the ends of values are steps of a 4096-step encoder in degrees; None where too few of them can tell."""
    ends = np.concatenate([ranges.low_ED.ravel(), ranges.high_ED.ravel()])
    if _off_zero(ends).size < LEAST_ENDS:
        return None
    return _is_on_grid(ends, OLD_GRID_DEG) or _is_on_grid(ends, NEW_GRID_DEG)


def _is_on_grid(values: np.ndarray, step: float) -> bool:
    """Returns True where the values, those near 0 apart, are multiples of `step`. Chance finds 1 in 100 values there."""
    values = _off_zero(values)
    if values.size < LEAST_ENDS:
        return False
    off = np.abs(values / step - np.round(values / step))
    return bool((off < 0.005).mean() >= 0.9)


def _off_zero(values: np.ndarray) -> np.ndarray:
    return np.unique(values[np.isfinite(values) & (np.abs(values) > 2.0)])


def _family(key: str, entry: dict[str, Any]) -> Family:
    return Family(
        key=key,
        title=entry["title"],
        robot_types=tuple(entry["robot_types"]),
        joints=tuple(entry["joints"]),
        gripper=entry["gripper"],
        suffix=entry["suffix"],
        old_prefix=entry["old_prefix"],
        limits_deg={joint: tuple(limits) for joint, limits in entry["limits_deg"].items()},
        old_zero={joint: (rule["sign"], rule["offset_deg"]) for joint, rule in entry["old_zero"].items()},
    )
