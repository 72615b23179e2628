"""When nothing moves: which frames of an episode are at rest, in all joints at once. What is reported is in `motion`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from curation.quality.movement import moving_average, net_travel, smoothing_frames
from curation.quality.steadiness import tremor

IDLE_SPEED = 0.02
"""Part of its travel in the episode that a joint at rest may drift in a second. A slow, steady motion takes 40 s to cover it."""
LOOK_S = 0.3
NOISE_FACTOR = 3.0


class Idleness(NamedTuple):
    """Shares of the episode's frames, 0..1: at rest in all, at rest before the first motion, after the last, and the longest
    rest in between."""

    share: float
    start: float
    end: float
    inside: float


def idleness(values_TS: np.ndarray, fps: float) -> Idleness | None:
    """Returns the measure for finite values, or None where nothing moves at all or the episode is too short to tell."""
    is_idle_T = idle_frames(values_TS, fps)
    if is_idle_T is None:
        return None
    num_frames = len(is_idle_T)
    moving = np.flatnonzero(~is_idle_T)
    if not len(moving):
        return Idleness(1.0, 1.0, 1.0, 0.0)
    inside = int(np.diff(moving).max(initial=1)) - 1
    end = num_frames - 1 - int(moving[-1])
    return Idleness(float(is_idle_T.mean()), int(moving[0]) / num_frames, end / num_frames, inside / num_frames)


def idle_frames(values_TS: np.ndarray, fps: float) -> np.ndarray | None:
    """Returns which frames belong to a stretch in which no joint moves by more than its noise, bool (T,); None as above."""
    values_TS = values_TS.astype(np.float64)
    window = min(smoothing_frames(fps), max(len(values_TS) // 12, 1))
    look = min(max(round(LOOK_S * fps), 4), len(values_TS) // 6)
    if look < 4:
        return None
    travel_S = net_travel(values_TS, fps)
    is_moving_S = travel_S > 0
    if not is_moving_S.any():
        return None
    values_TS, travel_S = values_TS[:, is_moving_S], travel_S[is_moving_S]
    noise_S = NOISE_FACTOR * tremor(values_TS, fps) * np.sqrt(2 / window)
    limit_S = np.maximum(IDLE_SPEED * travel_S * look / fps, noise_S)
    smooth_TS = moving_average(values_TS, window)
    is_still_T = np.ones(len(smooth_TS) - look, bool)
    for distance in (look // 2, look):
        drift_TS = np.abs(smooth_TS[distance:] - smooth_TS[:-distance])[: len(is_still_T)]
        is_still_T &= (drift_TS < limit_S).all(axis=1)
    return _spread(is_still_T, len(values_TS))


def _spread(is_still_T: np.ndarray, num_frames: int) -> np.ndarray:
    """Returns the frames between the two ends of a comparison that found no motion."""
    span = num_frames - len(is_still_T)
    edges_T = np.zeros(num_frames + 1, np.int64)
    still = np.flatnonzero(is_still_T)
    np.add.at(edges_T, still, 1)
    np.add.at(edges_T, still + span + 1, -1)
    return np.cumsum(edges_T)[:num_frames] > 0
