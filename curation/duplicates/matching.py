"""Which episodes are near copies of each other: candidates by every tier, each compared.

What does not belong here: how close is close enough (`comparison`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
import polars as pl

from curation.duplicates.alignment import Alignment, align, least_distance
from curation.duplicates.candidates import candidate_pairs
from curation.duplicates.comparison import (
    EXACT_DRIFT,
    MIN_DIGEST_SHARE,
    MIN_DIGESTS,
    MIN_PICTURE_MOTION,
    PICTURE_FLOOR,
    Comparison,
    Pictures,
)
from curation.duplicates.joints import is_moving
from curation.duplicates.pictures import contrasts, mirrored
from curation.duplicates.shingles import digest_shingles, encoding_shingles, joint_shingles, picture_shingles
from curation.duplicates.signal import unpacked

GREY_UNIT = 40.0
"""Grey levels that count as one when pictures are aligned: about what an arm changes where it passes."""
JOINT_PROMISE, PICTURE_PROMISE = 0.05, 2.0
"""Nothing is aligned whose points lie farther apart than this already."""
REMEMBERED = 1024
"""Episodes whose signals are kept unpacked: about 50 MB."""
MIN_SHARED_CELLS, MIN_CELL_SHARE = 4, 0.2


def find_matches(fingerprints: pl.DataFrame) -> list[Comparison]:
    """Returns all pairs of rows that are near copies, by number of the row, ascending.

    Args:
        fingerprints: rows of FINGERPRINTS, no two of equal content.
    """
    return [comparison for comparison in compare(fingerprints, candidates(fingerprints)) if comparison.is_copy]


def candidates(fingerprints: pl.DataFrame) -> list[tuple[int, int]]:
    """Returns the pairs of rows that any tier finds worth comparing, smaller first, ascending."""
    tiers = (
        (encoding_shingles(fingerprints), 1, 0.0),
        (digest_shingles(fingerprints), MIN_DIGESTS, MIN_DIGEST_SHARE / 2),
        (joint_shingles(fingerprints), MIN_SHARED_CELLS, MIN_CELL_SHARE),
        (picture_shingles(fingerprints), MIN_SHARED_CELLS, MIN_CELL_SHARE),
    )
    found = [candidate_pairs(shingles, min_shared=least, min_share=share) for shingles, least, share in tiers]
    return [(first, second) for first, second in np.unique(np.concatenate(found), axis=0).tolist()]


def compare(fingerprints: pl.DataFrame, pairs: Iterable[tuple[int, int]]) -> Iterator[Comparison]:
    """Yields what the tiers say of each pair of rows. Pictures are aligned only where the joints leave it open: most of the
    time goes into them, and what the joints show to be another performance they cannot make a copy."""
    columns = {name: fingerprints[name] for name in fingerprints.columns}

    @lru_cache(maxsize=REMEMBERED)
    def joints(number: int) -> np.ndarray | None:
        path = columns["joint_path"][number]
        return None if path is None else unpacked(path)

    @lru_cache(maxsize=REMEMBERED)
    def pictures(number: int) -> list[np.ndarray]:
        signals = columns["picture_signals"][number]
        return [] if signals is None else [contrasts(signal) for signal in signals]

    for first, second in pairs:
        lengths = columns["num_frames"][first], columns["num_frames"][second]
        is_same_kind = columns["state_size"][first] == columns["state_size"][second]
        is_same_encoding = _is_same_encoding(columns["picture_digests"], first, second)
        comparison = Comparison(
            first,
            second,
            is_same_encoding=is_same_encoding and _is_lively(pictures(first)),
            digest_share=_digest_share(columns["joint_digests"], first, second),
            joints=_joints(joints(first), joints(second), lengths) if is_same_kind else None,
        )
        if not comparison.is_other_performance:
            comparison = replace(comparison, pictures=_pictures(pictures(first), pictures(second), lengths))
        yield comparison


def _is_same_encoding(digests: pl.Series, first: int, second: int) -> bool:
    own, other = (set(digests[number]) if digests[number] is not None else set() for number in (first, second))
    return bool(own and other) and (own <= other or other <= own)


def _is_lively(cameras: list[np.ndarray]) -> bool:
    return any(_motion(pictures) >= MIN_PICTURE_MOTION for pictures in cameras)


def _digest_share(digests: pl.Series, first: int, second: int) -> float:
    own, other = (set(digests[number]) if digests[number] is not None else set() for number in (first, second))
    shared = len(own & other)
    return shared / max(len(own), len(other)) if shared >= MIN_DIGESTS else 0.0


def _joints(a_ND: np.ndarray | None, b_MD: np.ndarray | None, lengths: tuple[int, int]) -> Alignment | None:
    if a_ND is None or b_MD is None or a_ND.shape[1] != b_MD.shape[1]:
        return None
    moving = is_moving(a_ND) | is_moving(b_MD)
    scale = np.maximum(np.ptp(a_ND, axis=0), np.ptp(b_MD, axis=0))[moving]
    a, b = a_ND[:, moving], b_MD[:, moving]
    if least_distance(a / scale, b / scale) > JOINT_PROMISE:
        return None
    return align(a, b, scale, (lengths[1] / len(b)) / (lengths[0] / len(a)), EXACT_DRIFT / 2)


def _pictures(first: list[np.ndarray], second: list[np.ndarray], lengths: tuple[int, int]) -> Pictures | None:
    """Compares each camera of the episode that has fewer with the one of the other that is nearest, until one disagrees."""
    if len(first) > len(second):
        first, second, lengths = second, first, lengths[::-1]
    worst = None
    for own in first:
        found = _nearest_camera(own, second, lengths)
        if found is None or found.excess > 1:
            return found
        worst = found if worst is None else max(worst, found, key=lambda one: one.excess)
    return worst


def _nearest_camera(own: np.ndarray, others: list[np.ndarray], lengths: tuple[int, int]) -> Pictures | None:
    ways = [(least_distance(own, view), other, view) for other in others for view in (other, mirrored(other))]
    distance, other, view = min(ways, key=lambda way: way[0])
    motion = max(_motion(own), _motion(view))
    if distance > PICTURE_PROMISE or motion < MIN_PICTURE_MOTION or min(len(own), len(view)) < 8:
        return None
    same_speed = (lengths[1] / len(view)) / (lengths[0] / len(own))
    found = align(own, view, np.full(own.shape[1], GREY_UNIT), same_speed, PICTURE_FLOOR / GREY_UNIT / 2)
    if found is None:
        return None
    deviation = found.usual_deviation * GREY_UNIT
    return Pictures(round(deviation, 4), round(motion, 4), view is not other)


def _motion(pictures_NP: np.ndarray) -> float:
    return float(np.sqrt(pictures_NP.var(axis=0).mean()))
