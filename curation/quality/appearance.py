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


class Agreement(NamedTuple):
    """How well joints explain pictures at each lag in frames (positive: the video is late), 1 perfectly, 0 not at all."""

    lag: int
    fit: float
    fit_at_0: float


class Appearance:
    """The pictures of one camera over all episodes as a function of the joints. At least 4 digests, of one picture size."""

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
        self._sums = [self._sums_of(digest) for digest in digests]
        self._fit(np.ones(len(digests), bool))
        fits = np.array([self.agreement(number).fit_at_0 for number in range(len(digests))])
        if (fits > OUTLYING_FIT).sum() >= 4:  # once more without those that do not belong
            self._fit(fits > OUTLYING_FIT)

    def expected(self, number: int, frames: np.ndarray, joints_of: int | None = None) -> np.ndarray:
        """Returns the pictures (len(frames), P) that the joints of an episode promise, by a map that has not seen `number`."""
        digest = self.digests[number if joints_of is None else joints_of]
        return self._features(digest.state_at(frames)) @ self._maps[number]

    def agreement(self, number: int) -> Agreement:
        """Returns the lag at which joints and pictures of the episode fit best, and how well there and at lag 0."""
        digest = self.digests[number]
        last = int(digest.state_frames_K[-1])
        fits = {}
        for lag in np.concatenate([-LAGS[:0:-1], LAGS]).tolist():
            frames_M = digest.frames_M - lag
            is_known_M = (frames_M >= 0) & (frames_M <= last)
            if is_known_M.sum() >= max(MIN_PICTURES, MIN_OVERLAP * len(frames_M)):
                seen_MP = digest.pictures_MP[is_known_M]
                fits[lag] = self._explained(seen_MP, self.expected(number, frames_M[is_known_M]))
        if 0 not in fits:
            return Agreement(0, 0.0, 0.0)
        best = max(fits, key=lambda lag: (fits[lag], -abs(lag)))
        return Agreement(best, fits[best], fits[0])

    def _explained(self, seen_MP: np.ndarray, expected_MP: np.ndarray) -> float:
        """Returns the share of the pictures' change over time that is explained. Where objects lie does not change, so the
        mean of the difference is no concern."""
        error_MP = seen_MP - expected_MP
        error_MP = error_MP - error_MP.mean(axis=0)
        change_MP = seen_MP - seen_MP.mean(axis=0)
        noise = 0.25 * len(seen_MP) * self._weight_P.sum()
        return 1 - float((error_MP**2 * self._weight_P).sum() / ((change_MP**2 * self._weight_P).sum() + noise))

    def _fit(self, is_trusted: np.ndarray) -> None:
        trusted = [sums for sums, is_in in zip(self._sums, is_trusted, strict=True) if is_in]
        total_FF, total_FP = sum(sums[0] for sums in trusted), sum(sums[1] for sums in trusted)
        count = sum(len(digest.frames_M) for digest in self.digests)
        ridge_FF = RIDGE * count * np.eye(len(total_FF))
        self._maps = []
        for (own_FF, own_FP), is_in in zip(self._sums, is_trusted, strict=True):
            self._maps.append(
                np.linalg.solve(total_FF - own_FF * is_in + ridge_FF, total_FP - own_FP * is_in).astype(np.float32)
            )
        error, change = [], []
        for number in np.flatnonzero(is_trusted).tolist():
            digest = self.digests[number]
            away_MP = digest.pictures_MP - self.expected(number, digest.frames_M)
            error.append(away_MP.var(axis=0))
            change.append(digest.pictures_MP.var(axis=0))
        error_P, change_P = np.median(error, axis=0), np.median(change, axis=0)
        explained_P = np.clip(1 - error_P / (change_P + 0.3), 0, 1) + 1e-6
        self._weight_P = explained_P / (np.sqrt(error_P) + LEVEL) ** 2

    def _sums_of(self, digest: CameraDigest) -> tuple[np.ndarray, np.ndarray]:
        features_MF = self._features(digest.state_at(digest.frames_M))
        return features_MF.T @ features_MF, features_MF.T @ digest.pictures_MP

    def _features(self, states_MS: np.ndarray) -> np.ndarray:
        joints_MJ = np.clip(((states_MS - self._centre_S) * self._scale_S) @ self._axes_SJ, -4, 4)
        first, second = np.triu_indices(joints_MJ.shape[1])
        return np.concatenate(
            [np.ones((len(joints_MJ), 1)), joints_MJ, joints_MJ[:, first] * joints_MJ[:, second]], axis=1
        )
