"""State against action: a copy of it, later than usual, or of another recording. How one follows the other is measured in
`following`; actions that are places and actions that are speeds are both understood."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from curation.quality.detector import Detector
from curation.quality.facts import ACTION, STATE, DatasetFacts, EpisodeFacts, EpisodeSummary
from curation.quality.following import MAX_LAG_S
from data_contracts.findings import Finding

SURE_PEAK = 0.4
"""Correlation from which a delay means something."""
LATE_FRAMES = 3
LATE_SPREAD = 3.0
"""Times the spread of the delay over the dataset's episodes."""
LATE_S = 0.5
"""Teleoperated arms follow within 0.05 to 0.3 s; slower than this, pictures show the effect of another command."""
EARLY_S = -0.2
"""An action that was worked out from the state may come a frame or two after it; no command comes later than that."""
MIN_EPISODES = 4
FOREIGN_PEAK = 0.25
FOREIGN_SHARE = 0.3
RELATED_PEAK = 0.5
"""The other episodes must agree this well before one that does not is called foreign."""

LESS_PEAK = 0.35
LESS_SPREAD = 5.0
"""Below the usual correlation by at least the one, and by the other times the spread of those above it, which foreign actions
do not widen: actions of another episode of the same task still resemble the right ones."""
MIN_EPISODES_SPREAD = 8


def detect_state_equals_action(episode: EpisodeFacts) -> Finding | None:
    """State and action are the same numbers in every frame: one was filled from the other, and copying is all they teach."""
    if not _is_copy(episode):
        return None
    message = f"{STATE} and {ACTION} hold the same numbers in all {episode.num_frames} frames."
    return episode.finding("motion.state_equals_action", "warn", message, num_frames=episode.num_frames, score=1.0)


def score_state_equals_action(episode: EpisodeFacts) -> float:
    """Returns 1 for a copy, and less the farther state and action are apart by their typical distance in ranges."""
    state_TS, action_TA = episode.state_TS, episode.action_TA
    if state_TS.shape != action_TA.shape or not state_TS.size:
        return 0.0
    range_S = np.ptp(state_TS, axis=0)
    is_moving_S = range_S > 0
    if not is_moving_S.any() or not (np.isfinite(state_TS).all() and np.isfinite(action_TA).all()):
        return 0.0
    apart = np.abs(state_TS - action_TA)[:, is_moving_S] / range_S[is_moving_S]
    return float(1 / (1 + 100 * apart.mean()))


def detect_action_lag(dataset: DatasetFacts) -> list[Finding]:
    """The state follows the action later or sooner than in the dataset's other episodes, or by more than half a second, or
    comes before it."""
    sure = _sure(dataset)
    if not sure:
        return []
    lags_E, usual, limit = _lags(sure)
    findings = []
    for episode, lag in zip(sure, lags_E.tolist(), strict=True):
        is_unusual = len(sure) >= MIN_EPISODES and abs(lag - usual) >= limit
        if not is_unusual and EARLY_S <= lag / episode.fps <= LATE_S:
            continue
        message = (
            f"{STATE} follows {ACTION} by {lag} frames ({lag / episode.fps:.2f} s); {usual:g} are usual in the dataset."
        )
        evidence = {"lag_frames": lag, "lag_s": lag / episode.fps, "usual_frames": usual, "limit_frames": limit,
                    "score": abs(lag - usual) / limit}  # fmt: skip
        findings.append(dataset.finding("motion.action_lag", "warn", message, episodes=[episode.index], **evidence))
    return findings


def scores_action_lag(dataset: DatasetFacts) -> dict[int, float]:
    """Returns how far each episode's delay is from the usual one, either way, as part of what is still usual; 0 where that
    cannot be told."""
    scores = {episode.index: 0.0 for episode in dataset.episodes}
    sure = _sure(dataset)
    if sure:
        lags_E, usual, limit = _lags(sure)
        scores |= {e.index: abs(lag - usual) / limit for e, lag in zip(sure, lags_E.tolist(), strict=True)}
    return scores


def detect_state_action_mismatch(dataset: DatasetFacts) -> list[Finding]:
    """State and action do not follow each other at any delay, or much less than they do in the dataset's other episodes."""
    told, peaks_E, usual, limit = _peaks(dataset)
    findings = []
    for episode, peak in zip(told, peaks_E.tolist(), strict=True):
        if peak >= limit:
            continue
        message = (
            f"{STATE} does not follow {ACTION} at any delay up to {MAX_LAG_S:g} s "
            f"(correlation {peak:.2f}; {usual:.2f} is usual in the dataset)."
        )
        evidence = {"correlation": peak, "usual": usual, "limit": limit, "score": 1 - peak}
        findings.append(
            dataset.finding("agreement.state_action_mismatch", "warn", message, episodes=[episode.index], **evidence)
        )
    return findings


def scores_state_action_mismatch(dataset: DatasetFacts) -> dict[int, float]:
    """Returns how far each episode's highest correlation is below the usual one, as part of what is still usual; 0 where that
    cannot be told."""
    scores = {episode.index: 0.0 for episode in dataset.episodes}
    told, peaks_E, usual, limit = _peaks(dataset)
    return scores | {e.index: (usual - peak) / (usual - limit) for e, peak in zip(told, peaks_E.tolist(), strict=True)}


def _sure(dataset: DatasetFacts) -> list[EpisodeSummary]:
    return [e for e in dataset.episodes if e.following is not None and e.following.peak >= SURE_PEAK]


def _lags(sure: list[EpisodeSummary]) -> tuple[np.ndarray, float, float]:
    """Returns the delay of each episode in frames, the usual one, and the distance from it that is unusual."""
    lags_E = _of_kind(sure)[0]
    usual = float(np.median(lags_E))
    return lags_E, usual, max(LATE_FRAMES, LATE_SPREAD * _spread(lags_E))


def _peaks(dataset: DatasetFacts) -> tuple[list[EpisodeSummary], np.ndarray, float, float]:
    """Returns the episodes that can be compared, their highest correlations, the usual one and the least that is usual. None
    where there are too few of them, and where actions are of another kind than the state: a hand's pose against joints."""
    told = [episode for episode in dataset.episodes if episode.following is not None]
    if len(told) < MIN_EPISODES:
        return [], np.zeros(0), 0.0, 0.0
    peaks_E = _of_kind(told)[1]
    usual = float(np.median(peaks_E))
    if usual < RELATED_PEAK:
        return [], np.zeros(0), 0.0, 0.0
    limit = max(FOREIGN_PEAK, FOREIGN_SHARE * usual)
    if len(told) >= MIN_EPISODES_SPREAD:
        limit = max(limit, usual - max(LESS_PEAK, LESS_SPREAD * _spread(peaks_E[peaks_E >= usual])))
    return told, peaks_E, usual, limit


def _of_kind(episodes: list[EpisodeSummary]) -> tuple[np.ndarray, np.ndarray]:
    """Returns delay and highest correlation of each episode, with actions taken as places where they are in most of them, and
    as speeds otherwise."""
    found = [episode.following for episode in episodes if episode.following is not None]
    if 2 * sum(f.place_peak >= f.speed_peak for f in found) >= len(found):
        return np.array([f.place_lag for f in found]), np.array([f.place_peak for f in found])
    return np.array([f.speed_lag for f in found]), np.array([f.speed_peak for f in found])


def _spread(values_E: np.ndarray) -> float:
    """Returns the median absolute deviation, as a standard deviation."""
    return 1.4826 * float(np.median(np.abs(values_E - np.median(values_E))))


def _is_copy(episode: EpisodeFacts) -> bool:
    is_moving = bool(episode.state_TS.size) and bool((episode.state_TS != episode.state_TS[0]).any())
    return is_moving and np.array_equal(episode.state_TS, episode.action_TA)


DETECTORS = (
    Detector("motion.state_equals_action", "episode", detect_state_equals_action),
    Detector("motion.action_lag", "dataset", detect_action_lag),
    Detector("agreement.state_action_mismatch", "dataset", detect_state_action_mismatch),
)
SCORES = {"motion.state_equals_action": score_state_equals_action}
DATASET_SCORES: dict[str, Callable[[DatasetFacts], dict[int, float]]] = {
    "motion.action_lag": scores_action_lag,
    "agreement.state_action_mismatch": scores_state_action_mismatch,
}
