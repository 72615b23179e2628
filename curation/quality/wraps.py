"""Joints that leave one end of their scale and come back at the other: found, and undone. What is reported is in `paths`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

TURNS = {"degrees": 360.0, "radians": 2 * np.pi, "encoder counts": 4096.0}
"""A whole turn in the units that joints are stored in. Nothing but a turn steps by just this much and goes on."""
SCALES = {"normalised to -100..100": 200.0, "normalised to -1..1": 2.0, "normalised to 0..100": 100.0}
"""Scales that end where a calibrated range ends; grippers and sticks cross them from end to end as well."""
STEP_SHARE = 0.75
"""A wrap leads from near one end of all values to near the other."""
PERIOD_TOLERANCE = 0.02
SLOPE_FRAMES = 4
MIN_SLOPE = 1e-4
"""Part of the period per frame: a joint that crosses the end of its scale moves before and after, and the same way."""


class Wrap(NamedTuple):
    """One joint of one episode. `frames` are those that the wraps lead to; `is_turn` where the period is a whole turn.

    `step_after` is the largest step that is left at those frames once the period is added.
    """

    dimension: int
    frames: tuple[int, ...]
    period: float
    unit: str
    is_turn: bool
    step_after: float


def find_wraps(values_TD: np.ndarray) -> tuple[Wrap, ...]:
    """Returns the joints that wrap, for finite values, float64 (T, D)."""
    if len(values_TD) < 2 * SLOPE_FRAMES:
        return ()
    largest_D = np.abs(np.diff(values_TD, axis=0)).max(axis=0)
    range_D = np.ptp(values_TD, axis=0)
    candidates = np.flatnonzero((largest_D >= STEP_SHARE * range_D) & (range_D > 0))
    found = (_wrap_of(values_TD[:, dimension], int(dimension)) for dimension in candidates)
    return tuple(wrap for wrap in found if wrap is not None)


def unwrapped(values_T: np.ndarray, period: float) -> np.ndarray:
    """Returns the joint's path without its wraps: every step beyond half a period is taken the short way round."""
    return np.unwrap(values_T, period=period)


def _wrap_of(values_T: np.ndarray, dimension: int) -> Wrap | None:
    steps_T = np.diff(values_T)
    events = np.flatnonzero(np.abs(steps_T) >= STEP_SHARE * np.ptp(values_T))
    if len(events) > len(steps_T) / 4:
        return None  # noise, or a switch that rattles
    slopes = [_slopes(steps_T, events, event) for event in events]
    inner = np.delete(steps_T, events)
    speed = float(np.quantile(np.abs(inner), 0.99)) if len(inner) else 0.0
    size = float(np.median(np.abs(steps_T[events])))
    for unit, period in TURNS.items():
        if abs(size - period) <= PERIOD_TOLERANCE * period + 2 * speed and _is_on_turn(values_T, period):
            left = np.abs(steps_T[events] - np.sign(steps_T[events]) * period)
            if speed > 0 and (left <= PERIOD_TOLERANCE * period + 3 * speed).all():
                return _wrap(events, dimension, period, unit, left, is_turn=True)
    is_through = [
        min(abs(before), abs(after)) >= MIN_SLOPE * size and before * after > 0 and before * steps_T[event] < 0
        for event, (before, after) in zip(events, slopes, strict=True)
    ]
    if not all(is_through):
        return None
    guess = size + float(np.median([abs(before + after) / 2 for before, after in slopes]))
    unit, period = _nearest_scale(guess, np.abs(values_T).max())
    left = np.abs(steps_T[events] - np.sign(steps_T[events]) * period)
    is_smooth = (left <= 3 * speed + PERIOD_TOLERANCE * period).all()
    return _wrap(events, dimension, period, unit, left, is_turn=False) if is_smooth else None


def _wrap(events: np.ndarray, dimension: int, period: float, unit: str, left: np.ndarray, *, is_turn: bool) -> Wrap:
    return Wrap(dimension, tuple((events + 1).tolist()), period, unit, is_turn, float(left.max()))


def _is_on_turn(values_T: np.ndarray, period: float) -> bool:
    """Returns True where the values keep to one turn: from minus to plus half of it, or from zero to all of it."""
    slack = PERIOD_TOLERANCE * period
    low, high = values_T.min(), values_T.max()
    return high - low <= period + slack and -period - slack <= low and high <= period + slack


def _slopes(steps_T: np.ndarray, events: np.ndarray, event: int) -> tuple[float, float]:
    """Returns the mean step of the frames just before and just after an event, other events left out."""
    is_event_T = np.zeros(len(steps_T), bool)
    is_event_T[events] = True
    before = slice(max(event - SLOPE_FRAMES, 0), event)
    after = slice(event + 1, event + 1 + SLOPE_FRAMES)
    means = []
    for place in (before, after):
        inner = steps_T[place][~is_event_T[place]]
        means.append(float(inner.mean()) if len(inner) else 0.0)
    return means[0], means[1]


def _nearest_scale(size: float, reach: float) -> tuple[str, float]:
    for unit, period in SCALES.items():
        if abs(size - period) <= 2 * PERIOD_TOLERANCE * period and reach <= period * (1 + PERIOD_TOLERANCE):
            return unit, period
    return "its own scale", size
