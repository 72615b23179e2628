"""What a camera should see, told from the joints: learned from a dataset's episodes, asked of each one without itself.

A fixed camera shows the arm where its joints put it, a wrist camera shows what lies under it: within one dataset a picture is a
smooth function of the joints, but for the objects. So joints and pictures of one episode can be held against each other at
every lag, which two curves of motion over time do not allow in the few seconds of a short episode. Measures only.

The map is quadratic in the joints (or their first six principal components), fitted by ridge regression to all pixels at once;
leaving out an episode takes its part off the sums. Pixels count by how much of them the joints explain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from curation.quality.digest import CameraDigest

MAX_JOINTS = 6
RIDGE = 1e-4
LEVEL = 1.0
"""Grey level that compression leaves behind: no pixel is trusted to less."""
LAGS = np.array([0, 2, 4, 6, 8, 10, 12, 15, 18, 22, 27, 33, 40, 50])
MIN_OVERLAP, MIN_PICTURES = 0.4, 8
OUTLYING_FIT = 0.0
MOVING_REACH = 0.1
"""Of the reach of the vector's largest: a dimension that moves less shows little."""
ENCODED = 0.1
"""Squared levels between two encodings of the same pictures, these made small."""
NOVELTY = 32.0
"""Pictures of an episode are alike: as much is known of a posture as there are episodes that took it, not pictures."""


class Agreement(NamedTuple):
    """How well joints explain pictures at each lag in frames (positive: the video is late), 1 perfectly, 0 not at all."""

    lag: int
    fit: float
    fit_at_0: float

    @property
    def gain(self) -> float:
        """How much better the lag fits; to fit worse than no joints at all is no worse than not to fit."""
        return self.fit - max(self.fit_at_0, 0.0)


class Comparison(NamedTuple):
    """How two episodes differ. `pictures`: the largest difference of any kept pixel, in levels. `change`: by how much a pixel
    changes over time in the one that changes less. `joints`: the mean difference of the joint that differs most, in parts of its
    range. `error_PJ`: squared levels (2, 2), how far the pictures of each (row) are from what the joints of each promise."""

    pictures: float
    change: float
    joints: float
    error_PJ: np.ndarray

    @property
    def excess(self) -> float:
        """Natural logarithm of how much worse the first's joints explain the pictures of both than the second's."""
        return float(np.log(self.error_PJ[:, 0].sum() / self.error_PJ[:, 1].sum()))

    @property
    def gains(self) -> tuple[float, float]:
        """Natural logarithm of how much better the other's joints explain the pictures of each than its own."""
        return float(np.log(self.error_PJ[0, 0] / self.error_PJ[0, 1])), float(
            np.log(self.error_PJ[1, 1] / self.error_PJ[1, 0])
        )


class Appearance:
    """The pictures of one camera over all episodes as a function of the joints. At least 4 digests, of one picture size.

    `weight_P` is how much a pixel counts: by how much of it joints explain.
    """

    def __init__(self, digests: Sequence[CameraDigest]) -> None:
        self.digests = digests
        states = np.concatenate([digest.states_KS for digest in digests]).astype(np.float64)
        self._centre_S, spread_S = states.mean(axis=0), states.std(axis=0)
        is_joint_S = spread_S > 1e-4 * np.abs(states).max(axis=0, initial=0.0) + 1e-9
        self._scale_S = np.where(is_joint_S, 1 / np.where(is_joint_S, spread_S, 1), 0.0)
        self._axes_SJ = np.eye(states.shape[1])[:, is_joint_S]
        if self._axes_SJ.shape[1] > MAX_JOINTS:
            scaled = (states[:: max(1, len(states) // 5000)] - self._centre_S) * self._scale_S
            self._axes_SJ = np.linalg.svd(scaled, full_matrices=False)[2][:MAX_JOINTS].T
        reach_S = np.ptp(np.percentile(states, [1, 99], axis=0), axis=0)
        moves_S = reach_S >= MOVING_REACH * reach_S.max(initial=1e-9)
        self._per_range_S = np.where(moves_S, 1 / np.where(moves_S, reach_S, 1), 0.0)
        self._sums = [self._sums_of(digest) for digest in digests]
        self._fit(np.ones(len(digests), bool))
        fits = np.array([self.fit_in_place(number) for number in range(len(digests))])
        if (fits > OUTLYING_FIT).sum() >= 4:  # once more without those that do not belong
            self._fit(fits > OUTLYING_FIT)

    def expected(self, number: int, frames: np.ndarray) -> np.ndarray:
        """Returns the pictures (len(frames), P) that the joints of an episode promise, by a map that has not seen it."""
        return self._features(self.digests[number].state_at(frames)) @ self._maps[number]

    def agreement(self, number: int) -> Agreement:
        """Returns the lag at which joints and pictures of the episode fit best, against the same pictures at lag 0."""
        digest = self.digests[number]
        last = int(digest.state_frames_K[-1])
        in_place_MF = self._features(digest.state_at(digest.frames_M))
        found = []
        for lag in np.concatenate([-LAGS[:0:-1], LAGS]).tolist():
            frames_M = digest.frames_M - lag
            is_known_M = (frames_M >= 0) & (frames_M <= last)
            if is_known_M.sum() < max(MIN_PICTURES, MIN_OVERLAP * len(frames_M)):
                continue
            seen_MP = digest.pictures_MP[is_known_M]
            fit_at_0 = self._explained(seen_MP, in_place_MF[is_known_M], number)
            fit = self._explained(seen_MP, self._features(digest.state_at(frames_M[is_known_M])), number)
            found.append(Agreement(lag, fit, fit_at_0))
        whole = next((agreement for agreement in found if agreement.lag == 0), None)
        if whole is None:
            return Agreement(0, 0.0, 0.0)
        return max(found, key=lambda agreement: (agreement.gain, -abs(agreement.lag)))

    def marks(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the pictures of each episode at these frames and what its joints promise there, float64
        (E, len(frames), P). An episode that ends before is held."""
        places = [
            np.minimum(np.searchsorted(digest.frames_M, frames), len(digest.frames_M) - 1) for digest in self.digests
        ]
        seen = [digest.pictures_MP[at] for digest, at in zip(self.digests, places, strict=True)]
        promised = [self.expected(number, self.digests[number].frames_M[at]) for number, at in enumerate(places)]
        return np.stack(seen).astype(np.float64), np.stack(promised)

    def comparison(self, first: int, second: int) -> Comparison | None:
        """Returns how two episodes differ at the frames that both keep, or None where these are few. What joints explain is by
        a map that has seen neither of them."""
        one, other = self.digests[first], self.digests[second]
        frames_M, one_at, other_at = np.intersect1d(one.frames_M, other.frames_M, return_indices=True)
        if len(frames_M) < MIN_PICTURES:
            return None
        total_FF, total_FP = self._total
        for number in (first, second):
            if self._is_trusted[number]:
                total_FF, total_FP = total_FF - self._sums[number][0], total_FP - self._sums[number][1]
        inverse_FF = np.linalg.inv(total_FF)
        seen = one.pictures_MP[one_at], other.pictures_MP[other_at]
        joints = one.state_at(frames_M), other.state_at(frames_M)
        features = [self._features(joints_MS) for joints_MS in joints]
        trust_M = np.prod([_trust(features_MF, inverse_FF) for features_MF in features], axis=0)
        promised = [features_MF @ (inverse_FF @ total_FP) for features_MF in features]
        error_PJ = [[self._error(seen_MP - promised_MP, trust_M) for promised_MP in promised] for seen_MP in seen]
        return Comparison(
            pictures=float(np.abs(seen[0] - seen[1]).max()),
            change=float(min(np.ptp(seen_MP, axis=0).max() for seen_MP in seen)),
            joints=float((np.abs(joints[0] - joints[1]).mean(axis=0) * self._per_range_S).max()),
            error_PJ=np.array(error_PJ) + ENCODED,
        )

    def _error(self, away_MP: np.ndarray, trust_M: np.ndarray) -> float:
        """Returns the mean square, pixels and postures counted by what is known of them."""
        return float(np.average(np.average(away_MP**2, axis=0, weights=trust_M), weights=self.weight_P))

    def fit_in_place(self, number: int) -> float:
        """Returns how well joints and pictures of the episode fit as they lie."""
        digest = self.digests[number]
        return self._explained(digest.pictures_MP, self._features(digest.state_at(digest.frames_M)), number)

    def _explained(self, seen_MP: np.ndarray, features_MF: np.ndarray, number: int) -> float:
        """Returns the share of the pictures' change over time that is explained. Where objects lie does not change, so the
        mean of the difference is no concern. Postures that the other episodes never took count little."""
        trust_M1 = _trust(features_MF, self._inverses[number])[:, None]
        trust_M1 = trust_M1 / trust_M1.mean()
        error_MP = seen_MP - features_MF @ self._maps[number]
        error_MP = error_MP - (error_MP * trust_M1).mean(axis=0)
        change_MP = seen_MP - (seen_MP * trust_M1).mean(axis=0)
        noise = 0.25 * len(seen_MP) * self.weight_P.sum()
        error = float((error_MP**2 * trust_M1 * self.weight_P).sum())
        return 1 - error / (float((change_MP**2 * trust_M1 * self.weight_P).sum()) + noise)

    def _fit(self, is_trusted: np.ndarray) -> None:
        trusted = [sums for sums, is_in in zip(self._sums, is_trusted, strict=True) if is_in]
        total_FF, total_FP = sum(sums[0] for sums in trusted), sum(sums[1] for sums in trusted)
        count = sum(len(digest.frames_M) for digest in self.digests)
        self._is_trusted = is_trusted
        ridge_FF = RIDGE * count * np.eye(len(total_FF))
        self._total = total_FF + ridge_FF, total_FP
        self._maps, self._inverses = [], []
        for (own_FF, own_FP), is_in in zip(self._sums, is_trusted, strict=True):
            self._inverses.append(np.linalg.inv(total_FF - own_FF * is_in + ridge_FF))
            self._maps.append((self._inverses[-1] @ (total_FP - own_FP * is_in)).astype(np.float32))
        error, change = [], []
        for number in np.flatnonzero(is_trusted).tolist():
            digest = self.digests[number]
            away_MP = digest.pictures_MP - self.expected(number, digest.frames_M)
            error.append(away_MP.var(axis=0))
            change.append(digest.pictures_MP.var(axis=0))
        error_P, change_P = np.median(error, axis=0), np.median(change, axis=0)
        explained_P = np.clip(1 - error_P / (change_P + 0.3), 0, 1) + 1e-6
        self.weight_P = explained_P / (np.sqrt(error_P) + LEVEL) ** 2

    def _sums_of(self, digest: CameraDigest) -> tuple[np.ndarray, np.ndarray]:
        features_MF = self._features(digest.state_at(digest.frames_M))
        return features_MF.T @ features_MF, features_MF.T @ digest.pictures_MP

    def _features(self, states_MS: np.ndarray) -> np.ndarray:
        joints_MJ = np.clip(((states_MS - self._centre_S) * self._scale_S) @ self._axes_SJ, -4, 4)
        first, second = np.triu_indices(joints_MJ.shape[1])
        return np.concatenate(
            [np.ones((len(joints_MJ), 1)), joints_MJ, joints_MJ[:, first] * joints_MJ[:, second]], axis=1
        )


def _trust(features_MF: np.ndarray, inverse_FF: np.ndarray) -> np.ndarray:
    """Returns how far each posture can be relied on, 0 to 1: little where the map was not fitted to any like it."""
    return 1 / (1 + NOVELTY * np.einsum("mf,fg,mg->m", features_MF, inverse_FF, features_MF))
