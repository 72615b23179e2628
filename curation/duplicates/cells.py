"""Speed-invariant shingles: the cells of a coarse grid that a signal passes through, however fast, in whatever part.

A trimmed or re-timed copy visits (nearly) the cells of its original, one that is joined of two visits those of both. Cells
are for finding candidates only; how closely two signals agree is measured in `alignment`.
"""

from __future__ import annotations

import numpy as np

from curation.duplicates.pictures import GRID
from curation.duplicates.signal import at

NUM_GRIDS = 4
"""Grids over different columns with different offsets: one of them forgives a column that a copy changed."""
COLUMNS_PER_GRID = 4
JOINT_CELLS = 24
"""Cells over the range that a joint usually has in its family: narrow, so that few honest episodes share them; noise of 1%
moves a softened point by a tenth of one."""
PICTURE_CELL = 0.75
"""Grey levels."""
POINTS_BETWEEN = 3
_FREQUENCIES = ((0, 1), (1, 0), (1, 1), (2, 0), (0, 2), (2, 1), (1, 2))
"""Of the cosines across and down a picture, the coarsest."""


def cells_of(points_ND: np.ndarray, widths_D: np.ndarray, salt: int) -> np.ndarray:
    """Returns the cells that a signal visits, int64, ascending and without repeats.

    Args:
        widths_D: how wide a cell is along each column; 0 leaves the column out.
        salt: signals with different salts share no cell.
    """
    usable = np.flatnonzero(widths_D > 0)
    if not len(usable):
        return np.zeros(0, np.int64)
    places = np.arange(0, len(points_ND) - 1 + 1e-9, 1 / POINTS_BETWEEN)
    dense = at(_softened(_softened(points_ND[:, usable])), places) / widths_D[usable]
    rng = np.random.default_rng([len(points_ND[0]), salt])
    found = []
    for grid in range(NUM_GRIDS):
        columns = rng.permutation(len(usable))[:COLUMNS_PER_GRID]
        visited = np.floor(dense[:, columns] + rng.random(len(columns))).astype(np.int64)
        found.append(_mixed(visited, salt * NUM_GRIDS + grid))
    return np.unique(np.concatenate(found))


def picture_features(pictures_NP: np.ndarray) -> np.ndarray:
    """Returns the coarsest cosines of small pictures, the same for a picture and its mirror images, float64 (N, 7)."""
    angles = (np.arange(GRID) + 0.5) * np.pi / GRID
    waves = np.stack([np.outer(np.cos(down * angles), np.cos(across * angles)) for down, across in _FREQUENCIES])
    sums = np.einsum("np,kp->nk", pictures_NP, waves.reshape(len(waves), -1))
    is_odd = np.array([down % 2 == 1 or across % 2 == 1 for down, across in _FREQUENCIES])
    return np.where(is_odd, np.abs(sums), sums) / (GRID * GRID) * 2


def _softened(points_ND: np.ndarray) -> np.ndarray:
    before, after = np.concatenate([points_ND[:1], points_ND[:-1]]), np.concatenate([points_ND[1:], points_ND[-1:]])
    return (before + points_ND + after) / 3


def _mixed(visited_NC: np.ndarray, salt: int) -> np.ndarray:
    """Returns one well-mixed number per row (the finaliser of splitmix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        mixed = np.full(len(visited_NC), np.uint64(salt + 1) * np.uint64(0x9E3779B97F4A7C15))
        for column in visited_NC.T:
            mixed = (mixed ^ column.astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed ^= mixed >> np.uint64(31)
    return mixed.astype(np.int64)
