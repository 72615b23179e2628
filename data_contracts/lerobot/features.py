"""One feature of a dataset, as `info.json` declares it: key, dtype, shape and names brought to one form.

Names become a flat tuple whatever they were nested in, visual shapes become (height, width, channels), and the two
spellings of the video block (`video_info`, `info`) become `info`. Reading columns belongs to `arrays`, frames to `video`
and `images`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from data_contracts.findings import Finding
from data_contracts.lerobot.json_files import whole_number
from data_contracts.lerobot.structure import structure

DEFAULT_FEATURES = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}
"""The five that LeRobot appends to every dataset (lerobot 0.6, `datasets/utils.py`), with their dtypes."""

VISUAL_DTYPES = ("video", "image")
_DEEPEST = 8  # lists in lists: nobody means more, and a hostile file could exhaust the stack
BARE_NAMES = {
    "state": "observation.state",
    "actions": "action",
    "image": "observation.image",
    "wrist_image": "observation.images.wrist",
}
"""Keys of other stacks (openpi) that LeRobot's policies do not recognise, and what they would be called there."""


@dataclass(frozen=True)
class Feature:
    """A declared feature. `shape` is (H, W, C) where `is_visual`; `names` has as many entries as the vector, or is None."""

    key: str
    dtype: str
    shape: tuple[int, ...]
    names: tuple[str, ...] | None = None
    info: dict[str, Any] = field(default_factory=dict)

    @property
    def is_visual(self) -> bool:
        return self.dtype in VISUAL_DTYPES

    @property
    def is_video(self) -> bool:
        return self.dtype == "video"

    @property
    def is_default(self) -> bool:
        return self.key in DEFAULT_FEATURES


def parse_features(declared: dict[str, Any]) -> tuple[dict[str, Feature], list[Finding]]:
    """Returns the features that could be understood, in the order declared, and what was odd about them."""
    features, findings = {}, []
    for key, entry in declared.items():
        if not key or "/" in key:
            message = f"Feature {key!r} of meta/info.json has no name that LeRobot takes (empty, or a '/' in it); it was left out."
            findings.append(structure("nonstandard_feature_name", "warn", message, feature=key))
            continue
        if not isinstance(entry, dict) or not isinstance(entry.get("dtype"), str):
            message = f"Feature {key!r} of meta/info.json has no dtype and was left out."
            findings.append(structure("unreadable_metadata", "warn", message, feature=key))
            continue
        feature, odd = _parse_feature(key, entry)
        features[key] = feature
        findings += odd
    return features, [*findings, *_nonstandard_names(features)]


def _parse_feature(key: str, entry: dict[str, Any]) -> tuple[Feature, list[Finding]]:
    dtype = entry["dtype"]
    shape = _shape(entry.get("shape"))
    names = flat_names(entry.get("names"))
    info = entry.get("info") or entry.get("video_info")
    info = info if isinstance(info, dict) else {}
    if dtype in VISUAL_DTYPES:
        return _visual(Feature(key, dtype, shape, names, info))
    findings = []
    if _depth(entry.get("names")) > 1:
        message = f"The names of {key!r} are nested one list too deep; they were flattened."
        findings.append(structure("names_nested", "note", message, feature=key))
    width = shape[-1] if shape else 1
    if names is None and width > 1:
        message = f"{key!r} has {width} values and no names for them."
        findings.append(structure("names_missing", "note", message, feature=key))
    if names is not None and len(names) != width:
        message = f"{key!r} declares {width} values and {len(names)} names; the names were dropped."
        findings.append(structure("shape_mismatch", "warn", message, feature=key, shape=shape, names=names[:64]))
        names = None
    return Feature(key, dtype, shape, names, info), findings


def _visual(feature: Feature) -> tuple[Feature, list[Finding]]:
    """Brings a visual feature to (H, W, C); names say where the channels are, otherwise the size of the axes does."""
    shape, names, findings = feature.shape, feature.names, []
    if names is None:
        message = f"Camera {feature.key!r} has no axis names; LeRobot needs them to build a policy."
        findings.append(structure("names_missing", "note", message, feature=feature.key))
    is_channel_first = len(shape) == 3 and shape[0] in (1, 3, 4) and shape[2] not in (1, 3, 4)
    if is_channel_first:
        message = (
            f"Camera {feature.key!r} declares its shape as {list(shape)}, channels first; height comes first here."
        )
        findings.append(structure("image_shape_order", "warn", message, feature=feature.key, shape=shape))
        shape = (shape[1], shape[2], shape[0])
    elif len(shape) != 3:
        message = f"Camera {feature.key!r} declares the shape {list(shape)}, which has no height, width and channels."
        findings.append(structure("shape_mismatch", "warn", message, feature=feature.key, shape=shape))
    return Feature(feature.key, feature.dtype, shape, ("height", "width", "channels"), feature.info), findings


def _nonstandard_names(features: dict[str, Feature]) -> Iterator[Finding]:
    for key, feature in features.items():
        better = BARE_NAMES.get(key)
        if better is None and feature.is_visual and not key.startswith("observation.image"):
            better = f"observation.images.{key.removeprefix('observation.')}"
        if better and better not in features:
            message = f"LeRobot's policies pass over {key!r}; there it would be called {better!r}."
            yield structure("nonstandard_feature_name", "warn", message, feature=key, expected=better)


def flat_names(names: Any, depth: int = 0) -> tuple[str, ...] | None:
    """Returns names as one flat tuple: from a list, a list in a list, `{"motors": [...]}` or `{"x": 0, "y": 1}`."""
    if isinstance(names, (str, int, float)):
        return (str(names),)
    if isinstance(names, dict):
        if all(whole_number(value) is not None for value in names.values()):
            return tuple(sorted(names, key=lambda name: float(names[name]))) or None
        names = list(names.values())
    if not isinstance(names, list) or depth > _DEEPEST:
        return None
    return tuple(flat for name in names for flat in flat_names(name, depth + 1) or ()) or None


def _depth(names: Any) -> int:
    """Returns how many lists lie around the innermost name. The groups of a dict (arms, motors) count for nothing."""
    depth = 0
    while isinstance(names, (list, dict)) and names and depth <= _DEEPEST:
        depth += isinstance(names, list)
        names = next(iter(names.values())) if isinstance(names, dict) else names[0]
    return depth


def _shape(shape: Any) -> tuple[int, ...]:
    sizes = shape if isinstance(shape, (list, tuple)) else [shape]
    return tuple(size for size in map(whole_number, sizes) if size is not None and size >= 0)
