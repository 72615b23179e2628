"""The largest jump of each joint that the motion around it does not lead into, measured. What counts as a jump is in `paths`.

A joint jumps for good, in one step, or for a while: a step and, some frames later, about the same step back. A fast motion is
fast before and after as well, so a step counts by what it departs from the usual step near by, less the largest departure of its
other neighbours; one that comes back counts by the smaller of its two.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

NEIGHBOURS = 4
"""Frames on either side. Hands that report at a third of the camera's rate repeat a value up to four times."""
MAX_AWAY = 10
"""Frames for which a joint may be elsewhere before its way there and its way back count as two jumps."""
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
    step_TD = np.diff(values_TD, axis=0)
    excess_TD = _excess(step_TD - _usual_step(step_TD))
    largest, usual = _standing_out(excess_TD)
    size_TD = np.abs(step_TD)
    largest_D, path_D = size_TD.max(axis=0), size_TD.sum(axis=0)
    alike_D = np.where(size_TD >= 0.8 * largest_D, size_TD, 0.0).sum(axis=0)
    return Jumps(
        excess_D=largest,
        frame_D=excess_TD.argmax(axis=0) + 1,
        usual_D=usual,
        alike_share_D=np.divide(alike_D, path_D, out=np.zeros(width), where=path_D > 0),
        is_held_D=_is_held(size_TD > 0),
    )


def _usual_step(step_TD: np.ndarray) -> np.ndarray:
    """Returns the median of the steps around each, which is deaf to four of nine of them (T, D)."""
    padded_TD = np.pad(step_TD, ((NEIGHBOURS, NEIGHBOURS), (0, 0)), mode="edge")
    around_TDW = np.array(sliding_window_view(padded_TD, 2 * NEIGHBOURS + 1, axis=0))
    around_TDW.partition(NEIGHBOURS, axis=-1)
    return around_TDW[..., NEIGHBOURS]


def _excess(departure_TD: np.ndarray) -> np.ndarray:
    """Returns by how much each step departs more than its neighbours, alone or together with one back (T, D)."""
    size_TD = np.abs(departure_TD)
    before_TD, after_TD = _around(size_TD)
    excess_TD = size_TD - np.maximum(before_TD, after_TD)
    inside_TD = np.zeros_like(size_TD)
    for away in range(1, min(MAX_AWAY, len(size_TD) - 1) + 1):
        if away > 1:
            np.maximum(inside_TD[:-away], size_TD[away - 1 : -1], out=inside_TD[:-away])
        is_back_TD = departure_TD[:-away] * departure_TD[away:] < 0
        smaller_TD = np.minimum(size_TD[:-away], size_TD[away:])
        others_TD = np.maximum(np.maximum(before_TD[:-away], after_TD[away:]), inside_TD[:-away])
        both_TD = np.where(is_back_TD, smaller_TD - others_TD, 0.0)
        np.maximum(excess_TD[:-away], both_TD, out=excess_TD[:-away])
    return excess_TD


def _standing_out(excess_TD: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the largest value of each dimension, and the next after leaving out those that may stand out; not below 0."""
    last = len(excess_TD) - 1
    rank = last - min(max(OTHERS_MIN, int(OTHERS * len(excess_TD))), last)
    ordered_TD = np.partition(excess_TD, (rank, last), axis=0)
    return np.maximum(ordered_TD[last], 0.0), np.maximum(ordered_TD[rank], 0.0)


def _around(size_TD: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the largest of the values up to NEIGHBOURS frames before each, and after it; 0 beyond the ends."""
    before_TD, after_TD = np.zeros_like(size_TD), np.zeros_like(size_TD)
    for distance in range(1, min(NEIGHBOURS, len(size_TD) - 1) + 1):
        np.maximum(before_TD[distance:], size_TD[:-distance], out=before_TD[distance:])
        np.maximum(after_TD[:-distance], size_TD[distance:], out=after_TD[:-distance])
    return before_TD, after_TD


def _is_held(is_change_TD: np.ndarray) -> np.ndarray:
    """Returns where a dimension changes only every few frames: it reports at a lower rate than the rows."""
    changes_D = is_change_TD.sum(axis=0)
    adjacent_D = (is_change_TD[1:] & is_change_TD[:-1]).sum(axis=0)
    is_held_D = np.zeros(len(changes_D), bool)
    for dimension in np.flatnonzero((changes_D >= HELD_CHANGES) & (adjacent_D < 0.4 * changes_D)):
        gaps = np.diff(np.flatnonzero(is_change_TD[:, dimension]))
        is_held_D[dimension] = np.mean((gaps >= HELD_FRAMES[0]) & (gaps <= HELD_FRAMES[1])) >= HELD_SHARE
    return is_held_D
