"""What an owner can say of a robot without connecting it: `RobotProfile`, the other side of a pack's `Requirements`.

It is made from files that the owner has already (`skill_packs.robot_profile`), kept by the shop, and compared with a pack by
`skill_packs.fit`. Everything in it may come from a stranger, so every size and number is bounded here.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from data_contracts.catalogue import CAMERA_ROLES
from data_contracts.manifests import Manifest

MAX_VALUES = 128
"""Values of a vector. The largest humanoid recordings have about 60."""
MAX_CAMERAS = 32


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable: no line breaks and no control characters")
    return text


def _known_role(role: str) -> str:
    if role not in CAMERA_ROLES:
        raise ValueError(f"must be one of {', '.join(CAMERA_ROLES)}")
    return role


Name = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_printable)]
Real = Annotated[float, Field(allow_inf_nan=False)]
Reals = Annotated[tuple[Real, ...], Field(max_length=MAX_VALUES)]
Role = Annotated[str, AfterValidator(_known_role)]


class MotorCalibration(Manifest):
    """One motor of a LeRobot calibration file, in steps of its encoder (lerobot 0.4 `motors/motors_bus.py`).

    In degrees a joint counts from the middle of `range_min` and `range_max`; in -100..100 these two are the ends.
    """

    id: int = Field(ge=0, le=255)
    drive_mode: int = Field(ge=0, le=1, description="1: the joint counts backwards.")
    homing_offset: int = Field(ge=-(2**24), le=2**24)
    range_min: int = Field(ge=-(2**24), le=2**24)
    range_max: int = Field(ge=-(2**24), le=2**24)


class VectorStatistics(Manifest):
    """How the values of state or action are distributed over the recordings, one entry per value, in the robot's order."""

    mean: Reals
    std: Reals
    min: Reals
    max: Reals

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if len({len(self.mean), len(self.std), len(self.min), len(self.max)}) != 1:
            raise ValueError("mean, std, min and max must have the same length")
        for place, (mean, std, low, high) in enumerate(zip(self.mean, self.std, self.min, self.max, strict=True)):
            slack = 1e-3 * (high - low) + 1e-5 * max(abs(low), abs(high)) + 1e-9
            if not (low - slack <= mean <= high + slack and 0 <= std <= high - low + slack):
                raise ValueError(
                    f"value {place} has mean {mean:g} and std {std:g}, which no data between {low:g} and {high:g} have"
                )
        return self


class ProfileCamera(Manifest):
    """A camera of the robot. `role` is what its owner says that it sees; a name says nothing."""

    key: Name
    height_px: int | None = Field(ge=1, le=100_000)
    width_px: int | None = Field(ge=1, le=100_000)
    channels: int = Field(default=3, ge=1, le=1_000, description="3 are colours; depth has 1.")
    role: Role | None = None


class RobotProfile(Manifest):
    """A robot as its owner's files describe it. `units` holds what the owner says: a unit by joint name, `*` for all others."""

    schema_version: Literal[1] = 1
    robot_type: Name | None
    fps: float = Field(gt=0, le=100_000)
    dataset_format: Name = Field(description="codebase_version of the recording: v2.0, v2.1 or v3.0.")
    state_size: int = Field(ge=0, le=MAX_VALUES)
    action_size: int = Field(ge=0, le=MAX_VALUES)
    state_names: tuple[Name, ...] = Field(max_length=MAX_VALUES, description="Empty where the recording names none.")
    action_names: tuple[Name, ...] = Field(max_length=MAX_VALUES)
    cameras: tuple[ProfileCamera, ...] = Field(max_length=MAX_CAMERAS)
    units: dict[Name, Name] = Field(default={}, max_length=MAX_VALUES)
    state_statistics: VectorStatistics | None = None
    action_statistics: VectorStatistics | None = None
    calibration: dict[Name, MotorCalibration] = Field(default={}, max_length=MAX_VALUES)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        for what in ("state", "action"):
            size = getattr(self, f"{what}_size")
            names, statistics = getattr(self, f"{what}_names"), getattr(self, f"{what}_statistics")
            if names and len(names) != size:
                raise ValueError(f"{what} has {size} values and {len(names)} names")
            if statistics and len(statistics.mean) != size:
                raise ValueError(f"{what} has {size} values and statistics of {len(statistics.mean)}")
        keys = [camera.key for camera in self.cameras]
        if len(set(keys)) != len(keys):
            raise ValueError("two cameras have the same key")
        return self
