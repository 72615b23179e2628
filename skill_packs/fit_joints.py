"""Whether it is the same arm, and whether its values stand for the same joints in the same order.

Names decide, never the robot type alone: a Koch arm has the names of an SO-100, and `motor_0` is no name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from data_contracts.joint_conventions import Family, families, family_of
from data_contracts.robot_profile import RobotProfile
from data_contracts.skill_pack import Joint, Requirements
from skill_packs.fit_item import Item, listed

Places = tuple[int, ...]
"""For each value of the pack, its place in the robot's vector."""
_NUMBERED = re.compile(r"[a-z]*[-_ .]?\d+([-_ .](pos|vel))?", re.IGNORECASE)
_SAYS_NOTHING = ("", "unknown", "none", "robot")


def check_robot(needs: Requirements, profile: RobotProfile) -> Item:
    """Returns whether the robot is of the pack's type, or of the same family of arms."""
    wanted, found = needs.robot_type, profile.robot_type
    if found is None or found.strip().lower() in _SAYS_NOTHING:
        return Item(
            "robot", "unknown", f"The pack drives {wanted}, and the recording does not say which robot made it.", True
        )
    family = robot_family(wanted)
    if _plain(found) == _plain(wanted):
        return Item("robot", "ok", f"The pack drives {wanted}, and your robot is {found}.", True)
    if family and robot_family(found) is family and _num_arms(found) == _num_arms(wanted):
        return Item("robot", "ok", f"{found} and {wanted} are of one family: {family.title}.", True)
    return Item("robot", "fails", f"The pack drives {wanted}, your robot is {found}.", True)


def robot_family(robot_type: str | None) -> Family | None:
    """Returns the family that a declared type names."""
    return next((family for family in families() if family.is_of(robot_type)), None)


def check_joints(what: str, needed: Sequence[Joint], profile: RobotProfile) -> tuple[Item, Places | None]:
    """Returns whether the values of a vector (`state`, `action`) are the pack's, and which is which where that is clear."""
    name = f"{what} joints"
    wanted = tuple(joint.name for joint in needed)
    names: tuple[str, ...] = getattr(profile, f"{what}_names")
    size: int = getattr(profile, f"{what}_size")
    if size != len(wanted):
        return Item(name, "fails", _counts(wanted, names, size), True), None
    doubt = _doubt("recording", names) or _doubt("pack", wanted)
    if doubt:
        return Item(name, "unknown", doubt, True), None
    if names == wanted:
        return Item(name, "ok", f"The same {size} in the same order: {listed(wanted)}.", True), tuple(range(size))
    joints, own = _comparable(wanted, names)
    if set(joints) != set(own):
        missing, extra = sorted(set(joints) - set(own)), sorted(set(own) - set(joints))
        reason = f"The pack needs {listed(missing)}, which your robot has not; it has {listed(extra)} instead."
        return Item(name, "fails", reason, True), None
    places = tuple(own.index(joint) for joint in joints)
    return Item(name, "mapped", _correspondence(wanted, names, places), True), places


def _plain(robot_type: str) -> str:
    return re.sub(r"[-_ ]|follower|robot|arm", "", robot_type.lower())


def _num_arms(robot_type: str) -> int:
    return 2 if re.match(r"bi|dual|two", robot_type.lower()) else 1


def _counts(wanted: Sequence[str], names: Sequence[str], size: int) -> str:
    reason = f"The pack has {len(wanted)} values, your robot {size}."
    if not names:
        return reason
    missing = [name for name in wanted if name not in names]
    extra = [name for name in names if name not in wanted]
    more = f" Only the pack has {listed(missing)}." if missing else ""
    return reason + more + (f" Only your robot has {listed(extra)}." if extra else "")


def _doubt(whose: str, names: Sequence[str]) -> str | None:
    if not names:
        return f"The {whose} does not name the joints, and their number says nothing of their order."
    if all(_NUMBERED.fullmatch(name) for name in names):
        return f"The {whose} numbers the joints ({listed(names)}), which says nothing of which is which."
    repeated = sorted({name for name in names if names.count(name) > 1})
    return f"The {whose} has more than one {listed(repeated)}." if repeated else None


def _comparable(wanted: tuple[str, ...], names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns both as their family spells them; as they are where one family does not have them all."""
    family, joints = family_of(wanted, len(wanted), None)
    other, own = family_of(names, len(names), None)
    return (joints, own) if family and family is other else (wanted, names)


def _correspondence(wanted: Sequence[str], names: Sequence[str], places: Places) -> str:
    pairs = [
        f"{name} is your {names[place]}" for name, place in zip(wanted, places, strict=True) if name != names[place]
    ]
    renamed = f"Other names: {listed(pairs)}. " if pairs else ""
    if places == tuple(range(len(places))):
        return f"{renamed}The order is the same."
    return (
        f"{renamed}Another order: the pack's values 0 to {len(places) - 1} are your values {', '.join(map(str, places))}. "
        "LeRobot has no option for that: what drives the arm must reorder state and action."
    )
