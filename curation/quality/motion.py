"""Joints: whether the episode holds a motion that can be learned, and whether its numbers are numbers.

Only what cannot teach anything true gates (not finite, too short, nobody moves). How smooth, fast or direct a motion is says
nothing about its worth and is not measured here.
"""

from __future__ import annotations

import numpy as np

from curation.quality.detector import Detector
from curation.quality.facts import ACTION, STATE, ColumnSummary, DatasetFacts, EpisodeFacts, EpisodeSummary
from curation.quality.movement import net_travel
from data_contracts.findings import Finding

STUB_FRAMES = 10
STUB_S = 0.2
"""A key pressed by mistake: fewer frames than 10, or less time than a motion takes. The shortest whole demonstrations known are
simulated: a handle pressed in 21 frames at 80 fps, 0.26 s."""
STATIC_TRAVEL = 0.005
"""Part of a joint's range in the dataset: 0.9 of 180 degrees, which an arm at rest sags and an encoder flickers."""
IDLE_TRAVEL = 0.02
IDLE_SHARE = 0.5
IDLE_MIN_S = 4.0
"""Shorter episodes have too few blocks of a second to speak of a share."""
JUMP_SHARE_OF_RANGE = 0.5
"""More than half of what a joint covers in the whole dataset, between two frames. Hands that report at a third of the camera's
rate take steps of up to half of their range."""
JUMP_SHARE_OF_PATH = 0.5
"""A gripper that only knows open and closed travels in such steps alone: that is a switch and no jump."""
SMALL_RANGE = 0.01
"""A dimension with less than this part of the largest range of its vector holds noise, and noise jumps all the time."""


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


def detect_stub(episode: EpisodeFacts) -> Finding | None:
    """Too short to hold a demonstration: fewer than 10 frames, or less than 0.2 s."""
    duration_s = episode.num_frames / episode.fps
    if episode.num_frames >= STUB_FRAMES and duration_s >= STUB_S:
        return None
    message = f"action has {episode.num_frames} frames ({duration_s:.2f} s), too few for a demonstration."
    return episode.finding(
        "motion.stub", "gate", message, num_frames=episode.num_frames, duration_s=round(duration_s, 4)
    )


def detect_long_idle(episode: EpisodeFacts) -> Finding | None:
    """Nothing moves for more than half of the time, counted in blocks of a second."""
    block = max(round(episode.fps), 2)
    num_blocks = episode.num_frames // block
    if episode.num_frames / episode.fps < IDLE_MIN_S or num_blocks < 2 or not np.isfinite(episode.state_TS).all():
        return None
    travel_S = net_travel(episode.state_TS, episode.fps)
    moving_TS = episode.state_TS[: num_blocks * block, travel_S > 0]
    if not moving_TS.shape[1]:
        return None  # nothing moves at all, which is `static`
    blocks = moving_TS.reshape(num_blocks, block, -1)
    is_idle = (np.ptp(blocks, axis=1) < IDLE_TRAVEL * travel_S[travel_S > 0]).all(axis=1)
    share = float(is_idle.mean())
    if share <= IDLE_SHARE:
        return None
    message = f"{STATE} rests for {share:.0%} of the time."
    return episode.finding("motion.long_idle", "warn", message, share=round(share, 4))


def detect_static(dataset: DatasetFacts) -> list[Finding]:
    """No joint moves: sensor noise at most, or less than 0.5% of what the joint covers in the whole dataset."""
    episodes = _long_enough(dataset, STATE)
    if not episodes:
        return []
    low_S, high_S = _range(episodes, STATE)
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


def detect_dead_dimension(dataset: DatasetFacts) -> list[Finding]:
    """A value of state or action never changes in any episode: it teaches nothing and has no spread to normalise by."""
    findings = []
    for key in (STATE, ACTION):
        episodes = _long_enough(dataset, key)
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


def detect_jump(dataset: DatasetFacts) -> list[Finding]:
    """A joint that otherwise moves smoothly covers more than half of its range between two frames."""
    episodes = _long_enough(dataset, STATE)
    if not episodes:
        return []
    low_S, high_S = _range(episodes, STATE)
    range_S = high_S - low_S
    is_joint_S = range_S > SMALL_RANGE * range_S.max(initial=0.0)
    findings = []
    for episode in episodes:
        column = episode.columns[STATE]
        is_large_S = column.largest_step_D > JUMP_SHARE_OF_RANGE * range_S
        jumping = np.flatnonzero(is_joint_S & is_large_S & (column.largest_step_share_D <= JUMP_SHARE_OF_PATH))
        for dimension in jumping.tolist():
            step, span = float(column.largest_step_D[dimension]), float(range_S[dimension])
            message = (
                f"{column.name(dimension)} of {STATE} jumps by {step:.4g} of its range {span:.4g} between two frames."
            )
            evidence = {"dimension": dimension, "step": step, "range": span}
            findings.append(dataset.finding("motion.jump", "warn", message, episodes=[episode.index], **evidence))
    return findings


def _long_enough(dataset: DatasetFacts, key: str) -> list[EpisodeSummary]:
    """Left out: stubs, which are reported as such; NaN; vectors of another width than the first episode's."""
    episodes = [e for e in dataset.episodes if e.num_frames >= STUB_FRAMES and key in e.columns]
    return [e for e in episodes if e.columns[key].low_D.size == episodes[0].columns[key].low_D.size]


def _range(episodes: list[EpisodeSummary], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the lowest and highest value of each dimension over all episodes."""
    low_D = np.min([episode.columns[key].low_D for episode in episodes], axis=0)
    return low_D, np.max([episode.columns[key].high_D for episode in episodes], axis=0)


def _names(column: ColumnSummary, dimensions: list[int]) -> str:
    names = ", ".join(column.name(dimension) for dimension in dimensions[:8])
    return names if len(dimensions) <= 8 else f"{names}, ..."


DETECTORS = (
    Detector("motion.not_finite", "episode", detect_not_finite),
    Detector("motion.stub", "episode", detect_stub),
    Detector("motion.long_idle", "episode", detect_long_idle),
    Detector("motion.static", "dataset", detect_static),
    Detector("motion.dead_dimension", "dataset", detect_dead_dimension),
    Detector("motion.jump", "dataset", detect_jump),
)
