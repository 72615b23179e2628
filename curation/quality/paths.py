"""What a joint's path cannot be: teleports, wraps, encoder counts.

Each joint is held against its own noise, its own range in the dataset, and what it does in the other episodes: a joint that
barely moves is full of false jumps. None of this gates: episodes with such a joint can still teach the others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from curation.quality.detector import Detector
from curation.quality.facts import ACTION, STATE, ColumnSummary, DatasetFacts, EpisodeFacts, EpisodeSummary
from curation.quality.ranges import (
    BRISK_FPS,
    SMALL_JOINT,
    SMALL_RANGE,
    STUB_FRAMES,
    comparable,
    dataset_range,
    usual_range,
)
from curation.quality.wraps import STEP_SHARE, Wrap, find_wraps
from data_contracts.findings import Finding

JUMP_FLOOR = 0.045
"""Part of the range at BRISK_FPS and above, more at lower rates, where a motion changes by more from frame to frame: below it,
contacts and dropped frames look the same as teleports."""
JUMP_CEILING = 0.09
"""However a joint usually moves, a step of this part of its range beyond its neighbours' is looked at: nearly all
recordings, simulated and real, stay below it where nothing is wrong."""
JUMP_OVER_EPISODES = 1.5
JUMP_CALM = 0.9
"""Times what the joint does in nine of ten episodes; where more of them jump, the ceiling counts."""
JUMP_OVER_EPISODE = 3.0
"""Times what it does in the same episode, some frames left out."""
JUMP_HELD = 0.5
"""For values repeated for 2 to 5 frames: a finger crosses up to half of its range in a tenth of a second."""
SWITCH_SHARE = 0.5
SWITCH_STEP = 0.6
"""A gripper that only knows open and closed steps by most of its range and hardly moves otherwise: that is no jump."""
COUNTS_PER_TURN = 4096
COUNTS_BEYOND = 600.0
"""More than a turn and a half in degrees, and more than the pixels of a small picture."""
MIN_COUNTS = 5
COUNTS_SHARE = 0.5


def detect_jump(dataset: DatasetFacts) -> list[Finding]:
    """A joint is elsewhere from one frame to the next, and the motion before and after does not lead there."""
    episodes = comparable(dataset.episodes, STATE)
    if not episodes:
        return []
    excess_ES, limit_ES, range_S = _jumps(episodes)
    is_jump_ES = excess_ES > limit_ES
    low_S, high_S = dataset_range(episodes, STATE)
    findings = []
    for row in np.flatnonzero(is_jump_ES.any(axis=1)):
        wraps = {wrap.dimension for wrap in _wraps(episodes[row].columns[STATE], high_S - low_S)}
        for dimension in np.flatnonzero(is_jump_ES[row]).tolist():
            if dimension not in wraps:
                findings.append(_jump(dataset, episodes[row], dimension, float(range_S[dimension])))
    return findings


def _jumps(episodes: list[EpisodeSummary]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the largest step of each joint beyond its neighbours' and the limit for it, both (E, S), and the joints' usual
    ranges, (S,). The limit is infinite for what is no joint, and for a step of a switch."""
    (low_S, high_S), (lowest_S, highest_S) = usual_range(episodes, STATE), dataset_range(episodes, STATE)
    range_S = high_S - low_S
    found = [episode.columns[STATE].jumps for episode in episodes]
    excess_ES, usual_ES = np.array([jumps.excess_D for jumps in found]), np.array([jumps.usual_D for jumps in found])
    is_small_S = range_S < SMALL_JOINT * range_S.max(initial=0.0)
    floor = min(JUMP_FLOOR * max(1.0, BRISK_FPS / max(episodes[0].fps, 1.0)), JUMP_CEILING)
    least_S = np.where(is_small_S, JUMP_CEILING, floor) * range_S
    calm_S = np.quantile(excess_ES, JUMP_CALM, axis=0, method="lower")
    limit_S = np.clip(JUMP_OVER_EPISODES * calm_S, least_S, JUMP_CEILING * range_S)
    limit_ES = np.maximum(limit_S, JUMP_OVER_EPISODE * usual_ES)
    is_held_ES = np.array([jumps.is_held_D for jumps in found])
    limit_ES = np.where(is_held_ES, np.maximum(limit_ES, JUMP_HELD * range_S), limit_ES)
    is_switch_ES = np.array([jumps.alike_share_D for jumps in found]) > SWITCH_SHARE
    is_switch_ES &= excess_ES > SWITCH_STEP * (highest_S - lowest_S)
    is_joint_S = range_S > SMALL_RANGE * range_S.max(initial=0.0)
    return excess_ES, np.where(is_joint_S & ~is_switch_ES, limit_ES, np.inf), range_S


def scores_jump(dataset: DatasetFacts) -> dict[int, float]:
    """Returns for each episode the largest step beyond its neighbours' as part of what counts as a jump: above 1 it is one."""
    episodes = comparable(dataset.episodes, STATE)
    if not episodes:
        return {}
    excess_ES, limit_ES, _ = _jumps(episodes)
    share_ES = np.divide(excess_ES, limit_ES, out=np.zeros_like(excess_ES), where=limit_ES > 0)
    worst_E = share_ES.max(axis=1, initial=0.0).tolist()
    return {episode.index: worst for episode, worst in zip(episodes, worst_E, strict=True)}


def _jump(dataset: DatasetFacts, episode: EpisodeSummary, dimension: int, span: float) -> Finding:
    column = episode.columns[STATE]
    frame, step = int(column.jumps.frame_D[dimension]), float(column.jumps.excess_D[dimension])
    name = column.name(dimension)
    message = f"{name} of {STATE} jumps by {step:.4g} of its range {span:.4g} at frame {frame}."
    evidence = {"dimension": dimension, "name": name, "frame": frame, "step": step, "range": span,
                "usual_step": float(column.jumps.usual_D[dimension]), "score": step / span}  # fmt: skip
    return dataset.finding("motion.jump", "warn", message, episodes=[episode.index], **evidence)


def detect_wrap(dataset: DatasetFacts) -> list[Finding]:
    """A joint leaves one end of its scale and comes back at the other, as at 180 degrees; unwrapping it loses nothing."""
    findings = []
    for key in (STATE, ACTION):
        episodes = comparable(dataset.episodes, key)
        if not any(episode.columns[key].wraps for episode in episodes):
            continue
        low_D, high_D = dataset_range(episodes, key)
        for episode in episodes:
            column = episode.columns[key]
            for wrap in _wraps(column, high_D - low_D):
                findings.append(_wrap(dataset, episode, key, wrap))
    return findings


def _wrap(dataset: DatasetFacts, episode: EpisodeSummary, key: str, wrap: Wrap) -> Finding:
    name = episode.columns[key].name(wrap.dimension)
    times = f"{len(wrap.frames)} times, first" if len(wrap.frames) > 1 else "once,"
    message = (
        f"{name} of {key} wraps around {times} at frame {wrap.frames[0]}: a step of {wrap.period:.4g} ({wrap.unit})."
    )
    evidence = {
        "column": key, "dimension": wrap.dimension, "name": name, "frames": list(wrap.frames[:20]), "period": wrap.period,
        "unit": wrap.unit, "largest_step_after": wrap.step_after, "is_continuous_after": True, "fix": "unwrap",
        "score": 1.0 - min(wrap.step_after / wrap.period, 1.0),
    }  # fmt: skip
    return dataset.finding("motion.wrap", "warn", message, episodes=[episode.index], **evidence)


def _wraps(column: ColumnSummary, range_D: np.ndarray) -> list[Wrap]:
    """Returns the wraps that hold against the dataset: of no whole turn, those that come again or cross all that the joint
    covers there."""
    return [
        wrap
        for wrap in column.wraps
        if wrap.is_turn or len(wrap.frames) > 1 or wrap.period >= STEP_SHARE * range_D[wrap.dimension]
    ]


def score_wrap(episode: EpisodeFacts) -> float:
    """Returns how little of a step is left once the period is added, 0..1; 0 where no joint wraps."""
    left = [1.0 - min(wrap.step_after / wrap.period, 1.0) for values in _finite(episode) for wrap in find_wraps(values)]
    return max(left, default=0.0)


def detect_raw_counts(episode: EpisodeFacts) -> list[Finding]:
    """Joints are whole numbers of an encoder, 0 to 4095 a turn, and no angles: calibration was not applied."""
    findings = []
    for key, (values_TD, names) in episode.columns.items():
        is_counts_D = counts(values_TD)
        share = float(is_counts_D.mean()) if is_counts_D.size else 0.0
        if share < COUNTS_SHARE:
            continue
        dimensions = np.flatnonzero(is_counts_D)
        low, high = float(values_TD[:, dimensions].min()), float(values_TD[:, dimensions].max())
        named = ", ".join(names[d] if d < len(names) else str(d) for d in dimensions[:6].tolist())
        message = f"{key} holds encoder counts ({low:.0f} to {high:.0f}) in {len(dimensions)} dimensions: {named}."
        evidence = {"column": key, "dimensions": dimensions.tolist(), "low": low, "high": high, "score": share}
        findings.append(episode.finding("motion.raw_counts", "warn", message, **evidence))
    return findings


def counts(values_TD: np.ndarray) -> np.ndarray:
    """Returns which dimensions are encoder counts, shape (D,): whole numbers within a turn or two, beyond what degrees reach."""
    if len(values_TD) < STUB_FRAMES or not np.isfinite(values_TD).all():
        return np.zeros(values_TD.shape[1], bool)
    low_D, high_D = values_TD.min(axis=0), values_TD.max(axis=0)
    is_counts_D = (high_D > COUNTS_BEYOND) & (high_D < 2 * COUNTS_PER_TURN) & (low_D > -COUNTS_PER_TURN)
    for dimension in np.flatnonzero(is_counts_D):
        values_T = values_TD[:, dimension]
        is_whole = bool((values_T == np.round(values_T)).all())
        is_counts_D[dimension] = is_whole and len(np.unique(values_T)) >= min(MIN_COUNTS, len(values_T) // 2)
    return is_counts_D


def score_raw_counts(episode: EpisodeFacts) -> float:
    """Returns the share of dimensions that are encoder counts, of the column that has more of them."""
    return max((float(counts(v).mean()) for v, _ in episode.columns.values() if v.shape[1]), default=0.0)


def _finite(episode: EpisodeFacts) -> list[np.ndarray]:
    """Returns state and action as float64 where they are finite and long enough to have a path."""
    arrays = [values for values, _ in episode.columns.values() if len(values) >= STUB_FRAMES and values.shape[1]]
    return [values.astype(np.float64) for values in arrays if np.isfinite(values).all()]


DETECTORS = (
    Detector("motion.jump", "dataset", detect_jump),
    Detector("motion.wrap", "dataset", detect_wrap),
    Detector("motion.raw_counts", "episode", detect_raw_counts),
)
SCORES = {
    "motion.wrap": score_wrap,
    "motion.raw_counts": score_raw_counts,
}
DATASET_SCORES: dict[str, Callable[[DatasetFacts], dict[int, float]]] = {
    "motion.jump": scores_jump,
}
