"""A signal: how some values went over an episode, kept small. Joints are one, the pictures of a camera are another.

What does not belong here: where values come from (`joints`, `pictures`), and comparing two signals (`alignment`).
"""

from __future__ import annotations

import struct

import numpy as np

_HEADER = struct.Struct("<HH")
_STEPS = 65535
"""int16 has this many steps between the lowest and the highest value of a column: 0.0015% of its range."""


def box_sampled(values_TD: np.ndarray, limit: int) -> np.ndarray:
    """Returns at most `limit` points, float64 (N, D), each the mean over its share of the time; short ones as they are.

    Summed in one fixed order, so that the result is the same on every machine and with any number of threads.
    """
    values = np.asarray(values_TD, dtype=np.float64)
    if len(values) <= limit:
        return values
    return np.diff(_integral_at(values, np.linspace(0, len(values), limit + 1)), axis=0) / (len(values) / limit)


def at(points_ND: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Returns the signal at fractional point numbers, straight lines between the points and its ends held beyond them."""
    places = np.clip(places, 0, len(points_ND) - 1)
    low = np.minimum(places.astype(np.int64), max(len(points_ND) - 2, 0))
    weight = (places - low)[:, None]
    return points_ND[low] * (1 - weight) + points_ND[np.minimum(low + 1, len(points_ND) - 1)] * weight


def packed(points_ND: np.ndarray) -> bytes:
    """Returns the signal as bytes: shape, lowest value and range of each column (float32), and int16 in steps of the range."""
    low = points_ND.min(axis=0).astype("<f4")
    extent = (points_ND.max(axis=0) - low).astype("<f4")
    codes = np.round((points_ND - low) / np.where(extent > 0, extent, 1) * _STEPS) - 32768
    clipped = np.clip(codes, -32768, 32767).astype("<i2")
    return _HEADER.pack(*points_ND.shape) + low.tobytes() + extent.tobytes() + clipped.tobytes()


def unpacked(content: bytes) -> np.ndarray:
    """Returns the points of a packed signal, float64 (N, D)."""
    rows, columns = _HEADER.unpack_from(content)
    low, extent = np.frombuffer(content, "<f4", 2 * columns, _HEADER.size).reshape(2, columns).astype(np.float64)
    codes = np.frombuffer(content, "<i2", rows * columns, _HEADER.size + 8 * columns).reshape(rows, columns)
    return low + (codes.astype(np.float64) + 32768) / _STEPS * extent


def extents(content: bytes) -> np.ndarray:
    """Returns how far each column of a packed signal reaches from its lowest to its highest value, float64 (D,)."""
    _, columns = _HEADER.unpack_from(content)
    return np.frombuffer(content, "<f4", columns, _HEADER.size + 4 * columns).astype(np.float64)


def _integral_at(values_TD: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Returns the sum of the values up to each edge, where an edge may lie within a frame."""
    sums = np.concatenate([np.zeros((1, values_TD.shape[1])), np.cumsum(values_TD, axis=0)])
    whole = np.minimum(edges.astype(np.int64), len(values_TD) - 1)
    return sums[whole] + (edges - whole)[:, None] * values_TD[whole]
