"""Joints: whether the episode holds a motion that can be learned, and whether its numbers are numbers.

Only what cannot teach anything true gates (not finite, too short, nobody moves). How smooth, fast or direct a motion is says
nothing about its worth and is not measured here.
"""

from __future__ import annotations

import numpy as np

from curation.quality.detector import Detector
from curation.quality.facts import ACTION, STATE, ColumnSummary, DatasetFacts, EpisodeFacts
from curation.quality.idleness import idleness
from curation.quality.movement import net_travel
from curation.quality.ranges import STUB_FRAMES, comparable, dataset_range
from data_contracts.findings import Finding

STUB_S = 0.2
"""A key pressed by mistake: fewer frames than 10, or less time than a motion takes. The shortest whole demonstrations known are
simulated: a handle pressed in 21 frames at 80 fps, 0.26 s."""
STATIC_TRAVEL = 0.005
"""Part of a joint's range in the dataset: 0.9 of 180 degrees, which an arm at rest sags and an encoder flickers."""
IDLE_SHARE = 0.35
"""People rest before and after: a fifth of the time is common."""
END_SHARE = 0.15
END_S = 0.25
"""At one end: what takes longer than a person takes to react is there to be cut off."""


def detect_not_finite(episode: EpisodeFacts) -> list[Finding]:
    """Holds NaN or infinity, which turns the loss into NaN."""
    findings = []
    arrays = {key: values for key, (values, _) in episode.columns.items()} | {"timestamp": episode.timestamps_s}
    for key, values in arrays.items():
        is_bad_T = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        if is_bad_T.any():
            frame = int(np.argmax(is_bad_T))
            message = f"{key} is NaN or infinite at {int(is_bad_T.sum())} frames, first at frame {frame}."
            evidence = {"column": key, "num_frames": int(is_bad_T.sum()), "first_frame": frame}
            findings.append(episode.finding("motion.not_finite", "gate", message, **evidence))
    return findings


def score_not_finite(episode: EpisodeFacts) -> float:
    """Returns the share of values that are no numbers."""
    arrays = [values for values, _ in episode.columns.values() if values.size]
    return max((1 - float(np.isfinite(values).mean()) for values in arrays), default=0.0)


def detect_stub(episode: EpisodeFacts) -> Finding | None:
    """Too short to hold a demonstration: fewer than 10 frames, or less than 0.2 s."""
    duration_s = episode.num_frames / episode.fps
    if episode.num_frames >= STUB_FRAMES and duration_s >= STUB_S:
        return None
    message = f"action has {episode.num_frames} frames ({duration_s:.2f} s), too few for a demonstration."
    return episode.finding(
        "motion.stub", "gate", message, num_frames=episode.num_frames, duration_s=round(duration_s, 4)
    )


def score_stub(episode: EpisodeFacts) -> float:
    """Returns by how much the episode falls short of the least frames or time, 0..1 or below for longer ones."""
    duration_s = episode.num_frames / episode.fps
    return 1 - min(episode.num_frames / STUB_FRAMES, duration_s / STUB_S)


def detect_long_idle(episode: EpisodeFacts) -> Finding | None:
    """Nothing moves for a good part of the time; rest before the first and after the last motion can be cut off, and is noted
    where it is shorter too."""
    if not np.isfinite(episode.state_TS).all():
        return None
    found = idleness(episode.state_TS, episode.fps)
    if found is None:
        return None
    duration_s = episode.num_frames / episode.fps
    start_s, end_s = round(found.start * duration_s, 3), round(found.end * duration_s, 3)
    at_an_end = max(found.start, found.end)
    is_long = found.share > IDLE_SHARE
    if not is_long and (at_an_end <= END_SHARE or at_an_end * duration_s < END_S):
        return None
    message = (
        f"{STATE} rests for {found.share:.0%} of the time, {start_s:.1f} s at the start and {end_s:.1f} s at the end."
    )
    evidence = {"share": round(found.share, 4), "idle_start_s": start_s, "idle_end_s": end_s,
                "longest_inside_s": round(found.inside * duration_s, 3), "score": found.share}  # fmt: skip
    return episode.finding("motion.long_idle", "warn" if is_long else "note", message, **evidence)


def score_long_idle(episode: EpisodeFacts) -> float:
    """Returns the share of frames at rest, 0..1; 0 where that cannot be told."""
    found = idleness(episode.state_TS, episode.fps) if np.isfinite(episode.state_TS).all() else None
    return found.share if found else 0.0


def detect_static(dataset: DatasetFacts) -> list[Finding]:
    """No joint moves: sensor noise at most, or less than 0.5% of what the joint covers in the whole dataset."""
    episodes = comparable(dataset.episodes, STATE)
    if not episodes:
        return []
    low_S, high_S = dataset_range(episodes, STATE)
    floor_S = STATIC_TRAVEL * (high_S - low_S)
    findings = []
    for episode in episodes:
        column = episode.columns[STATE]
        if column.travel_D.size and not (column.travel_D > floor_S).any():
            message = f"No dimension of {STATE} moves in {episode.num_frames} frames."
            findings.append(
                dataset.finding(
                    "motion.static", "gate", message, episodes=[episode.index], num_frames=episode.num_frames
                )
            )
    return findings


def score_static(episode: EpisodeFacts) -> float:
    """Returns 1 for a robot at rest, less the farther its joints travel against their distance from zero."""
    values_TS = episode.state_TS
    if not values_TS.size or not np.isfinite(values_TS).all():
        return 0.0
    travel_S = net_travel(values_TS, episode.fps) / np.maximum(np.abs(values_TS).max(axis=0), np.finfo(np.float32).tiny)
    return float(1 / (1 + 100 * travel_S.max()))


def detect_dead_dimension(dataset: DatasetFacts) -> list[Finding]:
    """A value of state or action never changes in any episode: it teaches nothing and has no spread to normalise by."""
    findings = []
    for key in (STATE, ACTION):
        episodes = comparable(dataset.episodes, key)
        if not episodes:
            continue
        is_dead_D = np.all([episode.columns[key].high_D == episode.columns[key].low_D for episode in episodes], axis=0)
        if is_dead_D.any() and not is_dead_D.all():
            column, dead = episodes[0].columns[key], np.flatnonzero(is_dead_D).tolist()
            message = f"{len(dead)} of {is_dead_D.size} dimensions of {key} never change: {_names(column, dead)}."
            numbers = [episode.index for episode in episodes]
            findings.append(
                dataset.finding("motion.dead_dimension", "note", message, episodes=numbers, column=key, dimensions=dead)
            )
    return findings


def _names(column: ColumnSummary, dimensions: list[int]) -> str:
    names = ", ".join(column.name(dimension) for dimension in dimensions[:8])
    return names if len(dimensions) <= 8 else f"{names}, ..."


DETECTORS = (
    Detector("motion.not_finite", "episode", detect_not_finite),
    Detector("motion.stub", "episode", detect_stub),
    Detector("motion.long_idle", "episode", detect_long_idle),
    Detector("motion.static", "dataset", detect_static),
    Detector("motion.dead_dimension", "dataset", detect_dead_dimension),
)
SCORES = {
    "motion.not_finite": score_not_finite,
    "motion.stub": score_stub,
    "motion.long_idle": score_long_idle,
    "motion.static": score_static,
}
