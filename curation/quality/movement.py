"""What is measured of every episode for comparing it with the others, and how far each dimension moved, net of its noise.

Measures only; what they mean is in `motion`, `paths` and `commands`. Everything is scaled by the dimension itself, so that
degrees, radians, metres, normalised joints and grippers can stand side by side in one vector.
"""

from __future__ import annotations

import numpy as np

from curation.quality.facts import ColumnSummary, EpisodeFacts, EpisodeSummary
from curation.quality.following import Following, measure_following, paired_dimensions
from curation.quality.jumps import measure_jumps
from curation.quality.steadiness import pinned, tremor
from curation.quality.wraps import find_wraps

SMOOTHING_S = 0.2
"""Longer than sensor noise and shorter than any motion of an arm."""
MIN_SMOOTHED_FRAMES = 5
NOISE_FACTOR = 4.0
"""The smoothed range of pure noise stays below 3.5 times its deviation over 1,000 frames; a joint that moves exceeds 10."""
DUST = 1e-4
"""Part of a value's magnitude that float32 arithmetic and a simulator's contact solver leave behind in a joint at rest."""


def summarise(episode: EpisodeFacts) -> EpisodeSummary:
    """Returns what is kept of an episode for comparing it with others. A column with NaN or infinity is left out."""
    columns = {
        key: summarise_column(values_TD, names, episode.fps)
        for key, (values_TD, names) in episode.columns.items()
        if len(values_TD) and np.isfinite(values_TD).all()
    }
    both = following(episode) if len(columns) == len(episode.columns) else None
    return EpisodeSummary(episode.index, episode.num_frames, episode.task, columns, episode.fps, both)


def summarise_column(values_TD: np.ndarray, names: tuple[str, ...], fps: float) -> ColumnSummary:
    """Returns how a vector of finite values moved over at least one frame."""
    exact_TD = values_TD.astype(np.float64)
    return ColumnSummary(
        names=names,
        low_D=exact_TD.min(axis=0),
        high_D=exact_TD.max(axis=0),
        centre_D=np.median(exact_TD, axis=0),
        travel_D=net_travel(exact_TD, fps),
        jumps=measure_jumps(exact_TD),
        tremor_D=tremor(exact_TD, fps),
        pinned=pinned(exact_TD),
        wraps=find_wraps(exact_TD),
    )


def following(episode: EpisodeFacts) -> Following | None:
    """Returns how the state of an episode follows its action. Both are finite."""
    pairs = paired_dimensions(
        episode.state_names, episode.action_names, episode.state_TS.shape[1], episode.action_TA.shape[1]
    )
    return measure_following(
        episode.state_TS.astype(np.float64), episode.action_TA.astype(np.float64), pairs, episode.fps
    )


def net_travel(values_TD: np.ndarray, fps: float) -> np.ndarray:
    """Returns the range of each dimension after smoothing, shape (D,); 0 where that is no more than noise or dust."""
    window = min(smoothing_frames(fps), len(values_TD))
    smooth_TD = moving_average(values_TD, window)
    travel_D = np.ptp(smooth_TD, axis=0)
    start = (window - 1) // 2
    noise_D = np.std(values_TD[start : start + len(smooth_TD)] - smooth_TD, axis=0)
    is_rest_D = (travel_D <= NOISE_FACTOR * noise_D) | (travel_D <= dust(values_TD))
    return np.where(is_rest_D, 0.0, travel_D)


def smoothing_frames(fps: float) -> int:
    """Returns the frames over which noise is averaged out."""
    return max(MIN_SMOOTHED_FRAMES, round(SMOOTHING_S * fps))


def moving_average(values_TD: np.ndarray, window: int) -> np.ndarray:
    """Returns means over `window` frames, float64 (T - window + 1, D)."""
    sums_TD = np.cumsum(np.pad(values_TD.astype(np.float64), ((1, 0), (0, 0))), axis=0)
    return (sums_TD[window:] - sums_TD[:-window]) / window


def dust(values_TD: np.ndarray) -> np.ndarray:
    """Returns the range, shape (D,), up to which a dimension counts as standing still."""
    return DUST * np.abs(values_TD).max(axis=0).astype(np.float64)
