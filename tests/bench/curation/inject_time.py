"""Clocks that are wrong. Only `timestamp` changes; for videos of another length than the rows see `inject_video`."""

from __future__ import annotations

import numpy as np

from tests.bench.curation.copies import TIME
from tests.bench.curation.injection import DoesNotFit, Target, graded


def _set_times(target: Target, times_s: np.ndarray) -> None:
    target.set_rows(target.rows() | {TIME: times_s})


def _jitter(target: Target, share: float) -> None:
    """Every frame but the first comes early or late by up to half of `share` steps."""
    times_s = target.rows()[TIME]
    step_s = 1 / target.copy.fps
    _set_times(target, times_s + np.append(0, target.rng.uniform(-share / 2, share / 2, len(times_s) - 1)) * step_s)


def _late_frames(target: Target, share: float) -> None:
    """One step in ten takes `share` of a step longer, and the clock stays behind."""
    times_s = target.rows()[TIME]
    is_late = np.arange(len(times_s)) % 10 == 9
    _set_times(target, times_s + np.cumsum(is_late) * share / target.copy.fps)


def _swap(target: Target, num_pairs: int) -> None:
    """Neighbouring frames change places in time."""
    times_s = target.rows()[TIME].copy()
    if len(times_s) < 3 * num_pairs:
        raise DoesNotFit("too short")
    for place in target.rng.choice(np.arange(1, len(times_s) - 1, 2), num_pairs, replace=False):
        times_s[[place, place + 1]] = times_s[[place + 1, place]]
    _set_times(target, times_s)


def _stand_still(target: Target, num_frames: int) -> None:
    """The clock stands still for some frames and then goes on where it should be."""
    times_s = target.rows()[TIME].copy()
    start = int(target.rng.integers(1, len(times_s) - num_frames))
    times_s[start : start + num_frames] = times_s[start - 1]
    _set_times(target, times_s)


def _begin_late(target: Target, steps: float) -> None:
    _set_times(target, target.rows()[TIME] + steps / target.copy.fps)


def _stretch(target: Target, factor: float) -> None:
    """The recording ran at another rate than is declared."""
    _set_times(target, target.rows()[TIME] * factor)


INJECTIONS = (
    *graded(
        "time.irregular_step", "jitter of every step", [("10% of the step", 0.1), ("30%", 0.3), ("100%", 1.0)], _jitter
    ),
    *graded(
        "time.irregular_step",
        "every tenth step long",
        [("10% of the step", 0.1), ("30%", 0.3), ("100%", 1.0)],
        _late_frames,
    ),
    *graded("time.non_monotonic", "neighbours swapped", [("1 pair", 1), ("3 pairs", 3), ("6 pairs", 6)], _swap),
    *graded(
        "time.non_monotonic", "clock stands still", [("1 frame", 1), ("3 frames", 3), ("6 frames", 6)], _stand_still
    ),
    *graded(
        "time.first_not_zero",
        "clock begins late",
        [("half a step", 0.5), ("2 steps", 2), ("30 steps", 30)],
        _begin_late,
    ),
    *graded("time.wrong_fps", "slower than declared", [("x1.1", 1.1), ("x1.5", 1.5), ("x2", 2.0)], _stretch),
    *graded("time.wrong_fps", "faster than declared", [("x0.9", 0.9), ("x0.67", 2 / 3), ("x0.5", 0.5)], _stretch),
)
