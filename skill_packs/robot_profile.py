"""A `RobotProfile` from the files that an owner has already: info.json and statistics of a recording, a calibration file.

The files are strangers': each has a largest size, only the few entries that matter are read, and whatever is wrong with them
is a ProfileError that names the file and the entry. Comparing a profile with a pack is `skill_packs.fit`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from data_contracts.errors import DatasetUnreadable, ProfileError, did_you_mean
from data_contracts.lerobot.info import DatasetInfo, parse_info
from data_contracts.lerobot.json_files import clean_text
from data_contracts.robot_profile import MAX_CAMERAS, MAX_VALUES, MotorCalibration, RobotProfile
from skill_packs.owner_files import Source, json_object, read_bounded
from skill_packs.recorded_statistics import read_recorded_statistics

if TYPE_CHECKING:
    from data_contracts.lerobot.features import Feature

MAX_INFO_BYTES = 512 * 2**10
MAX_CALIBRATION_BYTES = 64 * 2**10
MAX_PROFILE_BYTES = 2**20


def profile_from_files(
    info: Source,
    *,
    statistics: Source | None = None,
    calibration: Source | None = None,
    cameras: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> RobotProfile:
    """Returns the profile of the robot that made a recording.

    Args:
        info: meta/info.json of any dataset that the robot recorded.
        statistics: meta/stats.json, or meta/episodes_stats.jsonl of v2.1, of the same dataset.
        calibration: the robot's calibration file (huggingface/lerobot/calibration/robots/<type>/<id>.json in the cache).
        cameras: role -> camera, by its name (`laptop`) or feature key (`observation.images.laptop`).
        units: joint name -> unit; `*` stands for every joint that is not named.

    Raises:
        ProfileError: a file is too large, not JSON, of another shape than LeRobot writes, or holds numbers that no data have;
            a role or camera that is not known.
    """
    found = _read_info(info)
    state, action = found.features.get("observation.state"), found.features.get("action")
    numbers = read_recorded_statistics(statistics) if statistics is not None else {}
    return _validated(
        "The profile",
        {
            "robot_type": found.robot_type,
            "fps": found.fps,
            "dataset_format": found.version,
            "state_size": _size(state),
            "action_size": _size(action),
            "state_names": (state and state.names) or (),
            "action_names": (action and action.names) or (),
            "cameras": _cameras(found, dict(cameras or {})),
            "units": dict(units or {}),
            "state_statistics": numbers.get("observation.state"),
            "action_statistics": numbers.get("action"),
            "calibration": {} if calibration is None else _read_calibration(calibration),
        },
    )


def read_profile(source: Source) -> RobotProfile:
    """Returns the profile in a file that `deftworks robot profile` wrote. Raises ProfileError."""
    return _validated("The profile", json_object(source, MAX_PROFILE_BYTES, "The profile"))


def with_roles(profile: RobotProfile, roles: Mapping[str, str]) -> RobotProfile:
    """Returns the profile with what its cameras show said anew: role -> camera, as in `profile_from_files`. Raises ProfileError."""
    role_of = _role_of([camera.key for camera in profile.cameras], roles)
    cameras = [camera.to_json() | {"role": role_of.get(camera.key)} for camera in profile.cameras]
    return _validated("The profile", profile.to_json() | {"cameras": cameras})


def _validated(name: str, content: Mapping[str, Any]) -> RobotProfile:
    try:
        return RobotProfile.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part)[:60] for part in first["loc"])
        raise ProfileError(
            clean_text(f"{name} cannot be used: {where + ': ' if where else ''}{first['msg'][:300]}."),
            hint="Make it again from meta/info.json of a recording.",
        ) from error


def _read_info(source: Source) -> DatasetInfo:
    content = read_bounded(source, MAX_INFO_BYTES, "meta/info.json")
    try:
        return parse_info(content, "meta/info.json")
    except DatasetUnreadable as error:
        raise ProfileError(error.message, hint="Give meta/info.json of a dataset that this robot recorded.") from error


def _size(feature: Feature | None) -> int:
    if feature is None:
        return 0
    size = feature.shape[-1] if feature.shape else 1
    if size > MAX_VALUES or feature.is_visual:
        raise ProfileError(
            f"{feature.key} of meta/info.json has {size} values ({feature.dtype}); no robot that is known has more than {MAX_VALUES}.",
            hint="Give meta/info.json of a dataset that this robot recorded.",
        )
    return size


def _cameras(info: DatasetInfo, roles: Mapping[str, str]) -> list[dict[str, Any]]:
    keys = [key for key, feature in info.features.items() if feature.is_visual]
    if len(keys) > MAX_CAMERAS:
        raise ProfileError(f"meta/info.json declares {len(keys)} cameras.", hint=f"At most {MAX_CAMERAS} are read.")
    role_of = _role_of(keys, roles)
    return [{"key": key, **_picture(info.features[key]), "role": role_of.get(key)} for key in keys]


def _role_of(keys: list[str], roles: Mapping[str, str]) -> dict[str, str]:
    """Returns the role by camera key."""
    role_of: dict[str, str] = {}
    for role, camera in roles.items():
        key = _camera_key(camera, keys)
        if key in role_of:
            raise ProfileError(
                f"{key} is said to be both {role_of[key]} and {role}.", hint="A camera has one role: say which."
            )
        role_of[key] = role
    return role_of


def _camera_key(camera: str, keys: list[str]) -> str:
    matches = [key for key in keys if camera == key or key.endswith(f".{camera}")]
    if len(matches) != 1:
        what = "are several cameras" if matches else "is no camera"
        known = [key.removeprefix("observation.images.") for key in keys]
        raise ProfileError(
            f"{clean_text(camera)[:120]!r} {what} of the recording.",
            hint=did_you_mean(camera[:120], known) if not matches else f"Write one of {', '.join(matches)}.",
        )
    return matches[0]


def _picture(feature: Feature) -> dict[str, int | None]:
    height, width, channels = feature.shape if len(feature.shape) == 3 else (None, None, None)
    return {"height_px": height or None, "width_px": width or None, "channels": channels or 3}


def _read_calibration(source: Source) -> dict[str, Any]:
    raw = json_object(source, MAX_CALIBRATION_BYTES, "The calibration")
    hint = "Give the JSON file that lerobot-calibrate wrote for this robot."
    if not raw or len(raw) > MAX_VALUES:
        raise ProfileError(f"The calibration names {len(raw)} motors.", hint=hint)
    for motor, entry in raw.items():
        try:
            MotorCalibration.model_validate(entry)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part)[:60] for part in (motor, *first["loc"]))
            raise ProfileError(
                clean_text(f"The calibration has no usable {where}: {first['msg']}."), hint=hint
            ) from error
    return raw
