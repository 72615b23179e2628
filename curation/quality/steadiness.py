"""How much a joint trembles, and where it is held at the end of its reach: measures. What is reported is in `paths`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

TREMOR_HZ = 30.0
"""Rate at which trembling is looked for. Hands tremble at 4 to 12 Hz, encoders with every sample; at 80 frames per second
third differences of neighbouring frames would see the encoder alone."""
FAST_FACTOR = 4.0
"""A brisk motion within a third of a second differs at 30 Hz as trembling does, and not from frame to frame."""
PIN_FRAMES = 3
PIN_SPEED = 0.3
"""Part of the joint's usual speed at which it meets its limit: an arm that comes to rest there has slowed down before."""
PIN_SPEED_LIVE = 0.05
LIVE_SHARE = 0.9
"""Of the other frames: a joint whose value changes in nearly every one does not rest at exactly one value by itself."""
GO_ON_SHARE = 0.5
"""Of the frames at the limit, in which another joint moves: a robot at rest as a whole is idle and not saturated."""


def tremor(values_TD: np.ndarray, fps: float) -> np.ndarray:
    """Returns the deviation of each joint's trembling, shape (D,), in its own unit; 0 for fewer than 4 samples at 30 Hz.

    Third differences leave nothing of a smooth motion; their median is deaf to jumps and switches.
    """
    stride = max(1, round(fps / TREMOR_HZ))
    slow_D = _third_difference(values_TD, stride)
    return slow_D if stride == 1 else np.minimum(slow_D, FAST_FACTOR * _third_difference(values_TD, 1))


def _third_difference(values_TD: np.ndarray, stride: int) -> np.ndarray:
    if len(values_TD) <= 3 * stride:
        return np.zeros(values_TD.shape[1])
    third_TD = values_TD[3 * stride :] - values_TD[: -3 * stride]
    third_TD -= 3 * (values_TD[2 * stride : -stride] - values_TD[stride : -2 * stride])
    np.abs(third_TD, out=third_TD)
    middle = len(third_TD) // 2
    return np.partition(third_TD, middle, axis=0)[middle] / (0.6745 * np.sqrt(20.0))


class Pinned(NamedTuple):
    """Per dimension, shape (D,): part of the frames that stand at exactly its highest or lowest value after running into it,
    and whether that is the highest."""

    share_D: np.ndarray
    is_high_D: np.ndarray


def pinned(values_TD: np.ndarray) -> Pinned:
    """Returns the measure for finite values, float64 (T, D)."""
    num_frames, width = values_TD.shape
    shares = np.zeros((2, width))
    is_change_TD = np.diff(values_TD, axis=0) != 0
    num_changes_T = is_change_TD.sum(axis=1)
    low_D, high_D = values_TD.min(axis=0), values_TD.max(axis=0)
    for side, end_D in enumerate((low_D, high_D)):
        is_end_TD = values_TD == end_D
        count_D = is_end_TD.sum(axis=0)
        for dimension in np.flatnonzero((count_D >= PIN_FRAMES) & (high_D > low_D)):
            go_on_T = num_changes_T > is_change_TD[:, dimension]
            frames = _pinned_frames(values_TD[:, dimension], is_end_TD[:, dimension], go_on_T)
            shares[side, dimension] = frames / num_frames
    return Pinned(shares.max(axis=0), shares[1] >= shares[0])


def _pinned_frames(values_T: np.ndarray, is_end_T: np.ndarray, go_on_T: np.ndarray) -> int:
    """Returns the frames of runs of at least PIN_FRAMES that the joint enters and leaves at speed while other joints go on
    (`go_on_T`, per step); of runs at the start or the end of the episode the one side that there is."""
    speed_T = np.abs(np.diff(values_T))
    moving = speed_T[speed_T > 0]
    if not len(moving):
        return 0
    usual = float(np.sqrt(np.mean(np.minimum(moving, 4 * np.median(moving)) ** 2)))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_end_T.astype(np.int8), [0]])))
    frames = 0
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        sides = [speed_T[start - 1]] if start else []
        sides += [speed_T[stop - 1]] if stop < len(values_T) else []
        is_long = stop - start >= PIN_FRAMES
        others = len(speed_T) - (stop - start - 1)
        is_live = others > 0 and len(moving) >= LIVE_SHARE * others
        least = (PIN_SPEED_LIVE if is_live else PIN_SPEED) * usual
        if is_long and sides and min(sides) >= least and go_on_T[start : stop - 1].mean() >= GO_ON_SHARE:
            frames += int(stop - start)
    return frames
