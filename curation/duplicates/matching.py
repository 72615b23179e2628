"""Which episodes are near copies of each other: candidates by every tier, each compared in the tiers that found it first.

What does not belong here: how close is close enough (`comparison`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
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
    found = candidates(fingerprints)
    likely = [
        comparison.first_and_second
        for tiers in (frozenset({"joints"}), frozenset({"pictures"}), frozenset({"joints", "pictures"}), frozenset())
        for comparison in compare(fingerprints, sorted(p for p, by in found.items() if by - {"bytes"} == tiers), tiers)
        if comparison.is_copy
    ]
    return [comparison for comparison in compare(fingerprints, sorted(likely)) if comparison.is_copy]


def candidates(fingerprints: pl.DataFrame) -> dict[tuple[int, int], set[str]]:
    """Returns the pairs of rows that are worth comparing, smaller first, and the tiers that say so: bytes, joints, pictures."""
    found: dict[tuple[int, int], set[str]] = defaultdict(set)
    for tier, shingles, min_shared, min_share in (
        ("bytes", encoding_shingles(fingerprints), 1, 0.0),
        ("bytes", digest_shingles(fingerprints), MIN_DIGESTS, MIN_DIGEST_SHARE / 2),
        ("joints", joint_shingles(fingerprints), MIN_SHARED_CELLS, MIN_CELL_SHARE),
        ("pictures", picture_shingles(fingerprints), MIN_SHARED_CELLS, MIN_CELL_SHARE),
    ):
        for first, second in candidate_pairs(shingles, min_shared=min_shared, min_share=min_share).tolist():
            found[first, second].add(tier)
    return found


def compare(
    fingerprints: pl.DataFrame,
    pairs: Iterable[tuple[int, int]],
    aligned: frozenset[str] = frozenset({"joints", "pictures"}),
) -> Iterator[Comparison]:
    """Yields what the tiers say of each pair of rows; of joints and pictures, only those in `aligned` are aligned."""
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
        yield Comparison(
            first,
            second,
            is_same_encoding=is_same_encoding and _is_lively(pictures(first)),
            digest_share=_digest_share(columns["joint_digests"], first, second),
            joints=_joints(joints(first), joints(second), lengths) if is_same_kind and "joints" in aligned else None,
            pictures=_pictures(pictures(first), pictures(second), lengths) if "pictures" in aligned else None,
        )


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
    """Compares each camera of the episode that has fewer with the one of the other that is nearest."""
    if len(first) > len(second):
        first, second, lengths = second, first, lengths[::-1]
    found = [_nearest_camera(own, second, lengths) for own in first]
    if not found or any(one is None for one in found):
        return None
    return max((one for one in found if one), key=lambda one: one.excess)


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
