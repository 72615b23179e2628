"""Fingerprints of an episode's joints: a small path for trims, re-timings and noise, a digest per joint for other calibrations."""

from __future__ import annotations

import hashlib

import numpy as np

from curation.duplicates.signal import at, box_sampled, packed

MAX_POINTS = 256
MAX_SIZE = 32
"""Dimensions of state, and of action, that are looked at: enough for two arms with hands."""
MIN_FRAMES = 8
DIGEST_POINTS, DIGEST_LEVELS = 32, 64
MIN_LEVELS = 10
"""A joint that visits fewer levels (a gripper that opens and shuts) says too little to be known by."""


def joint_path(state_TS: np.ndarray, action_TA: np.ndarray) -> bytes | None:
    """Returns the packed signal of state and action, side by side; None where the episode is too short, still or not finite."""
    values = np.concatenate([state_TS[:, :MAX_SIZE], action_TA[:, :MAX_SIZE]], axis=1).astype(np.float64)
    if len(values) < MIN_FRAMES or not np.isfinite(values).all() or not is_moving(values).any():
        return None
    return packed(box_sampled(values, MAX_POINTS))


def joint_digests(state_TS: np.ndarray, action_TA: np.ndarray) -> list[int]:
    """Returns a digest per moving joint, ascending: the same under another offset, unit, sign and order of joints.

    A joint is scaled to its own range, sampled at DIGEST_POINTS moments and rounded to DIGEST_LEVELS; of it and its mirror
    image the smaller digest counts.
    """
    values = np.concatenate([state_TS, action_TA], axis=1).astype(np.float64)
    if len(values) < MIN_FRAMES or not np.isfinite(values).all():
        return []
    moving = values[:, is_moving(values)]
    low = moving.min(axis=0)
    unit = (moving - low) / (moving.max(axis=0) - low)
    sampled = at(unit, np.linspace(0, len(unit) - 1, DIGEST_POINTS))
    levels = np.minimum(np.floor(sampled * DIGEST_LEVELS), DIGEST_LEVELS - 1).astype(np.uint8)
    mirrored = (DIGEST_LEVELS - 1 - levels).astype(np.uint8)
    return sorted(
        min(_digest(levels[:, joint]), _digest(mirrored[:, joint]))
        for joint in range(levels.shape[1])
        if len(np.unique(levels[:, joint])) >= MIN_LEVELS
    )


def is_moving(values_TD: np.ndarray) -> np.ndarray:
    """Returns which columns change by more than rounding does, bool (D,)."""
    return np.ptp(values_TD, axis=0) > 1e-5 * np.maximum(np.abs(values_TD).max(axis=0, initial=0), 1e-3)


def _digest(levels: np.ndarray) -> int:
    return int.from_bytes(hashlib.blake2b(levels.tobytes(), digest_size=8).digest(), "little", signed=True)
