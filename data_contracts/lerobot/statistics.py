"""Statistics of features as v3.0 stores them: exact ones of numbers, sampled ones of images, and joining those of episodes.

Numbers: min, max, mean, population standard deviation, count and quantiles over every row, so unlike LeRobot's own, which
are histograms joined over episodes, dataset quantiles are those of the data. Quantiles interpolate linearly between the two
nearest values (numpy's default; Hyndman and Fan 1996, definition 7).

Images: LeRobot's sampling rule (lerobot 0.6, `datasets/compute_stats.py`), per channel, scaled to [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
Statistics = dict[str, np.ndarray]
"""statistic -> array of the feature's shape ((3, 1, 1) for images); "count" has shape (1,)."""

_IMAGE_SHAPE = (3, 1, 1)
_SMALL_SIDE = 150
_LARGE_SIDE = 300


def numeric_statistics(values: np.ndarray) -> Statistics:
    """Returns the exact statistics of values (T, ...) over their rows, in float64; a scalar column counts as shape (1,).

    NaN anywhere in a column makes its statistics NaN: such data must not be normalised by what is left of it.
    """
    values = np.asarray(values, dtype=np.float64)
    values = values.reshape(len(values), 1) if values.ndim == 1 else values
    ordered = np.sort(values, axis=0)  # once for all: np.quantile costs more than the few hundred rows of an episode
    greatest = ordered[-1]  # NaN sorts last
    statistics = {
        "min": np.where(np.isnan(greatest), np.nan, ordered[0]),
        "max": greatest,
        "mean": values.mean(axis=0),
        "std": values.std(axis=0),
        "count": np.array([len(values)]),
    }
    for name, quantile in QUANTILES.items():
        place, share = divmod(quantile * (len(values) - 1), 1)
        below, above = ordered[int(place)], ordered[min(int(place) + 1, len(values) - 1)]
        statistics[name] = np.where(np.isnan(greatest), np.nan, below + share * (above - below))
    return statistics


def column_statistics(columns: Mapping[str, np.ndarray]) -> dict[str, Statistics]:
    """Returns the `numeric_statistics` of several columns (T, ...) with the same rows, computed in one go: a call of numpy
    costs more than the few hundred rows of an episode."""
    flat = {key: np.asarray(values, np.float64).reshape(len(values), -1) for key, values in columns.items()}
    joined = numeric_statistics(np.hstack(list(flat.values()))) if flat else {}
    statistics: dict[str, Statistics] = {}
    start = 0
    for key, values in flat.items():
        stop, shape = start + values.shape[1], columns[key].shape[1:] or (1,)
        statistics[key] = {
            name: value if name == "count" else value[start:stop].reshape(shape) for name, value in joined.items()
        }
        start = stop
    return statistics


def sampled_frames(num_frames: int) -> list[int]:
    """Returns the frames whose images stand for an episode: 100 up to about 500 frames, then length to the power 0.75."""
    count = max(min(100, num_frames), min(int(num_frames**0.75), 10_000))
    return np.round(np.linspace(0, num_frames - 1, count)).astype(int).tolist()


def image_statistics(frames: Iterable[np.ndarray]) -> Statistics:
    """Returns the statistics per channel of uint8 images (H, W, 3), exact over the pixels that the rule keeps.

    Images with a side of 300 or more are thinned to about 150 pixels a side. "count" is the number of images.
    """
    histogram = np.zeros((3, 256), dtype=np.int64)
    count = 0
    for frame in frames:
        side = max(frame.shape[:2])
        step = int(side / _SMALL_SIDE) if side >= _LARGE_SIDE else 1
        pixels = frame[::step, ::step]
        for channel in range(3):
            histogram[channel] += np.bincount(pixels[..., channel].ravel(), minlength=256)
        count += 1
    return _of_histogram(histogram, count)


def _of_histogram(histogram: np.ndarray, count: int) -> Statistics:
    levels = np.arange(256) / 255.0
    total = histogram.sum(axis=1)
    mean = histogram @ levels / total
    variance = histogram @ levels**2 / total - mean**2
    present = histogram > 0
    statistics = {
        "min": levels[present.argmax(axis=1)],
        "max": levels[255 - present[:, ::-1].argmax(axis=1)],
        "mean": mean,
        "std": np.sqrt(np.maximum(variance, 0.0)),
    }
    cumulated = histogram.cumsum(axis=1)
    for name, quantile in QUANTILES.items():
        position = quantile * (total - 1)
        below, above = (
            np.array([np.searchsorted(cumulated[c], rounded[c], side="right") for c in range(3)])
            for rounded in (np.floor(position), np.ceil(position))
        )
        share = position - np.floor(position)
        statistics[name] = levels[below] + share * (levels[above] - levels[below])
    return {name: value.reshape(_IMAGE_SHAPE) for name, value in statistics.items()} | {"count": np.array([count])}


def usable_image_statistics(published: Mapping[str, Any] | None) -> Statistics | None:
    """Returns published image statistics as arrays, or None where they are incomplete, of another shape or not in [0, 1]."""
    if not published:
        return None
    try:
        arrays = {
            name: np.asarray(published[name], dtype=np.float64)
            for name in ("min", "max", "mean", "std", "count", *QUANTILES)
            if name in ("min", "max", "mean", "std", "count") or name in published
        }
    except (KeyError, TypeError, ValueError):
        return None
    count = arrays.pop("count")
    if count.shape != (1,) or not count[0] >= 1:
        return None
    for array in arrays.values():
        if array.shape != _IMAGE_SHAPE or not np.all((array >= -1e-6) & (array <= 1 + 1e-6)):
            return None
    return arrays | {"count": count.astype(np.int64)}


def joined_statistics(episodes: Sequence[Statistics]) -> Statistics:
    """Returns the statistics of several episodes together, from those of each.

    Mean and deviation are exact (parallel variance). Quantiles cannot be: they are the envelope that LeRobot uses since
    August 2026, the least of the low ones and the greatest of the high ones, where every episode has them.
    """
    counts = np.array([episode["count"][0] for episode in episodes], dtype=np.float64)
    weights = (counts / counts.sum()).reshape(-1, *([1] * episodes[0]["mean"].ndim))
    means = np.stack([episode["mean"] for episode in episodes])
    mean = (weights * means).sum(axis=0)
    variance = (weights * (np.stack([e["std"] for e in episodes]) ** 2 + (means - mean) ** 2)).sum(axis=0)
    joined = {
        "min": np.min([episode["min"] for episode in episodes], axis=0),
        "max": np.max([episode["max"] for episode in episodes], axis=0),
        "mean": mean,
        "std": np.sqrt(variance),
        "count": np.array([int(counts.sum())]),
    }
    for name, quantile in QUANTILES.items():
        if all(name in episode for episode in episodes):
            take = np.min if quantile <= 0.5 else np.max
            joined[name] = take([episode[name] for episode in episodes], axis=0)
    return joined


def plain(statistics: Statistics) -> dict[str, Any]:
    """Returns statistics as nested lists for JSON and parquet; counts stay integers."""
    return {
        name: value.astype(np.int64).tolist() if name == "count" else value.astype(np.float64).tolist()
        for name, value in statistics.items()
    }
