"""How a robot's state follows its action: by how many frames, and how surely. What is reported is in `commands`.

Changes of the state are correlated with the action at every delay. An action may be a place to go to (then its changes come
back in the state) or a speed (then the action itself does), so both are measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MAX_LAG_S = 1.0
BACKWARDS_S = 0.5
"""For which the action may come after the state: it was written late, or to the wrong row."""
MIN_FRAMES = 24
"""Shorter motions agree with anything at some delay."""
MAX_FRAMES = 1024
"""Of longer episodes the middle is enough."""
MIN_RANGE = 0.01
"""Part of the largest range of the vector; below it a dimension holds noise."""


class Following(NamedTuple):
    """Delay in frames at which the correlation (-1..1, mean over moving dimensions) is highest, and that correlation."""

    place_lag: int
    place_peak: float
    speed_lag: int
    speed_peak: float

    @property
    def peak(self) -> float:
        return max(self.place_peak, self.speed_peak)

    @property
    def lag(self) -> int:
        return self.place_lag if self.place_peak >= self.speed_peak else self.speed_lag


def paired_dimensions(
    state_names: Sequence[str], action_names: Sequence[str], state_size: int, action_size: int
) -> list[tuple[int, int]]:
    """Returns which dimension of the action drives which of the state: by name, else by place."""
    if len(set(state_names)) == state_size and len(set(action_names)) == action_size:
        common = [name for name in state_names if name in set(action_names)]
        if len(common) > min(state_size, action_size) / 2:
            return [(state_names.index(name), action_names.index(name)) for name in common]
    return [(place, place) for place in range(min(state_size, action_size))]


def measure_following(
    state_TS: np.ndarray, action_TA: np.ndarray, pairs: Sequence[tuple[int, int]], fps: float
) -> Following | None:
    """Returns the measure, or None where too little moves or the episode is too short to tell. Values are finite."""
    if len(state_TS) < MIN_FRAMES or not pairs:
        return None
    start = max((len(state_TS) - MAX_FRAMES) // 2, 0)
    part = slice(start, start + MAX_FRAMES)
    state_TP = state_TS[part, [s for s, _ in pairs]]
    action_TP = action_TA[part, [a for _, a in pairs]]
    range_P = np.ptp(state_TP, axis=0)
    is_moving_P = (range_P > MIN_RANGE * range_P.max()) & (np.ptp(action_TP, axis=0) > 0)
    if not is_moving_P.any():
        return None
    change_TP = np.diff(state_TP[:, is_moving_P], axis=0)
    wanted_TP = np.diff(action_TP[:, is_moving_P], axis=0)
    longest = min(round(MAX_LAG_S * fps), len(change_TP) // 3)
    backwards = min(round(BACKWARDS_S * fps), len(change_TP) // 3)
    place, speed = _peaks(change_TP, (wanted_TP, action_TP[:-1, is_moving_P]), longest, backwards)
    return Following(*place, *speed)


def _peaks(
    follower_TP: np.ndarray, leaders: tuple[np.ndarray, np.ndarray], longest: int, backwards: int
) -> list[tuple[int, float]]:
    """Returns lag and height of the highest correlation of `follower` with each leader."""
    size = 1 << (len(follower_TP) + longest).bit_length()
    follower = np.fft.rfft(_scaled(follower_TP).T, size)
    peaks = []
    for leader_TP in leaders:
        leader = np.fft.rfft(_scaled(leader_TP).T, size)
        mean = np.fft.irfft((follower * leader.conj()).mean(axis=0), size)
        lags = np.concatenate([mean[len(mean) - backwards :], mean[: longest + 1]])
        best = int(lags.argmax())
        peaks.append((best - backwards, float(lags[best])))
    return peaks


def _scaled(values_TP: np.ndarray) -> np.ndarray:
    centred = values_TP - values_TP.mean(axis=0)
    norm = np.sqrt((centred * centred).sum(axis=0))
    return centred / np.where(norm > 0, norm, 1.0)
