"""Is one episode a near copy of another? What every tier says of a pair, and the limits beyond which it is no copy.

A copy leaves nothing of the joints but white noise, or repeats the pictures to what an encoder changes. Another performance
of the same task, even by a scripted expert from nearly the same start, drifts: the difference goes on from moment to moment.
The limits were chosen on a part of the recordings that `tests/bench/attacks` measures; it reports the other part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curation.duplicates.alignment import Alignment

EXACT_DRIFT = 0.002
"""Of each joint's range in the longer episode: so much drift is left between a copy and its original by interpolation."""
NOISY_DRIFT, NOISE_SHARE = 0.010, 0.5
"""A joint whose difference is mostly white, that is with less than this share of drift, may drift so far: the autocovariance
of noise is only about zero."""
PICTURE_FLOOR, PICTURE_SHARE = 0.30, 0.020
"""A camera agrees within the floor, in grey levels (what encoding again does), and this share of how much its pictures change
over the episode (what moves between two of them)."""
OTHER_PERFORMANCE = 0.05
"""Joints that drift apart and yet deviate by less than this are another performance of the same thing, whose pictures say
nothing more. Stolen pictures come with quite other joints."""
MIN_PICTURE_MOTION = 0.7
"""Grey levels: pictures that change less show nothing that could be known again."""
MIN_DIGESTS, MIN_DIGEST_SHARE = 2, 0.8


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
    def joint_excess(self) -> float:
        """The drift of the joint that drifts farthest, as a share of its limit; infinite where they are plainly different."""
        if self.joints is None:
            return float("inf")
        limits = np.where(self.joints.drift_share < NOISE_SHARE, NOISY_DRIFT, EXACT_DRIFT)
        return float((self.joints.drift_D / limits).max())

    @property
    def joints_agree(self) -> bool:
        return self.joint_excess <= 1 or self.digest_share >= MIN_DIGEST_SHARE

    @property
    def is_other_performance(self) -> bool:
        """True where the joints run side by side and apart: shown alike, done anew."""
        return self.joints is not None and self.joint_excess > 1 and self.joints.deviation < OTHER_PERFORMANCE

    @property
    def pictures_agree(self) -> bool:
        is_near = self.pictures is not None and self.pictures.excess <= 1
        return self.is_same_encoding or (is_near and not self.is_other_performance)

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
            off = f"{self.joints.deviation:.2%}"
            said.append(f"joints within {off} of their range over {self.joints.coverage:.0%}, and no drift")
        if self.pictures is not None and self.pictures.excess <= 1:
            mirror = ", mirrored" if self.pictures.is_mirrored else ""
            said.append(f"pictures within {self.pictures.deviation:.2f} grey levels{mirror}")
        if not self.joints_agree:
            said.append("with other joints")
        elif not self.pictures_agree and self.pictures is not None:
            said.append("with other pictures")
        return "; ".join(said)
