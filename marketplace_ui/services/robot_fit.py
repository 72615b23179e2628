"""Whether a pack fits the robot of whoever asks, from files that they upload. Everything in them is a stranger's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import ProfileError

if TYPE_CHECKING:
    from data_contracts.robot_profile import RobotProfile
    from skill_packs.fit import Fit

UNITS = ("As the recording shows", "degrees", "-100 to 100", "radians", "m")
GIB = 2**30


@dataclass(frozen=True)
class Files:
    """What was uploaded. `first` is info.json of a recording, or a profile that `deftworks robot profile` wrote."""

    first: bytes
    statistics: bytes | None = None
    calibration: bytes | None = None


@dataclass(frozen=True)
class Computer:
    """What the owner says of the computer beside the robot."""

    memory_gib: float | None = None
    lerobot_version: str | None = None


def profile_of(files: Files, roles: Mapping[str, str], unit: str = UNITS[0]) -> RobotProfile:
    """Returns the profile of the robot.

    Args:
        roles: role -> camera key, as far as the owner said what a camera shows.
        unit: of every joint, from UNITS.

    Raises:
        ProfileError: a file is too large, none of its kind, or says what cannot be.
    """
    from skill_packs.robot_profile import profile_from_files, read_profile

    if b'"codebase_version"' not in files.first and b'"dataset_format"' in files.first:
        return read_profile(files.first)
    units = {} if unit == UNITS[0] else {"*": unit}
    return profile_from_files(
        files.first, statistics=files.statistics, calibration=files.calibration, cameras=roles, units=units
    )


def fit_of(pack: Path, profile: RobotProfile, computer: Computer) -> Fit:
    """Returns the check's answer for a pack that lies in a folder of this shop. Raises PackError, ProfileError."""
    from skill_packs.fit import Machine, check_fit
    from skill_packs.pack_needs import read_pack_needs

    memory = None if computer.memory_gib is None else int(computer.memory_gib * GIB)
    machine = Machine(memory_bytes=memory, lerobot_version=_checked_version(computer.lerobot_version))
    return check_fit(read_pack_needs(pack), profile, machine)


def _checked_version(text: str | None) -> str | None:
    from packaging.version import InvalidVersion, Version

    if not (text := (text or "").strip()):
        return None
    try:
        return str(Version(text))
    except InvalidVersion:
        raise ProfileError(f"{text[:40]!r} is no release of LeRobot.", hint="It is written like 0.4.4.") from None
