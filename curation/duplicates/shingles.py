"""The shingles of every episode of a FINGERPRINTS table, per tier, as `candidates` wants them.

What does not belong here: which cells a signal visits (`cells`), and counting what episodes share (`candidates`).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict

import numpy as np
import polars as pl

from curation.duplicates.cells import JOINT_CELLS, PICTURE_CELL, cells_of, picture_features
from curation.duplicates.pictures import contrasts
from curation.duplicates.signal import extents, unpacked

OCTAVES_PER_UNIT = 4
"""Recordings whose joints move 16 times as far are in another unit (radians and degrees differ by 57)."""
NEAR_BORDER = 0.25

NONE = np.zeros(0, np.int64)


def encoding_shingles(fingerprints: pl.DataFrame) -> list[np.ndarray]:
    """Returns one shingle per camera: its encoded frames."""
    return [
        np.unique([_number(digest) for digest in digests]) if digests else NONE
        for digests in fingerprints["picture_digests"].to_list()
    ]


def digest_shingles(fingerprints: pl.DataFrame) -> list[np.ndarray]:
    """Returns one shingle per moving joint: its course under any calibration."""
    return [np.unique(digests) if digests else NONE for digests in fingerprints["joint_digests"].to_list()]


def joint_shingles(fingerprints: pl.DataFrame) -> list[np.ndarray]:
    """Returns the cells that the joints visit. Cells are as wide as the joints of the episode's family usually move."""
    shingles = [NONE] * fingerprints.height
    paths = fingerprints["joint_path"]
    for salt, members in sorted(_families(fingerprints).values()):
        ranges = np.median([extents(paths[number]) for number in members], axis=0)
        widths = np.where(ranges > 0, 2.0 ** np.round(np.log2(np.where(ranges > 0, ranges, 1))), 0) / JOINT_CELLS
        for number in members:
            cells = cells_of(unpacked(paths[number]), widths, salt)
            shingles[number] = np.union1d(shingles[number], cells)
    return shingles


def picture_shingles(fingerprints: pl.DataFrame) -> list[np.ndarray]:
    """Returns the cells that the small pictures of all cameras visit, the same for mirrored ones."""
    return [
        np.unique(np.concatenate([NONE, *(_picture_cells(signal) for signal in signals or ())]))
        for signals in (row for (row,) in fingerprints.select("picture_signals").iter_rows())
    ]


def _picture_cells(signal: bytes) -> np.ndarray:
    features = picture_features(contrasts(signal))
    return cells_of(features, np.full(features.shape[1], PICTURE_CELL), salt=0)


def _families(fingerprints: pl.DataFrame) -> dict[tuple[int, int, int], tuple[int, list[int]]]:
    """Returns (salt, episodes) of every family: the same sizes of state and action, and about the same unit."""
    members: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for number, (size, path) in enumerate(fingerprints.select("state_size", "joint_path").iter_rows()):
        if path is not None:
            reach = extents(path)
            unit = np.log2(np.median(reach[reach > 0])) / OCTAVES_PER_UNIT
            for place in {int(np.round(unit - NEAR_BORDER)), int(np.round(unit + NEAR_BORDER))}:
                members[size, len(reach), place].append(number)
    return {key: (_number(repr(key)) % 2**32, numbers) for key, numbers in members.items()}


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)
