"""What a writer is told about features, checked and brought to what v3.0 stores; and their entries of `info.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_contracts.errors import ContractError
from data_contracts.lerobot.features import Feature, parse_features
from data_contracts.lerobot.schema import written_dtype

IMAGE_NAMES = ("height", "width", "channels")


def written_features(features: Mapping[str, Feature | Mapping[str, Any]]) -> dict[str, Feature]:
    """Returns the features as they will be written, without the default ones. Raises ContractError."""
    parsed = parse_features({key: dict(entry) for key, entry in features.items() if not isinstance(entry, Feature)})[0]
    written: dict[str, Feature] = {}
    for key, entry in features.items():
        feature = entry if isinstance(entry, Feature) else parsed.get(key)
        if "/" in key or not key:
            raise ContractError(
                f"{key!r} cannot be a feature.", hint="LeRobot refuses keys that are empty or hold a '/'."
            )
        if feature is None:
            raise ContractError(f"Feature {key!r} has no dtype.", hint="Write it as in info.json.")
        if feature.is_default:
            continue
        width = (feature.shape or (1,))[-1]
        if feature.names and not feature.is_visual and len(feature.names) != width:
            raise ContractError(
                f"Feature {key!r} has {len(feature.names)} names for {width} values.", hint="Name each value, or none."
            )
        written[key] = Feature(key, written_dtype(feature), feature.shape, feature.names, feature.info)
    return written


def whole_fps(fps: float) -> int:
    """Returns fps as an integer. Raises ContractError where it is none: LeRobot would cut 29.97 to 29."""
    if fps <= 0 or not float(fps).is_integer():
        raise ContractError(
            f"{fps} frames per second cannot be written: LeRobot v3.0 counts whole ones.",
            hint="Resample the episodes to a whole rate first.",
        )
    return int(fps)


def vector_entry(feature: Feature) -> dict[str, Any]:
    """Returns the entry of `info.json` for a feature that is no camera."""
    names = list(feature.names) if feature.names else None
    return {"dtype": feature.dtype, "shape": list(feature.shape or (1,)), "names": names}


def camera_entry(dtype: str, height: int, width: int, info: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the entry of `info.json` for a camera; `info` describes the video."""
    entry = {"dtype": dtype, "shape": [height, width, 3], "names": list(IMAGE_NAMES)}
    return entry if info is None else entry | {"info": dict(info)}
