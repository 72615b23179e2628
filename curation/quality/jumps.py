"""The largest step of each joint that the motion around it does not lead into, measured. What counts as a jump is in `paths`.

A fast motion is fast before and after as well; a teleport is a step, or a spike of a frame, among slow ones. So a step counts
by what it exceeds its neighbours on both sides, and is compared with what the same joint does elsewhere in the episode.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NEIGHBOURS = 4
"""Frames on either side. Hands that report at a third of the camera's rate repeat a value up to four times."""
OTHERS = 0.02
"""Part of the steps that may stand out before they are the joint's way of moving; never fewer than OTHERS_MIN."""
OTHERS_MIN = 3
HELD_CHANGES = 8
HELD_SHARE = 0.6
HELD_FRAMES = (2, 5)


class Jumps(NamedTuple):
    """Arrays of shape (D,), in the unit of the joint: the largest step beyond its neighbours' (`excess_D`) and the frame it
    leads to, how large such an excess otherwise gets (`usual_D`), the part of the whole path that steps of the size of the
    largest make up (`alike_share_D`: 1 for a switch), and whether values are repeated for 2 to 5 frames (`is_held_D`)."""

    excess_D: np.ndarray
    frame_D: np.ndarray
    usual_D: np.ndarray
    alike_share_D: np.ndarray
    is_held_D: np.ndarray


def measure_jumps(values_TD: np.ndarray) -> Jumps:
    """Returns the measure for finite values, float64 (T, D)."""
    num_frames, width = values_TD.shape
    zero_D = np.zeros(width)
    if num_frames < 3:
        return Jumps(zero_D, zero_D.astype(np.intp), zero_D, zero_D, zero_D.astype(bool))
    size_TD = np.abs(np.diff(values_TD, axis=0))
    before_TD, after_TD = _around(size_TD)
    excess_TD = size_TD - np.maximum(before_TD, after_TD)
    spike_TD = _spikes(values_TD)
    step, spike = _standing_out(excess_TD), _standing_out(spike_TD)
    is_spike_D = spike[0] - spike[1] > step[0] - step[1]
    largest_D, path_D = size_TD.max(axis=0), size_TD.sum(axis=0)
    alike_D = np.where(size_TD >= 0.8 * largest_D, size_TD, 0.0).sum(axis=0)
    return Jumps(
        excess_D=np.where(is_spike_D, spike[0], step[0]),
        frame_D=np.where(is_spike_D, spike_TD.argmax(axis=0), excess_TD.argmax(axis=0)) + 1,
        usual_D=np.where(is_spike_D, spike[1], step[1]),
        alike_share_D=np.divide(alike_D, path_D, out=np.zeros(width), where=path_D > 0),
        is_held_D=_is_held(size_TD > 0),
    )


def _standing_out(excess_TD: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the largest value of each dimension, and the next after leaving out those that may stand out; not below 0."""
    last = len(excess_TD) - 1
    rank = last - min(max(OTHERS_MIN, int(OTHERS * len(excess_TD))), last)
    ordered_TD = np.partition(excess_TD, (rank, last), axis=0)
    return np.maximum(ordered_TD[last], 0.0), np.maximum(ordered_TD[rank], 0.0)


def _around(size_TD: np.ndarray, first: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Returns the largest of the values `first` to NEIGHBOURS frames before each, and after it; 0 beyond the ends."""
    before_TD, after_TD = np.zeros_like(size_TD), np.zeros_like(size_TD)
    for distance in range(first, min(NEIGHBOURS, len(size_TD) - 1) + 1):
        np.maximum(before_TD[distance:], size_TD[:-distance], out=before_TD[distance:])
        np.maximum(after_TD[:-distance], size_TD[distance:], out=after_TD[:-distance])
    return before_TD, after_TD


def _spikes(values_TD: np.ndarray) -> np.ndarray:
    """Returns how far each inner frame lies from the middle of its neighbours, beyond what frames near by do (T - 2, D)."""
    bend_TD = np.abs(values_TD[1:-1] - (values_TD[:-2] + values_TD[2:]) / 2)
    before_TD, after_TD = _around(bend_TD, first=2)
    return bend_TD - np.maximum(before_TD, after_TD)


def _is_held(is_change_TD: np.ndarray) -> np.ndarray:
    """Returns where a dimension changes only every few frames: it reports at a lower rate than the rows."""
    changes_D = is_change_TD.sum(axis=0)
    adjacent_D = (is_change_TD[1:] & is_change_TD[:-1]).sum(axis=0)
    is_held_D = np.zeros(len(changes_D), bool)
    for dimension in np.flatnonzero((changes_D >= HELD_CHANGES) & (adjacent_D < 0.4 * changes_D)):
        gaps = np.diff(np.flatnonzero(is_change_TD[:, dimension]))
        is_held_D[dimension] = np.mean((gaps >= HELD_FRAMES[0]) & (gaps <= HELD_FRAMES[1])) >= HELD_SHARE
    return is_held_D
