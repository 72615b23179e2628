"""Statistics as LeRobot v2.0 and v2.1 stored them: minimum, maximum, mean, standard deviation and (v2.1) count; no quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Statistics = dict[str, Any]


def numeric_statistics(values: np.ndarray) -> Statistics:
    """Returns the statistics of one episode's column, (T,) or (T, n): lists of length n (1 for a scalar)."""
    rows = values.reshape(len(values), -1).astype(np.float64)
    with np.errstate(invalid="ignore"):  # a planted NaN belongs in the statistics, as it does in the wild
        summary = {"min": rows.min(axis=0), "max": rows.max(axis=0), "mean": rows.mean(axis=0), "std": rows.std(axis=0)}
    return {name: row.tolist() for name, row in summary.items()} | {"count": [len(rows)]}


def image_statistics(frames: np.ndarray) -> Statistics:
    """Returns the statistics of one episode's frames, uint8 (T, H, W, 3): values in 0..1, nested lists of shape (3, 1, 1).

    Looks at a sample of the frames, at most 100 below 500 frames, as LeRobot did (`sample_indices`).
    """
    length = len(frames)
    num_samples = max(min(100, length), min(int(length**0.75), 10_000))
    sampled = frames[np.round(np.linspace(0, length - 1, num_samples)).astype(int)]
    channels = [_channel_statistics(sampled[..., channel]) for channel in range(3)]
    statistics = {name: np.array([c[name] for c in channels]).reshape(3, 1, 1).tolist() for name in channels[0]}
    return statistics | {"count": [num_samples]}


def _channel_statistics(values: np.ndarray) -> dict[str, float]:
    """Exact statistics of uint8 values as fractions of 255, from a histogram: a quarter of the time that the pixels take."""
    counts = np.bincount(values.ravel(), minlength=256)
    levels = np.arange(256) / 255
    present = levels[counts > 0]
    mean = np.average(levels, weights=counts)
    std = np.sqrt(np.average((levels - mean) ** 2, weights=counts))
    return {"min": present[0], "max": present[-1], "mean": mean, "std": std}


def aggregate(episodes: Sequence[dict[str, Statistics]]) -> dict[str, Statistics]:
    """Returns the statistics of the whole dataset from those of its episodes, without count, as stats.json of v2.0 has them."""
    return {key: _aggregate([episode[key] for episode in episodes]) for key in (episodes[0] if episodes else {})}


def _aggregate(parts: list[Statistics]) -> Statistics:
    """Count-weighted mean and parallel variance (Chan et al. 1979)."""
    column = {name: np.array([part[name] for part in parts]) for name in ("min", "max", "mean", "std")}
    counts = np.array([part["count"][0] for part in parts], float)
    weights = (counts / counts.sum()).reshape(-1, *[1] * (column["mean"].ndim - 1))
    mean = (weights * column["mean"]).sum(axis=0)
    variance = (weights * (column["std"] ** 2 + (column["mean"] - mean) ** 2)).sum(axis=0)
    summary = {"min": column["min"].min(axis=0), "max": column["max"].max(axis=0), "mean": mean, "std": variance**0.5}
    return {name: values.tolist() for name, values in summary.items()}
