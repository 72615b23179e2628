"""Is one episode a near copy of another? Finds candidates by every tier and says which tiers agree, and how closely.

The limits stand at an operating point that `tests/bench/attacks` measures; legitimate demonstrations of one task, also by a
scripted expert from almost the same start, lie above them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from curation.duplicates.alignment import Alignment, align, least_distance
from curation.duplicates.candidates import candidate_pairs
from curation.duplicates.joints import is_moving
from curation.duplicates.pictures import contrasts, mirrored
from curation.duplicates.shingles import digest_shingles, encoding_shingles, joint_shingles, picture_shingles
from curation.duplicates.signal import unpacked

JOINT_LIMIT = 0.010
"""Root mean square over all joints, of each one's range in the longer episode, after averaging over 5 points."""
JOINT_LIMIT_OF_ONE = 0.012
"""The same of the joint that deviates most: noise is alike in all joints, another performance shows in one of them first."""
PICTURE_FLOOR, PICTURE_SHARE = 0.25, 0.018
"""A camera agrees within the floor, in grey levels (what encoding again does), and this share of how much its pictures change
over the episode (what moves between two of them)."""
OTHER_PERFORMANCE, ROUGH = 0.05, 2.0
"""Joints that deviate smoothly, by more than the limit and less than this, are another performance of the same thing: a
scripted expert from nearly the same start, whose pictures say nothing more. Stolen pictures come with quite other joints."""
MIN_PICTURE_MOTION = 0.7
"""Grey levels: pictures that change less show nothing that could be known again."""
GREY_UNIT = 40.0
"""Grey levels that count as one when pictures are aligned: about what an arm changes where it passes."""
MIN_DIGESTS, MIN_DIGEST_SHARE = 2, 0.8
JOINT_PROMISE, PICTURE_PROMISE = 0.05, 2.0
"""Nothing is aligned whose points lie farther apart than this already."""
REMEMBERED = 1024
"""Episodes whose signals are kept unpacked: about 50 MB."""
MIN_SHARED_CELLS, MIN_CELL_SHARE = 4, 0.25


@dataclass(frozen=True)
class Pictures:
    """How closely the pictures of two episodes agree, by the camera that agrees least."""

    deviation: float
    motion: float
    is_mirrored: bool

    @property
    def excess(self) -> float:
        """The deviation as a share of the limit."""
        return self.deviation / (PICTURE_FLOOR + PICTURE_SHARE * self.motion)


@dataclass(frozen=True)
class Comparison:
    """What the tiers say of two episodes. None: a tier has nothing to compare, or they are plainly different in it."""

    first: int
    second: int
    is_same_encoding: bool = False
    digest_share: float = 0.0
    joints: Alignment | None = None
    pictures: Pictures | None = None

    @property
    def first_and_second(self) -> tuple[int, int]:
        return self.first, self.second

    @property
    def joint_deviation(self) -> float | None:
        return None if self.joints is None else round(self.joints.deviation, 6)

    @property
    def joints_agree(self) -> bool:
        return self.joint_excess <= 1 or self.digest_share >= MIN_DIGEST_SHARE

    @property
    def joint_excess(self) -> float:
        """The deviation of the joints as a share of the limit; infinite where they are plainly different."""
        if self.joints is None:
            return float("inf")
        return max(self.joints.deviation / JOINT_LIMIT, self.joints.largest_deviation / JOINT_LIMIT_OF_ONE)

    @property
    def pictures_agree(self) -> bool:
        is_near = self.pictures is not None and self.pictures.excess <= 1
        return self.is_same_encoding or (is_near and not self.is_other_performance)

    @property
    def is_other_performance(self) -> bool:
        """True where the joints run side by side and apart: shown alike, done anew."""
        return (
            self.joints is not None
            and self.joint_excess > 1
            and self.joints.deviation < OTHER_PERFORMANCE
            and self.joints.roughness < ROUGH
        )

    @property
    def is_copy(self) -> bool:
        return self.joints_agree or self.pictures_agree

    def evidence(self) -> str:
        """Returns which tiers agree and how far, for a person."""
        said = []
        if self.is_same_encoding:
            said.append("the same encoded pictures")
        if self.digest_share >= MIN_DIGEST_SHARE:
            said.append(f"{self.digest_share:.0%} of the joints take the same course in another calibration or order")
        if self.joints is not None and self.joint_excess <= 1:
            said.append(f"joints within {self.joint_deviation:.2%} of their range over {self.joints.coverage:.0%}")
        if self.pictures is not None and self.pictures.excess <= 1:
            mirror = ", mirrored" if self.pictures.is_mirrored else ""
            said.append(f"pictures within {self.pictures.deviation:.2f} grey levels{mirror}")
        if not self.joints_agree:
            said.append("with other joints")
        elif not self.pictures_agree and self.pictures is not None:
            said.append("with other pictures")
        return "; ".join(said)


def find_matches(fingerprints: pl.DataFrame) -> list[Comparison]:
    """Returns all pairs of rows that are near copies, by number of the row, ascending.

    Args:
        fingerprints: rows of FINGERPRINTS, no two of equal content.
    """
    said: dict[tuple[int, int], set[str]] = defaultdict(set)
    for tier, shingles, min_shared, min_share in (
        ("bytes", encoding_shingles(fingerprints), 1, 0.0),
        ("bytes", digest_shingles(fingerprints), MIN_DIGESTS, MIN_DIGEST_SHARE / 2),
        ("joints", joint_shingles(fingerprints), MIN_SHARED_CELLS, MIN_CELL_SHARE),
        ("pictures", picture_shingles(fingerprints), MIN_SHARED_CELLS, MIN_CELL_SHARE),
    ):
        for first, second in candidate_pairs(shingles, min_shared=min_shared, min_share=min_share).tolist():
            said[first, second].add(tier)
    likely = [
        comparison.first_and_second
        for tiers in (frozenset({"joints"}), frozenset({"pictures"}), frozenset({"joints", "pictures"}), frozenset())
        for comparison in compare(fingerprints, sorted(p for p, by in said.items() if by - {"bytes"} == tiers), tiers)
        if comparison.is_copy
    ]
    return [comparison for comparison in compare(fingerprints, sorted(likely)) if comparison.is_copy]


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
    return align(a, b, scale, (lengths[1] / len(b)) / (lengths[0] / len(a)), JOINT_LIMIT / 2)


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
