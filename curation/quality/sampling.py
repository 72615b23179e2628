"""Which frames of a video are looked at: all of a short one, a stride through a long one, with bursts in between."""

from __future__ import annotations

import numpy as np

ALL_UP_TO = 256
"""Episodes up to this many frames are looked at whole."""
RATE_HZ = 7.5
"""A motion of an arm lasts longer than the eighth of a second between two samples."""
MAX_SAMPLES = 1024
NUM_BURSTS, BURST_FRAMES = 8, 12
"""Frames in a row at these many places: only there is every second frame seen to be the one before it."""
DENSE_GAP = 4
"""Key frames that lie no further apart are read alone, as LeRobot's AV1 with a key frame at every second."""


def sampled_frames(num_frames: int, fps: float, key_frames: np.ndarray) -> np.ndarray:
    """Returns the frame numbers to look at, ascending, int64 (N,), with the first and the last.

    `key_frames` are numbers within the episode. Where they are dense the stride goes from key frame to key frame, which are
    then all that is decoded; where they are sparse the decoder meets every frame on the way and each n-th is looked at.
    """
    if num_frames <= ALL_UP_TO:
        return np.arange(num_frames)
    step = int(max(1, fps // RATE_HZ, -(-num_frames // MAX_SAMPLES)))
    strided = np.arange(0, num_frames, step)
    starts = np.linspace(0, num_frames - BURST_FRAMES, NUM_BURSTS).astype(np.int64)
    if len(key_frames) and num_frames / len(key_frames) <= DENSE_GAP:
        strided, starts = _snapped(strided, key_frames), _snapped(starts, key_frames)
    bursts = (starts[:, None] + np.arange(BURST_FRAMES)).ravel()
    numbers = np.unique(np.concatenate([strided, bursts, [0, num_frames - 1]]))
    return numbers[(numbers >= 0) & (numbers < num_frames)]


def _snapped(numbers: np.ndarray, key_frames: np.ndarray) -> np.ndarray:
    """Returns the key frame at or before each number."""
    return key_frames[np.maximum(np.searchsorted(key_frames, numbers, side="right") - 1, 0)]
