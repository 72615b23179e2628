"""Whether a LeRobot calibration is sound, and how far from the pack's the same value puts a joint.

A homing offset alone says nothing: it depends on how the horn was mounted. What moves a joint is the range, whose middle (in
degrees) or ends (in -100..100) every value counts from.
"""

from __future__ import annotations

from collections.abc import Mapping

from data_contracts.joint_conventions import family_of
from data_contracts.robot_profile import MotorCalibration, RobotProfile
from data_contracts.skill_pack import Requirements
from skill_packs.fit_counting import DEGREES, spelled
from skill_packs.fit_item import Item, listed
from skill_packs.fit_joints import robot_family

STEPS_PER_TURN = 4095
"""Of the servos of an SO arm; degrees are steps * 360 / 4095 (lerobot 0.4 `motors_bus.py`)."""
LEAST_RANGE_STEPS = 200
"""18 degrees: a joint that was not moved through its range while it was calibrated."""
DRIFT_DEG, BROKEN_DEG = 5.0, 15.0
"""17 degrees put the gripper of an SO arm about 6 cm aside (huggingface/lerobot#3758)."""


def check_calibration(needs: Requirements, profile: RobotProfile) -> Item:
    """Returns whether the calibration is sound and agrees with the pack's, motor by motor."""
    name = "calibration"
    own = profile.calibration
    if not own:
        return Item(name, "unknown", "No calibration file was given.")
    if faults := [*_missing(profile), *_faults(own, is_so=robot_family(profile.robot_type) is not None)]:
        return Item(name, "fails", f"{listed(faults)}. Run lerobot-calibrate again.")
    if not needs.calibration:
        return Item(
            name,
            "unknown",
            f"All {len(own)} motors are sound; nobody published the calibration of the robots that taught the pack.",
        )
    shared = sorted(set(own) & set(needs.calibration))
    if missing := sorted(set(needs.calibration) - set(own)):
        return Item(name, "fails", f"It lacks {listed(missing)}, which the pack's calibration has.")
    if turned := [motor for motor in shared if own[motor].drive_mode != needs.calibration[motor].drive_mode]:
        return Item(name, "fails", f"{listed(turned)} count the other way round than in training (drive_mode).")
    is_degrees = any(spelled(joint.unit)[0] == DEGREES for joint in needs.action if joint.unit)
    apart = sorted(((_apart_deg(own[m], needs.calibration[m], is_degrees), m) for m in shared), reverse=True)
    far = [f"{motor} {degrees:.1f} degrees" for degrees, motor in apart if degrees > DRIFT_DEG]
    if apart[0][0] > BROKEN_DEG:
        return Item(
            name,
            "fails",
            f"The same value puts a joint elsewhere than in training: {listed(far)} (most: {BROKEN_DEG:g}).",
        )
    if far:
        return Item(name, "warning", f"The same value puts a joint a little elsewhere than in training: {listed(far)}.")
    return Item(
        name, "ok", f"The same value puts every joint within {apart[0][0]:.1f} degrees of training ({apart[0][1]})."
    )


def reach_deg(profile: RobotProfile, joint: str) -> float | None:
    """Returns how far a joint goes to either side of its middle by the calibration; None where that says nothing of it."""
    motor = profile.calibration.get(joint.removesuffix(".pos"))
    if motor is None or robot_family(profile.robot_type) is None:
        return None
    return (motor.range_max - motor.range_min) / 2 * 360 / STEPS_PER_TURN


def _missing(profile: RobotProfile) -> list[str]:
    """Returns joints of a known arm that the file does not calibrate."""
    family, _ = family_of(profile.action_names, len(profile.action_names), None)
    if family is None:
        return []
    motors = {name.removesuffix(family.suffix).removeprefix(family.old_prefix) for name in profile.action_names}
    missing = sorted(motors - set(profile.calibration))
    return [f"it has no {listed(missing)}"] if missing else []


def _faults(calibration: Mapping[str, MotorCalibration], *, is_so: bool) -> list[str]:
    faults = []
    ids = [motor.id for motor in calibration.values()]
    if len(set(ids)) != len(ids):
        faults.append("two motors have the same id")
    for name, motor in calibration.items():
        span = motor.range_max - motor.range_min
        if span <= 0:
            faults.append(f"{name} has a range from {motor.range_min} to {motor.range_max}")
        elif is_so and (motor.range_min < 0 or motor.range_max > STEPS_PER_TURN):
            faults.append(
                f"{name} ranges from {motor.range_min} to {motor.range_max}, beyond one turn (0 to {STEPS_PER_TURN})"
            )
        elif is_so and span < LEAST_RANGE_STEPS:
            faults.append(f"{name} moves only {span} steps ({span * 360 / STEPS_PER_TURN:.0f} degrees)")
        elif is_so and motor.drive_mode != 0:
            faults.append(f"{name} counts backwards (drive_mode {motor.drive_mode}), which no SO arm is calibrated to")
    return faults


def _apart_deg(own: MotorCalibration, theirs: MotorCalibration, is_degrees: bool) -> float:
    """Returns by how many degrees one value puts the joint elsewhere: everywhere alike in degrees, most at an end otherwise."""
    low, high = own.range_min - theirs.range_min, own.range_max - theirs.range_max
    steps = abs(low + high) / 2 if is_degrees else max(abs(low), abs(high))
    return steps * 360 / STEPS_PER_TURN
