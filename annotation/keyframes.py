"""Which frames of an episode a model is shown: the first, the last, the moments when a gripper changes, and even steps between."""

from __future__ import annotations

import itertools

import numpy as np

_CLOSED, _OPEN = 1 / 3, 2 / 3
"""Thresholds on the opening, scaled to its range in the episode; two of them, so that a trembling gripper counts once."""
_FLAT = 1e-6


def gripper_changes(gripper_TG: np.ndarray) -> list[int]:
    """Returns the frames at which a gripper has become open or closed, ascending. A gripper that never moves has none.

    Args:
        gripper_TG: opening of each gripper per frame in any unit, shape (T, G); not-finite values are passed over.
    """
    changes: set[int] = set()
    for opening_T in gripper_TG.T:
        finite = opening_T[np.isfinite(opening_T)]
        if finite.size == 0 or np.ptp(finite) < _FLAT:
            continue
        scaled_T = (opening_T - finite.min()) / np.ptp(finite)
        is_open: bool | None = None
        for frame, value in enumerate(scaled_T):
            now = True if value > _OPEN else False if value < _CLOSED else is_open
            if is_open is not None and now != is_open:
                changes.add(frame)
            is_open = now
    return sorted(changes)


def choose_frames(num_frames: int, changes: list[int], count: int) -> tuple[int, ...]:
    """Returns at most `count` (2 or more) distinct frames, ascending: first, last, changes, and the middle of the widest gaps.

    Where there are more changes than room, they are thinned out evenly. An episode of fewer frames is shown whole.
    """
    if num_frames <= count:
        return tuple(range(num_frames))
    inner = [frame for frame in changes if 0 < frame < num_frames - 1]
    room = count - 2
    if len(inner) > room:
        inner = [inner[i] for i in np.linspace(0, len(inner) - 1, room).round().astype(int)]
    chosen = sorted({0, num_frames - 1, *inner})
    while len(chosen) < count:
        before, after = max(itertools.pairwise(chosen), key=lambda pair: pair[1] - pair[0])
        chosen = sorted([*chosen, (before + after) // 2])
    return tuple(chosen)
