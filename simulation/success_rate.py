"""How sure a success rate is."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist


def wilson_interval(num_successes: int, num_trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Returns the Wilson score interval (low, high) of a success rate, both in 0..1 (Wilson 1927; no continuity correction).

    Without trials nothing is known: (0, 1).
    """
    if not 0 <= num_successes <= num_trials:
        raise ValueError(f"{num_successes} successes of {num_trials} trials is impossible")
    if num_trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate = num_successes / num_trials
    shrink = 1 + z**2 / num_trials
    centre = (rate + z**2 / (2 * num_trials)) / shrink
    margin = z / shrink * sqrt(rate * (1 - rate) / num_trials + z**2 / (4 * num_trials**2))
    return max(0.0, centre - margin), min(1.0, centre + margin)
