"""How far each dimension of an episode moved, net of its own noise, and how its largest step compares with the rest.

Measures only; what they mean is in `motion`. Everything is scaled by the dimension itself, so that degrees, radians, metres,
normalised joints and grippers can stand side by side in one vector.
"""

from __future__ import annotations

import numpy as np

from curation.quality.facts import ColumnSummary, EpisodeFacts, EpisodeSummary

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
    return EpisodeSummary(episode.index, episode.num_frames, episode.task, columns)


def summarise_column(values_TD: np.ndarray, names: tuple[str, ...], fps: float) -> ColumnSummary:
    """Returns how a vector of finite values moved over at least one frame."""
    largest_D, share_D = _largest_steps(values_TD)
    return ColumnSummary(
        names=names,
        low_D=values_TD.min(axis=0).astype(np.float64),
        high_D=values_TD.max(axis=0).astype(np.float64),
        centre_D=np.median(values_TD, axis=0).astype(np.float64),
        travel_D=net_travel(values_TD, fps),
        largest_step_D=largest_D,
        largest_step_share_D=share_D,
    )


def net_travel(values_TD: np.ndarray, fps: float) -> np.ndarray:
    """Returns the range of each dimension after smoothing, shape (D,); 0 where that is no more than noise or dust."""
    window = min(max(MIN_SMOOTHED_FRAMES, round(SMOOTHING_S * fps)), len(values_TD))
    smooth_TD = moving_average(values_TD, window)
    travel_D = np.ptp(smooth_TD, axis=0)
    start = (window - 1) // 2
    noise_D = np.std(values_TD[start : start + len(smooth_TD)] - smooth_TD, axis=0)
    is_rest_D = (travel_D <= NOISE_FACTOR * noise_D) | (travel_D <= dust(values_TD))
    return np.where(is_rest_D, 0.0, travel_D)


def moving_average(values_TD: np.ndarray, window: int) -> np.ndarray:
    """Returns means over `window` frames, float64 (T - window + 1, D)."""
    sums_TD = np.cumsum(np.pad(values_TD.astype(np.float64), ((1, 0), (0, 0))), axis=0)
    return (sums_TD[window:] - sums_TD[:-window]) / window


def dust(values_TD: np.ndarray) -> np.ndarray:
    """Returns the range, shape (D,), up to which a dimension counts as standing still."""
    return DUST * np.abs(values_TD).max(axis=0).astype(np.float64)


def _largest_steps(values_TD: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(values_TD) < 2:
        zero_D = np.zeros(values_TD.shape[1])
        return zero_D, zero_D
    steps_TD = np.abs(np.diff(values_TD.astype(np.float64), axis=0))
    largest_D, path_D = steps_TD.max(axis=0), steps_TD.sum(axis=0)
    alike_D = np.where(steps_TD >= 0.8 * largest_D, steps_TD, 0.0).sum(axis=0)
    return largest_D, np.divide(alike_D, path_D, out=np.zeros_like(path_D), where=path_D > 0)
