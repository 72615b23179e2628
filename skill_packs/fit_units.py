"""Whether the robot counts as the pack does: unit and zero of every value."""

from __future__ import annotations

from collections.abc import Sequence

from data_contracts.joint_conventions import family_of
from data_contracts.robot_profile import RobotProfile
from data_contracts.skill_pack import Joint
from skill_packs.fit_counting import DEGREES, NORMALISED, Counting, pack_counting, robot_counting
from skill_packs.fit_item import Item, listed
from skill_packs.fit_joints import Places, robot_family


def check_units(
    what: str, needed: Sequence[Joint], robot_type: str, profile: RobotProfile, places: Places | None
) -> tuple[Item, tuple[str | None, ...]]:
    """Returns whether unit and zero of a vector are the pack's, and the pack's units as far as they are the robot's too."""
    name = f"{what} units"
    nothing = (None,) * len(needed)
    if places is None:
        return Item(name, "unknown", "It is not clear which joint is which.", True), nothing
    pack, robot = pack_counting(needed, robot_type), robot_counting(what, needed, profile, places)
    if clash := pack.clash or robot.clash:
        return Item(name, "fails", clash, True), nothing
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
        reason = f"Nothing tells for sure what {listed(unknown)} of your robot is counted in ({robot.why}). Record an episode that moves every joint far, some to their ends."
        return Item(name, "unknown", reason, True), nothing
    if DEGREES in pack.units and family_of(tuple(j.name for j in needed), len(needed), None)[0]:
        if pack.zero is None or robot.zero is None:
            whose = "the pack's" if pack.zero is None else "your"
            hint = "" if pack.zero is None else " Give the calibration file, or record an episode that begins at rest."
            reason = f"The values do not show from where {whose} degrees count.{hint}"
            return Item(name, "unknown", reason, True), nothing
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
    choice = next((choice for unit, choice in ((DEGREES, "true"), (NORMALISED, "false")) if unit in pack.units), None)
    return f"--robot.use_degrees={choice}" if choice else None
