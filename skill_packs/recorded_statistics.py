"""How a robot's values are distributed: meta/stats.json of a recording, or meta/episodes_stats.jsonl of v2.1, joined.

Only state and action are read; whatever is wrong with their numbers is a ProfileError.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from data_contracts.errors import ProfileError
from data_contracts.lerobot.json_files import parsed_json
from data_contracts.lerobot.statistics import joined_statistics
from data_contracts.robot_profile import MAX_VALUES
from skill_packs.owner_files import Source, read_bounded

MAX_STATISTICS_BYTES = 8 * 2**20
"""episodes_stats.jsonl of about 2,500 episodes; the worst file of this size takes 2 s and 300 MB."""
LARGEST = 1e100
"""Squares of larger numbers could be infinite."""
_NUMBERS = ("mean", "std", "min", "max")


def read_recorded_statistics(source: Source) -> dict[str, dict[str, list[float]]]:
    """Returns mean, std, min and max of `observation.state` and `action`, as far as they are there. Raises ProfileError."""
    content = read_bounded(source, MAX_STATISTICS_BYTES, "The statistics")
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
