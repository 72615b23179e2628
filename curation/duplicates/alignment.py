"""Lays one signal over another: at which speed and from where on does it run along, over how much of it, and how closely?

Time is one straight line, `place in a = rate * place in b + shift`, which covers trims, re-timings at one speed and
recordings joined end to end. The line is sought coarsely and then refined by least squares (Gauss-Newton).

What does not belong here: which pairs are worth it (`candidates`), and how close is close enough (`matching`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curation.duplicates.signal import at

RATES = np.exp(np.linspace(np.log(0.6), np.log(1 / 0.6), 25))
"""Speeds of one recording against the other, frame for frame: steps of 4% around the same speed."""
MIN_OVERLAP = 0.85
"""Share of the shorter signal that must lie over the other one: equal beginnings are no copy."""
COARSE_POINTS = 100
FAR = 0.15
"""Distances beyond this (in units of the scale, per dimension) count as this much: a few wild points cannot hide a line."""
NUM_STARTS = 4
NUM_STEPS = 10
ROBUST_AT = 0.02
SMOOTHED_OVER = 5
"""Deviations are averaged over this many points: noise averages out, another path does not."""
DRIFT_LAGS = 3
"""Few, so that quick movements still go on from one point to the next; more than one, because interpolation spreads noise."""


@dataclass(frozen=True)
class Line:
    """`place in a = rate * place in b + shift`, in points."""

    rate: float
    shift: float

    def places(self, length: int) -> np.ndarray:
        return self.rate * np.arange(length) + self.shift


@dataclass(frozen=True)
class Alignment:
    """How closely b runs along a, in units of the scale given.

    Attributes:
        coverage: share of the signal that is covered most, 0..1.
        deviation_ND: what lies between them at each point, averaged over SMOOTHED_OVER points.
        spread_D: root mean square of what lies between them, before it is averaged.
        drift_D: the part of the spread that goes on from point to point. Of white noise nothing is left, of a jump that is
            sampled at another moment little; what another performance does otherwise is left as it is.
    """

    line: Line
    coverage: float
    deviation_ND: np.ndarray
    spread_D: np.ndarray
    drift_D: np.ndarray

    @property
    def deviation(self) -> float:
        """Root mean square over all points and columns."""
        return float(np.sqrt((self.deviation_ND**2).mean()))

    @property
    def drift_share(self) -> np.ndarray:
        """Share of the power between them that goes on from point to point: 0 for white noise, 1 for another course."""
        return (self.drift_D / np.maximum(self.spread_D, 1e-9)) ** 2

    @property
    def usual_deviation(self) -> float:
        """Median over the points of the root mean square over columns: quick moments between two points do not count."""
        return float(np.median(np.sqrt((self.deviation_ND**2).mean(axis=1))))


def align(
    a_ND: np.ndarray, b_MD: np.ndarray, scale_D: np.ndarray, same_speed: float, good_enough: float = 0.0
) -> Alignment | None:
    """Returns the best alignment of b on a, or None where they share no MIN_OVERLAP of the shorter.

    Args:
        scale_D: unit of each column, positive: deviations are said in it.
        same_speed: the rate at which both run equally fast: frames per point of b over frames per point of a.
        good_enough: a deviation at which no better alignment is sought.
    """
    a, b = a_ND / scale_D, b_MD / scale_D
    best = _measured(a, b, _refined(a, b, Line((len(a) - 1) / (len(b) - 1), 0.0)))
    if best is not None and best.deviation < good_enough:
        return best
    for start in _starts(a, b, same_speed):
        found = _measured(a, b, _refined(a, b, start))
        if found is not None and (best is None or found.deviation < best.deviation):
            best = found
            if best.deviation < good_enough:
                break
    return best


def least_distance(a_ND: np.ndarray, b_MD: np.ndarray) -> float:
    """Returns how far every other point of the signal that fits better lies from the course of the other one: the median of
    the root mean square over columns. About a lower bound of what any alignment reaches, at little cost."""

    def to_course(points: np.ndarray, course: np.ndarray) -> float:
        dense = at(course, np.arange(0, len(course) - 0.5, 0.5))
        return float(np.median(_squared_distances(points[::2], dense).min(axis=1)))

    return float(np.sqrt(min(to_course(a_ND, b_MD), to_course(b_MD, a_ND)) / a_ND.shape[1]))


def _starts(a: np.ndarray, b: np.ndarray, same_speed: float) -> list[Line]:
    """Returns lines to start from: the best of a grid of rates and shifts."""
    step_a, step_b = (max(1, len(points) // COARSE_POINTS) for points in (a, b))
    coarse_a, coarse_b = a[::step_a], b[::step_b]
    cost = np.minimum(_squared_distances(coarse_a, coarse_b) / a.shape[1], FAR**2)
    found = [
        (error, Line(line.rate * step_a / step_b, line.shift * step_a))
        for error, line in (_best_shift(cost, float(rate)) for rate in RATES * same_speed * step_b / step_a)
        if np.isfinite(error)
    ]
    return [line for _, line in sorted(found, key=lambda entry: entry[0])[:NUM_STARTS]]


def _best_shift(cost_NM: np.ndarray, rate: float) -> tuple[float, Line]:
    rows, columns = cost_NM.shape
    least = MIN_OVERLAP * rate * min(columns - 1, (rows - 1) / rate)
    shifts = np.arange(np.ceil(least - rate * (columns - 1)), np.floor(rows - 1 - least) + 1)
    if not len(shifts):
        return np.inf, Line(rate, 0.0)
    places = np.round(rate * np.arange(columns)[None] + shifts[:, None]).astype(int)
    is_inside = (places >= 0) & (places < rows)
    costs = np.where(is_inside, cost_NM[np.clip(places, 0, rows - 1), np.arange(columns)], 0).sum(axis=1)
    mean = costs / np.maximum(is_inside.sum(axis=1), 1)
    best = int(mean.argmin())
    return float(mean[best]), Line(rate, float(shifts[best]))


def _refined(a: np.ndarray, b: np.ndarray, line: Line) -> Line:
    """Returns the line after a few Gauss-Newton steps on robustly weighted deviations."""
    slope_a = np.gradient(a, axis=0)
    numbers = np.arange(len(b), dtype=float)
    for _ in range(NUM_STEPS):
        places = line.places(len(b))
        inside = (places >= 0) & (places <= len(a) - 1)
        if inside.sum() < 4:
            break
        slope = at(slope_a, places[inside])
        deviation = b[inside] - at(a, places[inside])
        weighted = slope / (1 + (deviation / ROBUST_AT) ** 2)
        by_rate = numbers[inside][:, None]
        curvature = (weighted * slope).sum(axis=1, keepdims=True)
        pull = (weighted * deviation).sum(axis=1, keepdims=True)
        normal = np.array([[(curvature * by_rate**2).sum(), (curvature * by_rate).sum()],
                           [(curvature * by_rate).sum(), curvature.sum()]])  # fmt: skip
        normal += np.eye(2) * (1e-9 + 1e-6 * np.trace(normal))
        step = np.linalg.solve(normal, [(pull * by_rate).sum(), pull.sum()])
        limit = max(1.0, len(a) / 40)
        step *= min(1.0, limit / max(abs(step[1]), abs(step[0]) * len(b), 1e-12))
        line = Line(line.rate + step[0], line.shift + step[1])
        if max(abs(step[0]) * len(b), abs(step[1])) < 1e-3:
            break
    return line


def _measured(a: np.ndarray, b: np.ndarray, line: Line) -> Alignment | None:
    if line.rate <= 0:
        return None
    places = line.places(len(b))
    inside = (places >= -0.5) & (places <= len(a) - 0.5)
    covered = places[inside]
    if len(covered) < 4:
        return None
    of_a = (min(covered[-1], len(a) - 1) - max(covered[0], 0) + 1) / len(a)
    coverage = min(max(len(covered) / len(b), of_a), 1.0)
    if coverage < MIN_OVERLAP:
        return None
    between = b[inside] - at(a, covered)
    spread = np.sqrt((between**2).mean(axis=0))
    return Alignment(line, float(coverage), _smoothed(between), spread, _drift(between))


def _drift(between_ND: np.ndarray) -> np.ndarray:
    """Returns the root of the mean autocovariance at the lags up to DRIFT_LAGS, 0 where that is negative."""
    lags = range(1, min(DRIFT_LAGS, len(between_ND) - 1) + 1)
    products = [(between_ND[lag:] * between_ND[:-lag]).mean(axis=0) for lag in lags]
    return np.sqrt(np.maximum(np.mean(products, axis=0), 0))


def _smoothed(values_TD: np.ndarray) -> np.ndarray:
    width = min(SMOOTHED_OVER, len(values_TD))
    sums = np.concatenate([np.zeros((1, values_TD.shape[1])), np.cumsum(values_TD, axis=0)])
    return (sums[width:] - sums[:-width]) / width


def _squared_distances(a_ND: np.ndarray, b_MD: np.ndarray) -> np.ndarray:
    squares = (a_ND**2).sum(axis=1)[:, None] + (b_MD**2).sum(axis=1)[None] - 2 * a_ND @ b_MD.T
    return np.maximum(squares, 0)
