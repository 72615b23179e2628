"""Clocks: whether frames come at the declared rate, from zero, forward.

A policy reads `timestamp` as frame_index / fps; so does LeRobot when it looks up video frames. What video and rows say about
each other's length is in `video`.
"""

from __future__ import annotations

import numpy as np

from curation.quality.detector import Detector
from curation.quality.facts import EpisodeFacts
from data_contracts.findings import Finding

TOLERANCE_S = 1e-4
"""LeRobot's own: v2.1 refused a dataset with a step further than this from 1 / fps (`check_timestamps_sync`)."""
WRONG_RATE = 0.05
"""A rate is called wrong from 5% on. A recording loop that sleeps runs 1 to 2% off, which `irregular_step` reports."""


def detect_irregular_step(episode: EpisodeFacts) -> Finding | None:
    """Some steps between frames differ from the rest. Where the whole rate is wrong, steps are compared with their median."""
    steps_s = np.diff(episode.timestamps_s)
    if not len(steps_s) or not np.isfinite(steps_s).all():
        return None
    expected_s = float(np.median(steps_s)) if _is_rate_wrong(episode) else 1 / episode.fps
    is_off = np.abs(steps_s - expected_s) > TOLERANCE_S + _float32_spacing(episode.timestamps_s)
    if not is_off.any():
        return None
    low, high = float(steps_s.min()), float(steps_s.max())
    message = (
        f"{int(is_off.sum())} of {len(steps_s)} steps of timestamp differ from {expected_s:.4f} s by more than 0.1 ms "
        f"({low:.4f} to {high:.4f} s)."
    )
    return episode.finding(
        "time.irregular_step", "warn", message,
        share=round(float(is_off.mean()), 4), expected_s=expected_s, low_s=low, high_s=high,
    )  # fmt: skip


def detect_non_monotonic(episode: EpisodeFacts) -> Finding | None:
    """Time stands still or runs backwards, so that rows cannot be put in order."""
    is_back = np.diff(episode.timestamps_s) <= 0
    if not is_back.any():
        return None
    frame = int(np.argmax(is_back)) + 1
    message = f"timestamp does not grow at {int(is_back.sum())} frames, first at frame {frame}."
    return episode.finding("time.non_monotonic", "gate", message, num_frames=int(is_back.sum()), first_frame=frame)


def detect_first_not_zero(episode: EpisodeFacts) -> Finding | None:
    """The first frame is not at 0 s: video frames are then looked up too late. Normalising counts time anew."""
    first_s = float(episode.timestamps_s[0]) if episode.num_frames else 0.0
    if not abs(first_s) > TOLERANCE_S:  # also where it is not a number, which `motion.not_finite` reports
        return None
    return episode.finding("time.first_not_zero", "note", f"timestamp starts at {first_s:.4f} s.", first_s=first_s)


def detect_wrong_fps(episode: EpisodeFacts) -> Finding | None:
    """Frames come steadily at a rate that is not the declared one, so that the policy would run too fast or too slow."""
    if not _is_rate_wrong(episode):
        return None
    found = 1 / float(np.median(np.diff(episode.timestamps_s)))
    message = f"timestamp runs at {found:.2f} frames per second, meta/info.json declares {episode.fps:g}."
    return episode.finding("time.wrong_fps", "warn", message, found_fps=found, declared_fps=episode.fps)


def _is_rate_wrong(episode: EpisodeFacts) -> bool:
    if episode.num_frames < 3:
        return False
    step_s = float(np.median(np.diff(episode.timestamps_s)))
    return step_s > 0 and abs(step_s * episode.fps - 1) > WRONG_RATE


def _float32_spacing(timestamps_s: np.ndarray) -> float:
    """Timestamps are stored as float32, whose grid is 6e-5 s from 512 s on and coarser later."""
    return float(np.spacing(np.float32(np.abs(timestamps_s).max())))


def score_irregular_step(episode: EpisodeFacts) -> float:
    """Returns the deviation of the steps from their median, in steps at the declared rate; infinite clocks count most."""
    steps = np.diff(episode.timestamps_s) * episode.fps
    if not len(steps):
        return 0.0
    spread = float(np.abs(steps - np.median(steps)).max())
    return spread if np.isfinite(spread) else np.inf


def score_non_monotonic(episode: EpisodeFacts) -> float:
    """Returns how far time runs backwards at worst, in steps at the declared rate; below 0 where it always grows."""
    steps = np.diff(episode.timestamps_s) * episode.fps
    return -float(steps.min()) if len(steps) and np.isfinite(steps).all() else 0.0


def score_first_not_zero(episode: EpisodeFacts) -> float:
    """Returns the distance of the first frame from zero, in seconds."""
    first_s = float(episode.timestamps_s[0]) if episode.num_frames else 0.0
    return abs(first_s) if np.isfinite(first_s) else 0.0


def score_wrong_fps(episode: EpisodeFacts) -> float:
    """Returns how far the median step is from the declared one, as part of it."""
    steps = np.diff(episode.timestamps_s) * episode.fps
    return abs(float(np.median(steps)) - 1) if len(steps) and np.isfinite(steps).all() else 0.0


DETECTORS = (
    Detector("time.irregular_step", "episode", detect_irregular_step),
    Detector("time.non_monotonic", "episode", detect_non_monotonic),
    Detector("time.first_not_zero", "episode", detect_first_not_zero),
    Detector("time.wrong_fps", "episode", detect_wrong_fps),
)
SCORES = {
    "time.irregular_step": score_irregular_step,
    "time.non_monotonic": score_non_monotonic,
    "time.first_not_zero": score_first_not_zero,
    "time.wrong_fps": score_wrong_fps,
}
