"""State against action: a copy of it, later than usual, or of another recording. How one follows the other is measured in
`following`; actions that are places and actions that are speeds are both understood."""

from __future__ import annotations

import numpy as np

from curation.quality.detector import Detector
from curation.quality.facts import ACTION, STATE, DatasetFacts, EpisodeFacts, EpisodeSummary
from curation.quality.following import MAX_LAG_S, Following
from curation.quality.movement import following
from data_contracts.findings import Finding

SURE_PEAK = 0.4
"""Correlation from which a delay means something."""
LATE_FRAMES = 3
LATE_SPREAD = 4.0
"""Times the spread of the delay over the dataset's episodes (median absolute deviation, as a standard deviation)."""
LATE_S = 0.5
"""Teleoperated arms follow within 0.05 to 0.3 s; slower than this, pictures show the effect of another command."""
MIN_EPISODES = 4
FOREIGN_PEAK = 0.25
FOREIGN_SHARE = 0.3
RELATED_PEAK = 0.5
"""The other episodes must agree this well before one that does not is called foreign."""


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
    """The state follows the action later than in the dataset's other episodes, or by more than half a second in all."""
    sure = [e for e in dataset.episodes if e.following is not None and e.following.peak >= SURE_PEAK]
    if not sure:
        return []
    is_place = _is_place(sure)
    lags = np.array([_lag(episode, is_place=is_place) for episode in sure])
    usual = float(np.median(lags))
    spread = 1.4826 * float(np.median(np.abs(lags - usual)))
    findings = []
    for episode, lag in zip(sure, lags.tolist(), strict=True):
        is_later = len(sure) >= MIN_EPISODES and lag - usual >= max(LATE_FRAMES, LATE_SPREAD * spread)
        if not is_later and lag / episode.fps <= LATE_S:
            continue
        message = (
            f"{STATE} follows {ACTION} by {lag} frames ({lag / episode.fps:.2f} s); {usual:g} are usual in the dataset."
        )
        evidence = {"lag_frames": lag, "lag_s": lag / episode.fps, "usual_frames": usual, "spread_frames": spread,
                    "score": lag / episode.fps}  # fmt: skip
        findings.append(dataset.finding("motion.action_lag", "warn", message, episodes=[episode.index], **evidence))
    return findings


def score_action_lag(episode: EpisodeFacts) -> float:
    """Returns by how many seconds the state follows the action, 0 where that cannot be told."""
    found = _following(episode)
    return found.lag / episode.fps if found is not None and found.peak >= SURE_PEAK else 0.0


def detect_state_action_mismatch(dataset: DatasetFacts) -> list[Finding]:
    """State and action do not follow each other at any delay, as they do in the dataset's other episodes."""
    told = [episode for episode in dataset.episodes if episode.following is not None]
    if len(told) < MIN_EPISODES:
        return []
    peaks = np.array([episode.following.peak for episode in told if episode.following])
    usual = float(np.median(peaks))
    if usual < RELATED_PEAK:
        return []  # an action of another kind than the state: a hand's pose against joints
    findings = []
    for episode, peak in zip(told, peaks.tolist(), strict=True):
        if peak >= max(FOREIGN_PEAK, FOREIGN_SHARE * usual):
            continue
        message = (
            f"{STATE} does not follow {ACTION} at any delay up to {MAX_LAG_S:g} s "
            f"(correlation {peak:.2f}; {usual:.2f} is usual in the dataset)."
        )
        evidence = {"correlation": peak, "usual": usual, "score": 1 - peak}
        findings.append(
            dataset.finding("agreement.state_action_mismatch", "warn", message, episodes=[episode.index], **evidence)
        )
    return findings


def score_state_action_mismatch(episode: EpisodeFacts) -> float:
    """Returns one minus the highest correlation at any delay, 0 where that cannot be told."""
    found = _following(episode)
    return 0.0 if found is None else 1 - found.peak


def _is_copy(episode: EpisodeFacts) -> bool:
    is_moving = bool(episode.state_TS.size) and bool((episode.state_TS != episode.state_TS[0]).any())
    return is_moving and np.array_equal(episode.state_TS, episode.action_TA)


def _following(episode: EpisodeFacts) -> Following | None:
    is_finite = np.isfinite(episode.state_TS).all() and np.isfinite(episode.action_TA).all()
    return following(episode) if is_finite else None


def _is_place(episodes: list[EpisodeSummary]) -> bool:
    """Returns True where actions are places to go to in most episodes of the dataset, False where they are speeds."""
    found = [episode.following for episode in episodes if episode.following is not None]
    return 2 * sum(f.place_peak >= f.speed_peak for f in found) >= len(found)


def _lag(episode: EpisodeSummary, *, is_place: bool) -> int:
    found = episode.following
    assert found is not None  # the caller keeps those alone
    return found.place_lag if is_place else found.speed_lag


DETECTORS = (
    Detector("motion.state_equals_action", "episode", detect_state_equals_action),
    Detector("motion.action_lag", "dataset", detect_action_lag),
    Detector("agreement.state_action_mismatch", "dataset", detect_state_action_mismatch),
)
SCORES = {
    "motion.state_equals_action": score_state_equals_action,
    "motion.action_lag": score_action_lag,
    "agreement.state_action_mismatch": score_state_action_mismatch,
}
