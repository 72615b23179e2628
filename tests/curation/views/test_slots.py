"""Slots: a camera fills the slot of its role and no other."""

from __future__ import annotations

import polars as pl
import pytest

from curation.views import slots
from data_contracts.catalogue import CAMERA_ROLE_TABLE


def _roles(*cameras: tuple[str, str, float]):
    return CAMERA_ROLE_TABLE.frame(
        {"dataset_id": "a__b", "camera_key": key, "role": role, "confidence": confidence, "height_px": 1, "width_px": 1,
         "evidence": "e"}
        for key, role, confidence in cameras
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cameras", "filled"),
    [
        ([("t", "top", 0.9), ("w", "wrist", 0.9), ("s", "side", 0.9)], ("t", "w", "s")),
        ([("t", "top", 0.7), ("f", "front", 0.99)], ("t", None, None)),
        ([("f", "front", 0.7), ("s", "side", 0.99)], ("f", None, "s")),
        ([("l", "wrist_left", 0.7), ("r", "wrist_right", 0.99)], (None, "l", None)),
        ([("a", "top", 0.7), ("b", "top", 0.9), ("c", "top", 0.9)], ("b", None, None)),
        ([("u", "unknown", 1.0), ("o", "other", 1.0)], (None, None, None)),
        ([], (None, None, None)),
    ],
)
def test_slots_follow_roles(cameras, filled):
    assert slots(_roles(*cameras)) == filled
    assert slots(_roles(*reversed(cameras))) == filled


@pytest.mark.parametrize(
    ("cameras", "top"),
    [
        ([("laptop", "unknown", 0.2)], "laptop"),
        ([("laptop", "unknown", 0.8)], None),
        ([("laptop", "unknown", None)], None),
        ([("laptop", "unknown", 0.2), ("phone", "unknown", 0.2)], None),
        ([("laptop", "unknown", 0.2), ("phone", "unknown", 0.9)], "laptop"),
        ([("laptop", "other", 0.2)], None),
        ([("laptop", "unknown", 0.2), ("t", "top", 0.2)], "t"),
    ],
)
def test_the_only_fixed_camera_of_unknown_role_shows_the_scene(cameras, top):
    roles = _roles(*((key, role, 0.5) for key, role, _ in cameras))
    moving = {key: moving for key, _, moving in cameras}
    roles = roles.with_columns(moving_fraction=pl.col("camera_key").replace_strict(moving, return_dtype=pl.Float64))
    assert slots(roles).top == top
