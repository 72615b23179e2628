"""What a joint does more than in the other episodes: trembling, and standing at a limit that it is pressed against. None gates."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from curation.quality.detector import Detector
from curation.quality.facts import STATE, ColumnSummary, DatasetFacts, EpisodeSummary
from curation.quality.jumps import Jumps
from curation.quality.ranges import BRISK_FPS, SMALL_JOINT, SMALL_RANGE, comparable, usual_range
from curation.quality.steadiness import Pinned
from data_contracts.findings import Finding

TREMOR_SHARE = 0.0125
"""Deviation, part of the range, at BRISK_FPS and above. In recordings where nothing is wrong 0.009 at most, most of them 0.003; at
lower rates a brisk motion looks more like trembling, and so does the encoder of a joint that hardly moves."""
TREMOR_OVER_EPISODES = 2.0
SLOWEST = 1.7
"""Times the share, where motion looks like trembling; what trembles by 3% of its range is found all the same."""
PINNED_SHARE = 0.05
PINNED_MOST = 0.6
"""A joint that stands at its limit for longer is at rest there."""
PINNED_USUAL = 0.04
"""Where half of the episodes do it, the joint is one that opens and closes."""
HOME_SHARE = 0.02
"""Of the range: this near to where a joint mostly is, it rests; a gripper that is seldom closed is open as far as it goes."""


def detect_tremor(dataset: DatasetFacts) -> list[Finding]:
    """A joint trembles by more than 1.25% of its range, and twice as much as it does in the other episodes."""

    def tell(episode: EpisodeSummary, dimension: int, share: float, usual: float) -> Finding:
        name = episode.columns[STATE].name(dimension)
        message = f"{name} of {STATE} trembles by {share:.1%} of its range; {usual:.1%} is usual in the dataset."
        evidence = {"dimension": dimension, "name": name, "share_of_range": share, "usual": usual, "score": share}
        return dataset.finding("motion.tremor", "warn", message, episodes=[episode.index], **evidence)

    return _findings(_tremors(dataset), tell)


def scores_tremor(dataset: DatasetFacts) -> dict[int, float]:
    """Returns the strongest trembling of a joint in each episode, as part of what counts as one."""
    return _scores(_tremors(dataset))


def _tremors(dataset: DatasetFacts) -> _Compared:
    episodes = comparable(dataset.episodes, STATE)
    slowness = min(max(1.0, BRISK_FPS / max(episodes[0].fps, 1.0)), SLOWEST) if episodes else 1.0

    def limit(usual_D: np.ndarray, range_D: np.ndarray) -> np.ndarray:
        is_small_D = range_D < SMALL_JOINT * range_D.max(initial=0.0)
        return np.maximum(TREMOR_SHARE * np.where(is_small_D, SLOWEST, slowness), TREMOR_OVER_EPISODES * usual_D)

    return _compared(episodes, lambda column, range_D: column.tremor_D / range_D, limit)


def detect_saturation(dataset: DatasetFacts) -> list[Finding]:
    """A joint runs into one value at speed and stays there for a share of the time: a limit cuts its path off."""

    def tell(episode: EpisodeSummary, dimension: int, share: float, usual: float) -> Finding:
        column = episode.columns[STATE]
        is_high, name = bool(column.pinned.is_high_D[dimension]), column.name(dimension)
        limit = float((column.high_D if is_high else column.low_D)[dimension])
        message = f"{name} of {STATE} stands at {limit:.4g} for {share:.0%} of the frames, running into it at speed."
        evidence = {
            "dimension": dimension,
            "name": name,
            "limit": limit,
            "share": share,
            "usual": usual,
            "score": share,
        }
        return dataset.finding("motion.saturation", "warn", message, episodes=[episode.index], **evidence)

    return _findings(_limits(dataset), tell)


def scores_saturation(dataset: DatasetFacts) -> dict[int, float]:
    """Returns the largest share of frames for which a joint stands at a limit, as part of what counts as cut off."""
    return _scores(_limits(dataset))


def _limits(dataset: DatasetFacts) -> _Compared:
    episodes = comparable(dataset.episodes, STATE)
    home_D = np.median([episode.columns[STATE].centre_D for episode in episodes], axis=0) if episodes else np.zeros(0)

    def measure(column: ColumnSummary, range_D: np.ndarray) -> np.ndarray:
        limit_D = np.where(column.pinned.is_high_D, column.high_D, column.low_D)
        is_home_D = np.abs(limit_D - home_D) < HOME_SHARE * range_D
        return np.where(is_home_D, 0.0, _cut_off(column.pinned, column.jumps))

    return _compared(episodes, measure, lambda usual_D, _: np.where(usual_D > PINNED_USUAL, np.inf, PINNED_SHARE))


def _cut_off(found: Pinned, jumps: Jumps) -> np.ndarray:
    """Returns the share of frames at a limit, shape (D,); 0 for joints at rest there and for values that are repeated."""
    return np.where(jumps.is_held_D | (found.share_D > PINNED_MOST), 0.0, found.share_D)


class _Compared(NamedTuple):
    """What was measured of each joint of each episode, (E, D), what is usual for it, (D,), and what is too much, (D,)."""

    episodes: list[EpisodeSummary]
    measured_ED: np.ndarray
    usual_D: np.ndarray
    limit_D: np.ndarray


def _compared(
    episodes: list[EpisodeSummary],
    measure: Callable[[ColumnSummary, np.ndarray], np.ndarray],
    limit_of: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> _Compared:
    """Returns the measure over the dataset; the limit depends on the median over the episodes and on the joints' ranges."""
    if not episodes:
        return _Compared([], np.zeros((0, 0)), np.zeros(0), np.zeros(0))
    low_D, high_D = usual_range(episodes, STATE)
    range_D = high_D - low_D
    is_joint_D = range_D > SMALL_RANGE * range_D.max(initial=0.0)
    safe_D = np.where(is_joint_D, range_D, np.inf)
    measured_ED = np.where(is_joint_D, [measure(episode.columns[STATE], safe_D) for episode in episodes], 0.0)
    usual_D = np.median(measured_ED, axis=0) if len(episodes) > 2 else np.zeros(len(range_D))
    return _Compared(episodes, measured_ED, usual_D, limit_of(usual_D, range_D))


def _findings(found: _Compared, tell: Callable[[EpisodeSummary, int, float, float], Finding]) -> list[Finding]:
    """Returns a finding for the worst dimension of each episode that exceeds its limit."""
    beyond_ED = np.where(found.measured_ED > found.limit_D, found.measured_ED, 0.0)
    findings = []
    for row in np.flatnonzero(beyond_ED.any(axis=1)):
        worst = int(beyond_ED[row].argmax())
        share, usual = float(found.measured_ED[row, worst]), float(found.usual_D[worst])
        findings.append(tell(found.episodes[row], worst, share, usual))
    return findings


def _scores(found: _Compared) -> dict[int, float]:
    worst_E = (found.measured_ED / found.limit_D).max(axis=1, initial=0.0).tolist()
    return {episode.index: worst for episode, worst in zip(found.episodes, worst_E, strict=True)}


DETECTORS = (
    Detector("motion.tremor", "dataset", detect_tremor),
    Detector("motion.saturation", "dataset", detect_saturation),
)
DATASET_SCORES: dict[str, Callable[[DatasetFacts], dict[int, float]]] = {
    "motion.tremor": scores_tremor,
    "motion.saturation": scores_saturation,
}
