"""How many frames per second a dataset is written with, and which frames make that rate. LeRobot v3.0 counts whole ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from data_contracts.errors import DatasetUnreadable

ROUNDED_WITHIN = 0.005
"""29.97 is 30: the clock of a camera. What is further from a whole number is resampled."""
RATES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 25, 30, 40, 50, 60, 80, 100, 120, 200)
"""To which other rates are brought down: never up, which would invent frames."""
WRONG_RATE = 0.05
STEADY_WITHIN = 0.02
STEADY_WITHIN_S = 1e-4
"""LeRobot's own tolerance, on top of which float32 has its grid."""


@dataclass(frozen=True)
class Clock:
    """The clock of one episode. `step_s` is the median step, NaN below three frames; `late_s` the furthest that a time stamp
    lies from frame_index / declared fps."""

    step_s: float
    is_steady: bool
    late_s: float


@dataclass(frozen=True)
class FrameRate:
    """`source` frames per second are there, `written` are kept; `changes` says what that changes."""

    source: float
    written: int
    is_resampled: bool
    changes: tuple[str, ...]

    def picked(self, num_frames: int) -> np.ndarray | None:
        """Returns the numbers of the source frames nearest to each written one, or None where all are kept as they are."""
        if not self.is_resampled:
            return None
        last = (num_frames - 1) * self.written / self.source
        times = np.arange(int(np.floor(last + 1e-9)) + 1) * self.source / self.written
        return np.minimum(np.floor(times + 0.5).astype(np.int64), num_frames - 1)


def read_clock(timestamps_s: np.ndarray, fps: float) -> Clock:
    """Returns the clock of an episode."""
    late_s = float(np.abs(timestamps_s - np.arange(len(timestamps_s)) / fps).max(initial=0.0))
    steps_s = np.diff(timestamps_s)
    if len(steps_s) < 2 or not np.isfinite(steps_s).all():
        return Clock(float("nan"), False, late_s)
    step_s = float(np.median(steps_s))
    tolerance_s = STEADY_WITHIN_S + STEADY_WITHIN * step_s + float(np.spacing(np.float32(np.abs(timestamps_s).max())))
    return Clock(step_s, step_s > 0 and bool((np.abs(steps_s - step_s) <= tolerance_s).all()), late_s)


def settle_rate(declared: float, clocks: Iterable[Clock]) -> FrameRate:
    """Returns the rate of a dataset: as declared, unless the clocks of all episodes run steadily at one other rate; rounded
    where that is almost whole, otherwise brought down to the next of RATES.

    Raises:
        DatasetUnreadable: less than one frame per second.
    """
    source, changes = declared, []
    steps_s = np.array([clock.step_s if clock.is_steady else np.nan for clock in clocks])
    if steps_s.size and np.isfinite(steps_s).all() and np.ptp(steps_s) <= 0.01 * steps_s.min():
        clock_fps = 1 / float(np.median(steps_s))
        if abs(clock_fps / declared - 1) > WRONG_RATE:
            source = round(clock_fps) if _is_whole(clock_fps) else round(clock_fps, 3)
            changes.append(
                f"fps taken from the clock, which runs steadily at {source:g} in every kept episode; {declared:g} was declared"
            )
    if _is_whole(source):
        written = round(source)
        if source != written:
            changes.append(f"fps rounded from {source} to {written}")
        return FrameRate(source, written, False, tuple(changes))
    written = max((rate for rate in RATES if rate <= source), default=0)
    if not written:
        raise DatasetUnreadable(
            f"{source:g} frames per second, by fps of meta/info.json or by timestamp, cannot be written: LeRobot v3.0 counts "
            "whole ones, at least one.",
            hint="Record with at least one frame per second.",
        )
    changes.append(f"resampled from {source:g} to {written} frames per second: the nearest frame of rows and pictures")
    return FrameRate(source, written, True, tuple(changes))


def _is_whole(fps: float) -> bool:
    return fps >= 1 - ROUNDED_WITHIN and abs(fps - round(fps)) <= ROUNDED_WITHIN * fps
