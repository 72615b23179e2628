"""What a robot must have to run a policy, read from the checkpoint and from the very episodes that taught it.

Whether a given robot has it is a question for the fit check; nothing here knows a robot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from data_contracts.catalogue import CAMERA_ROLE_TABLE, SKILL_INDEX
from data_contracts.errors import PackError
from data_contracts.manifests import NormalisedDataset
from data_contracts.skill_pack import CameraSlot, Joint, Requirements
from skill_packs.checkpoint import read_checkpoint

if TYPE_CHECKING:
    import numpy as np

SLOTS = (
    ("observation.images.camera1", "camera_top", "top or front"),
    ("observation.images.camera2", "camera_wrist", "wrist"),
    ("observation.images.camera3", "camera_side", "side"),
)
"""The policy's camera slots, the column of SKILL_INDEX that says which camera fills each, and which view belongs there."""
LEROBOT_VERSIONS = ">=0.4.0"
"""The configuration's fields are those of LeRobot 0.4.0, which later releases read; packs are compared with 0.4.4."""
_META = Path("meta/deftworks.json")
T = TypeVar("T")


def read_requirements(
    checkpoint: Path,
    rows: pl.DataFrame,
    normalised: Callable[[str], Path],
    robot_type: str,
    units: Mapping[str, str] | None = None,
    roles: pl.DataFrame | None = None,
) -> Requirements:
    """Returns what the policy in `checkpoint` asks of a robot.

    Joint ranges are those of the training episodes themselves. Joint names, frame rate, picture sizes and camera roles are
    those of most training frames, where datasets differ.

    Args:
        rows: SKILL_INDEX rows of the episodes that taught it.
        normalised: folder of a normalised dataset by id, such as `lake.normalised`.
        units: unit by joint name, as far as known.
        roles: CAMERA_ROLE_TABLE of the datasets; without it a slot is described by the views that belong there.

    Raises:
        PackError: the checkpoint is unfit, there are no rows, or an episode's vectors have another length than the policy's.
    """
    rows = SKILL_INDEX.check(rows)
    if rows.is_empty():
        raise PackError("No episode taught this skill.", hint="Widen its `episodes` condition in skills.toml.")
    policy = read_checkpoint(checkpoint)
    sizes = {feature: policy.statistics[f"{feature}.mean"].size for feature in ("observation.state", "action")}
    descriptions = {name: NormalisedDataset.read(normalised(name) / _META) for name in rows["dataset_id"].unique()}
    ranges = _ranges(rows, normalised, sizes)
    return Requirements(
        robot_type=robot_type,
        state=_joints(rows, descriptions, "observation.state", ranges, units or {}),
        action=_joints(rows, descriptions, "action", ranges, units or {}),
        cameras=_cameras(rows, descriptions, policy.input_cameras, _roles(roles)),
        fps=_most_frames(rows, rows["fps"].to_list()),
        num_parameters=policy.num_parameters,
        weights_bytes=policy.weights_bytes,
        num_action_steps=policy.num_action_steps,
        lerobot_versions=LEROBOT_VERSIONS,
    )


def _ranges(
    rows: pl.DataFrame, normalised: Callable[[str], Path], sizes: Mapping[str, int]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns (min, max) per value of each feature over every frame of the episodes."""
    import numpy as np

    from data_contracts.lerobot import open_dataset

    lows = {feature: np.full(size, np.inf) for feature, size in sizes.items()}
    highs = {feature: np.full(size, -np.inf) for feature, size in sizes.items()}
    for (name,), group in rows.group_by("dataset_id"):
        dataset = open_dataset(normalised(str(name)))
        for index in group["normalised_index"]:
            episode = dataset.episode(index)
            for feature, values in (("observation.state", episode.state_TS), ("action", episode.action_TA)):
                if values.shape[1] != sizes[feature]:
                    raise PackError(
                        f"Episode {index} of {name} has {values.shape[1]} values of {feature}, the policy {sizes[feature]}.",
                        hint="The skill's episodes are not those that it was trained on; train it again.",
                    )
                lows[feature] = np.minimum(lows[feature], values.min(axis=0))
                highs[feature] = np.maximum(highs[feature], values.max(axis=0))
    return {feature: (lows[feature], highs[feature]) for feature in sizes}


def _joints(
    rows: pl.DataFrame,
    descriptions: Mapping[str, NormalisedDataset],
    feature: str,
    ranges: Mapping[str, tuple[np.ndarray, np.ndarray]],
    units: Mapping[str, str],
) -> tuple[Joint, ...]:
    low, high = ranges[feature]
    field = "action_names" if feature == "action" else "state_names"
    names = _most_frames(rows, [getattr(descriptions[name], field) for name in rows["dataset_id"]])
    if len(names) != low.size:
        raise PackError(
            f"The datasets name {len(names)} values of {feature}, the policy has {low.size}.",
            hint="Normalise the datasets again, so that every value has a name.",
        )
    return tuple(
        Joint(name=name, unit=units.get(name), min=float(low[i]), max=float(high[i])) for i, name in enumerate(names)
    )


def _roles(table: pl.DataFrame | None) -> dict[tuple[str, str], str]:
    """Returns the known role of each (dataset, camera)."""
    if table is None:
        return {}
    known = CAMERA_ROLE_TABLE.check(table).filter(~pl.col("role").is_in(("unknown", "other")))
    return {
        (dataset, camera): role for dataset, camera, role in known.select("dataset_id", "camera_key", "role").rows()
    }


def _cameras(
    rows: pl.DataFrame,
    descriptions: Mapping[str, NormalisedDataset],
    inputs: tuple[str, ...],
    roles: Mapping[tuple[str, str], str],
) -> tuple[CameraSlot, ...]:
    slots = []
    for key, column, view in SLOTS:
        cameras = list(zip(rows["dataset_id"], rows[column], strict=True))
        if key not in inputs or not any(camera for _, camera in cameras):
            continue
        height, width = _most_frames(rows, [_size(descriptions[name], camera) for name, camera in cameras])
        role = _most_frames(rows, [roles.get(one, view) if one[1] else None for one in cameras])
        is_required = all(camera for _, camera in cameras)
        slots.append(CameraSlot(key=key, role=role, height_px=height, width_px=width, is_required=is_required))
    return tuple(slots)


def _size(description: NormalisedDataset, camera: str | None) -> tuple[int, int] | None:
    return next(((one.height_px, one.width_px) for one in description.cameras if one.key == camera), None)


def _most_frames(rows: pl.DataFrame, values: list[T | None]) -> T:
    """Returns the value that most frames have; of equals the first."""
    frames: dict[T, int] = {}
    for value, num_frames in zip(values, rows["num_frames"], strict=True):
        if value is not None:
            frames[value] = frames.get(value, 0) + num_frames
    if not frames:
        raise PackError(
            "The datasets do not say how large the pictures of their cameras are.", hint="Normalise the datasets again."
        )
    return max(frames, key=lambda value: frames[value])
