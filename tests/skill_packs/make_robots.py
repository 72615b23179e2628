"""Robots as their owners' files describe them, and packs that ask for robots: each a small change of an honest one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from data_contracts.robot_profile import MotorCalibration, RobotProfile
from data_contracts.skill_pack import CameraSlot, Joint, Requirements
from skill_packs.pack_needs import Distribution, PackNeeds
from skill_packs.robot_profile import profile_from_files

ARM = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
SO = tuple(f"{joint}.pos" for joint in ARM)
DEGREES, NORMALISED, PERCENT = (
    "degrees from the middle of the range",
    "-100 to 100 over the range",
    "0 closed to 100 open",
)
TO_RADIANS = np.pi / 180
Rows = Mapping[str, Sequence[float]]

TRAINED = {  # what the pack saw, in degrees: mean, std, min, max of each joint
    "mean": (0, -30, 20, 80, 0, 12), "std": (15, 20, 20, 10, 8, 6), "min": (-45, -85, -40, 55, -30, 0), "max": (45, 30, 70, 105, 30, 30),
}  # fmt: skip
RECORDED = {  # what an honest owner's arm recorded
    "mean": (3, -25, 15, 75, 2, 10), "std": (20, 25, 25, 12, 9, 8), "min": (-60, -95, -50, 30, -40, 1), "max": (55, 40, 80, 108, 45, 60),
}  # fmt: skip
TRAINED_NORMALISED = {
    "mean": (0, -60, 50, 40, 0, 12), "std": (15, 30, 30, 20, 8, 6), "min": (-45, -100, -40, -20, -30, 0), "max": (45, 30, 100, 90, 30, 30),
}  # fmt: skip
RECORDED_NORMALISED = {
    "mean": (2, -50, 40, 45, 3, 15), "std": (20, 30, 30, 20, 9, 8), "min": (-60, -100, -50, -30, -40, 1), "max": (55, 40, 100, 95, 45, 60),
}  # fmt: skip
SAWYER_STATE = {
    "mean": (0.0, 0.62, 0.2, 0.99), "std": (0.06, 0.05, 0.08, 0.01), "min": (-0.11, 0.52, 0.05, 0.95), "max": (0.12, 0.77, 0.42, 1.0),
}  # fmt: skip
SAWYER_ACTION = {"mean": (0, 0, 0, -1), "std": (0.3, 0.3, 0.4, 0), "min": (-1, -1, -1, -1), "max": (1, 0.5, 0.7, -1)}
TO_OLD_ZERO = (np.array([1, -1, 1, 1, 1, 1.0]), np.array([0, 90, 90, 0, 0, 0.0]))
"""Degrees from the middle to degrees from the arm stretched out (LeRobot's PR 777): old = scale * new + offset."""


def calibration(**changes: tuple[int, int]) -> dict[str, dict[str, int]]:
    """A sound calibration: every joint 2,800 of 4,095 steps around the middle, wrist_roll a whole turn."""
    ranges = dict.fromkeys(ARM, (648, 3448)) | {"wrist_roll": (0, 4095), "gripper": (1800, 3200)} | changes
    return {
        joint: {"id": number, "drive_mode": 0, "homing_offset": 100 * number, "range_min": low, "range_max": high}
        for number, (joint, (low, high)) in enumerate(ranges.items(), start=1)
    }


@dataclass(frozen=True)
class Files:
    """What an owner gives. `cameras` are name -> (height, width) or with channels; `roles` are role -> camera name."""

    robot_type: str | None = "so100_follower"
    names: tuple[str, ...] | None = SO
    action_names: tuple[str, ...] | None = None
    statistics: Rows | None = field(default_factory=lambda: RECORDED)
    action_statistics: Rows | None = None
    fps: float = 30
    version: str = "v3.0"
    cameras: Mapping[str, tuple[int, ...]] = field(
        default_factory=lambda: {"camera1": (480, 640), "camera2": (480, 640)}
    )
    roles: Mapping[str, str] = field(default_factory=lambda: {"front": "camera1", "wrist": "camera2"})
    units: Mapping[str, str] = field(default_factory=dict)
    calibration: Mapping[str, Any] | None = None

    def info(self) -> bytes:
        state, action = self._vector(self.names), self._vector(self.action_names or self.names)
        cameras = {
            f"observation.images.{name}": {
                "dtype": "video",
                "shape": [*size, 3][:3],
                "names": ["height", "width", "channels"],
            }
            for name, size in self.cameras.items()
        }
        features = {"observation.state": state, "action": action, **cameras}
        document = {
            "codebase_version": self.version,
            "robot_type": self.robot_type,
            "fps": self.fps,
            "features": features,
        }
        return json.dumps(document).encode()

    def _vector(self, names: tuple[str, ...] | None) -> dict[str, Any]:
        size = len(names) if names else len(next(iter(self.statistics.values()))) if self.statistics else 6
        return {"dtype": "float32", "shape": [size], "names": list(names) if names else None}

    def stats(self) -> bytes | None:
        if self.statistics is None:
            return None
        rows = {"observation.state": self.statistics, "action": self.action_statistics or self.statistics}
        return json.dumps(
            {
                key: {name: list(map(float, row)) for name, row in one.items()} | {"count": [500]}
                for key, one in rows.items()
            }
        ).encode()

    def profile(self) -> RobotProfile:
        return profile_from_files(
            self.info(),
            statistics=self.stats(),
            calibration=None if self.calibration is None else json.dumps(self.calibration).encode(),
            cameras=self.roles,
            units=self.units,
        )

    def with_(self, **changes: Any) -> Files:
        return replace(self, **changes)


def converted(rows: Rows, scale: Any = 1.0, offset: Any = 0.0) -> dict[str, list[float]]:
    """The rows in other units: new = scale * old + offset per value."""
    scale = np.broadcast_to(np.asarray(scale, float), len(rows["mean"]))
    low, high = np.asarray(rows["min"]) * scale + offset, np.asarray(rows["max"]) * scale + offset
    return {
        "mean": (np.asarray(rows["mean"]) * scale + offset).tolist(), "std": (np.asarray(rows["std"]) * abs(scale)).tolist(),
        "min": np.minimum(low, high).tolist(), "max": np.maximum(low, high).tolist(),
    }  # fmt: skip


def reordered(rows: Rows, order: Sequence[int]) -> dict[str, list[float]]:
    return {name: [row[place] for place in order] for name, row in rows.items()}


def changed(rows: Rows, place: int, **values: float) -> dict[str, list[float]]:
    """The rows with other numbers of one value."""
    return {name: [*row[:place], values.get(name, row[place]), *row[place + 1 :]] for name, row in rows.items()}


def joints(names: Sequence[str], units: Sequence[str | None], rows: Rows) -> tuple[Joint, ...]:
    return tuple(
        Joint(name=name, unit=unit, min=rows["min"][place], max=rows["max"][place])
        for place, (name, unit) in enumerate(zip(names, units, strict=True))
    )


def needs(
    names: Sequence[str] = SO,
    units: Sequence[str | None] = (*[DEGREES] * 5, PERCENT),
    rows: Rows = TRAINED,
    *,
    action: tuple[Sequence[str], Sequence[str | None], Rows] | None = None,
    robot_type: str = "so100",
    roles: Sequence[tuple[str, bool]] = (("front", True), ("wrist", True)),
    fps: float = 30,
    calibration: Mapping[str, Any] | None = None,
    num_parameters: int = 450_046_176,
) -> PackNeeds:
    names_A, units_A, rows_A = action or (names, units, rows)
    requirements = Requirements(
        robot_type=robot_type, state=joints(names, units, rows), action=joints(names_A, units_A, rows_A), fps=fps,
        cameras=tuple(
            CameraSlot(key=f"observation.images.camera{n}", role=role, height_px=480, width_px=640, is_required=is_required)
            for n, (role, is_required) in enumerate(roles, start=1)
        ),
        num_parameters=num_parameters, weights_bytes=2 * num_parameters, num_action_steps=50, lerobot_versions=">=0.4.0",
        calibration={motor: MotorCalibration(**entry) for motor, entry in (calibration or {}).items()},
    )  # fmt: skip
    state, acted = (
        Distribution(tuple(map(float, one["mean"])), tuple(map(float, one["std"]))) for one in (rows, rows_A)
    )
    return PackNeeds(requirements, state, acted, 50)


BOTH = tuple(f"{side}_{name}" for side in ("left", "right") for name in SO)
SAWYER_NAMES = (("x", "y", "z", "gripper"), ("delta_x", "delta_y", "delta_z", "gripper_effort"))
PACKS = {
    "degrees": needs(),
    "degrees, units not stated": needs(units=[None] * 6),
    "normalised": needs(units=(*[NORMALISED] * 5, PERCENT), rows=TRAINED_NORMALISED),
    "contradicts itself": needs(rows=TRAINED_NORMALISED),
    "calibrated": needs(calibration=calibration()),
    "calibrated, normalised": needs(units=(*[NORMALISED] * 5, PERCENT), rows=TRAINED_NORMALISED, calibration=calibration()),
    "wrist optional": needs(roles=(("front", True), ("wrist", False))),
    "top or front": needs(roles=(("top or front", True), ("wrist", True))),
    "two arms": needs(BOTH, [*[DEGREES] * 5, PERCENT] * 2, {name: (*row, *row) for name, row in TRAINED.items()}, robot_type="bi_so100_follower"),
    "numbered": needs([f"motor_{n}" for n in range(6)]),
    "sawyer": needs(
        SAWYER_NAMES[0], ("m", "m", "m", "fraction open"), SAWYER_STATE,
        action=(SAWYER_NAMES[1], ("cm", "cm", "cm", "-1 open to 1 closed"), SAWYER_ACTION), robot_type="sawyer", fps=80,
    ),
}  # fmt: skip
HONEST = Files()
HONEST_NORMALISED = Files(statistics=RECORDED_NORMALISED)
HONEST_SAWYER = Files(
    robot_type="sawyer", names=SAWYER_NAMES[0], action_names=SAWYER_NAMES[1], statistics=SAWYER_STATE, action_statistics=SAWYER_ACTION, fps=80,
)  # fmt: skip
