"""A `RobotProfile` from the files that an owner has already: info.json and statistics of a recording, a calibration file.

The files are strangers': each has a largest size, only the few entries that matter are read, and whatever is wrong with them
is a ProfileError that names the file and the entry. Comparing a profile with a pack is `skill_packs.fit`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from data_contracts.errors import DatasetUnreadable, ProfileError, did_you_mean
from data_contracts.lerobot.info import DatasetInfo, parse_info
from data_contracts.lerobot.json_files import brief, clean_text, parsed_json
from data_contracts.robot_profile import MAX_CAMERAS, MAX_VALUES, MotorCalibration, ProfileCamera, RobotProfile

if TYPE_CHECKING:
    from data_contracts.lerobot.features import Feature

Source = Path | bytes
"""A file, or what somebody uploaded."""

MAX_INFO_BYTES = 512 * 2**10
MAX_STATISTICS_BYTES = 8 * 2**20
"""episodes_stats.jsonl of about 2,500 episodes; the worst file of this size takes 2 s and 300 MB."""
MAX_CALIBRATION_BYTES = 64 * 2**10
MAX_PROFILE_BYTES = 2**20
LARGEST = 1e100
"""Squares of larger numbers could be infinite."""
_NUMBERS = ("mean", "std", "min", "max")


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
    numbers = _read_statistics(statistics) if statistics is not None else {}
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
    return _validated("The profile", _object(source, MAX_PROFILE_BYTES, "The profile"))


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
    content = _content(source, MAX_INFO_BYTES, "meta/info.json")
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


def _cameras(info: DatasetInfo, roles: Mapping[str, str]) -> list[ProfileCamera | dict[str, Any]]:
    keys = [key for key, feature in info.features.items() if feature.is_visual]
    if len(keys) > MAX_CAMERAS:
        raise ProfileError(f"meta/info.json declares {len(keys)} cameras.", hint=f"At most {MAX_CAMERAS} are read.")
    role_of: dict[str, str] = {}
    for role, camera in roles.items():
        key = _camera_key(camera, keys)
        if key in role_of:
            raise ProfileError(
                f"{key} is said to be both {role_of[key]} and {role}.", hint="A camera has one role: say which."
            )
        role_of[key] = role
    return [{"key": key, **_picture(info.features[key]), "role": role_of.get(key)} for key in keys]


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
    raw = _object(source, MAX_CALIBRATION_BYTES, "The calibration")
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


def _read_statistics(source: Source) -> dict[str, dict[str, list[float]]]:
    """Returns mean, std, min and max of state and action, as far as they are there."""
    import numpy as np

    from data_contracts.lerobot.statistics import joined_statistics

    content = _content(source, MAX_STATISTICS_BYTES, "The statistics")
    parts: dict[str, list[dict[str, np.ndarray]]] = {"observation.state": [], "action": []}
    for number, entry in enumerate(_statistics_objects(content), start=1):
        for feature in parts:
            if feature in entry:
                parts[feature].append(_arrays(entry[feature], f"{feature} (entry {number})"))
    joined = {}
    for feature, found in parts.items():
        if len({one["mean"].size for one in found}) > 1:
            raise ProfileError(
                f"The statistics of {feature} change their length.",
                hint="Give those of one dataset, as it was recorded.",
            )
        if found:
            joined[feature] = {name: joined_statistics(found)[name].tolist() for name in _NUMBERS}
    return joined


def _statistics_objects(content: bytes) -> Iterator[dict[str, Any]]:
    """Yields the statistics of the dataset (stats.json), or of each episode (episodes_stats.jsonl), by feature."""
    whole = _parsed(content)
    if isinstance(whole, dict) and not isinstance(whole.get("stats"), dict):
        yield whole
        return
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        row = _parsed(line)
        if not isinstance(row, dict) or not isinstance(row.get("stats"), dict):
            raise ProfileError(
                f"The statistics cannot be read: line {number} is neither the whole file nor an episode's statistics.",
                hint="Give meta/stats.json or meta/episodes_stats.jsonl of the same recording.",
            )
        yield row["stats"]


def _arrays(entry: Any, name: str) -> dict[str, Any]:
    import numpy as np

    hint = "Give meta/stats.json or meta/episodes_stats.jsonl as LeRobot wrote it."
    if not isinstance(entry, dict):
        raise ProfileError(f"The statistics of {name} are no object.", hint=hint)
    arrays = {}
    for key in _NUMBERS:
        values = entry.get(key)
        if not isinstance(values, list) or not 1 <= len(values) <= MAX_VALUES or not all(map(_is_number, values)):
            raise ProfileError(f"The statistics of {name} have no {key} of at most {MAX_VALUES} numbers.", hint=hint)
        arrays[key] = np.array(values, np.float64)
        if arrays[key].size != arrays["mean"].size:
            raise ProfileError(f"The {key} of {name} has not {arrays['mean'].size} numbers as its mean has.", hint=hint)
        if not (np.abs(arrays[key]) < LARGEST).all():
            raise ProfileError(
                f"The {key} of {name} holds what is no finite number: values are missing from the recording.",
                hint="Give those of another recording, or repair this one.",
            )
    if (arrays["std"] < 0).any():
        raise ProfileError(f"The statistics of {name} have a negative std.", hint=hint)
    count = entry.get("count", [1])
    count = count[0] if isinstance(count, list) and count else count
    arrays["count"] = np.array([count if _is_number(count) and 1 <= count <= 2**40 else 1], np.float64)
    return arrays


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63)


def _parsed(content: bytes) -> Any:
    try:
        return parsed_json(content)
    except (ValueError, RecursionError):
        return None


def _object(source: Source, limit: int, name: str) -> dict[str, Any]:
    content = _content(source, limit, name)
    try:
        value = parsed_json(content)
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"{name} is not JSON: {brief(error)}.", hint="Give the file as it was written.") from error
    if not isinstance(value, dict):
        raise ProfileError(
            f"{name} holds a {type(value).__name__}, not an object.", hint="Give the file as it was written."
        )
    return value


def _content(source: Source, limit: int, name: str) -> bytes:
    if isinstance(source, Path):
        try:
            with source.open("rb") as file:
                content = file.read(limit + 1)
        except OSError as error:
            raise ProfileError(f"{source} cannot be read: {error.strerror}.", hint="Check the path.") from error
    else:
        content = source
    if len(content) > limit:
        raise ProfileError(f"{name} has more than {limit:,} bytes.", hint="Give the file as LeRobot wrote it.")
    return content
