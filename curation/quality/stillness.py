"""Pictures that do not change while the robot moves: one still picture for a while, or frames that repeat the one before.

A picture of a robot at rest may be still: only frames at which the joints move count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from curation.quality.camera_facts import CameraFacts
from curation.quality.detector import Detector
from curation.quality.facts import EpisodeFacts
from curation.quality.ranges import STUB_FRAMES
from curation.quality.video import black_share
from data_contracts.findings import Finding

SAME_LEVELS = 2.0
"""The most changed block of two encodings of one picture, where the encoder has bits to spare."""
NOISE_LEVELS = 16.0
NOISE_SHARE = 0.2
"""Encoding coarsely moves a repeated picture by up to 14 levels at a key frame, where a moving arm moves blocks by 100."""
FROZEN_SHARE = 0.08
FROZEN_FRAMES = 5
PACE = 0.3
"""A run counts as frozen where the joints travel there at no less than this part of their average pace."""
REPEATED_SHARE, MIN_REPEATED = 0.06, 2
"""Of the frames in motion; a few are lost by every recorder."""
MIN_IN_A_ROW = 24
DENSE_KEYS, MIN_COUNTED = 0.25, 5
RANGE_SHARE = 1e-3


class Stillness(NamedTuple):
    """`frozen_share`: the longest time without change while joints move, `first_frame` its start, as a part of the episode.
    `repeated_share`: the part of the moving frames that show the picture before once more, without that run."""

    frozen_share: float
    first_frame: int
    repeated_share: float


def stillness(camera: CameraFacts, episode: EpisodeFacts) -> Stillness:
    """Returns how much of the camera's pictures stands still while the joints move; zeros where nothing moves or
    the episode is a stub."""
    known_N = camera.numbers_N < episode.num_frames
    numbers_N, change_N = camera.numbers_N[known_N], camera.change_N[known_N]
    path_T = joint_path(episode)
    if len(numbers_N) < STUB_FRAMES or path_T[-1] <= 0:
        return Stillness(0.0, 0, 0.0)
    gap_N, travel_N = np.diff(numbers_N, prepend=-1), np.diff(path_T[numbers_N], prepend=0)
    is_same_N = change_N <= _noise_level(change_N[1:])
    is_same_N[0] = False
    start, stop = _longest_run(is_same_N, gap_N)
    run_share = float(numbers_N[stop] - numbers_N[start]) / len(path_T)
    is_moving = path_T[numbers_N[stop]] - path_T[numbers_N[start]] >= PACE * run_share * path_T[-1]
    is_frozen = is_moving and numbers_N[stop] - numbers_N[start] >= FROZEN_FRAMES
    return Stillness(
        frozen_share=run_share if is_frozen else 0.0,
        first_frame=int(numbers_N[start]),
        repeated_share=_repeated_share(
            is_same_N, gap_N, travel_N, camera.is_key_N[: len(numbers_N)], (start, stop) if is_frozen else (0, 0)
        ),
    )


def joint_path(episode: EpisodeFacts) -> np.ndarray:
    """Returns how far the joints have travelled up to each frame, each scaled by its own range, float64 (T,); zeros at rest."""
    zero_T = np.zeros(episode.num_frames)
    if not episode.num_frames or not episode.state_TS.shape[1] or not np.isfinite(episode.state_TS).all():
        return zero_T if episode.num_frames else np.zeros(1)
    range_S = np.ptp(episode.state_TS.astype(np.float64), axis=0)
    is_joint_S = range_S > max(RANGE_SHARE * range_S.max(), 1e-6)
    if not is_joint_S.any():
        return zero_T
    steps_TS = np.diff(episode.state_TS[:, is_joint_S].astype(np.float64), axis=0) / range_S[is_joint_S]
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(steps_TS, axis=1))])


def detect_frozen(episode: EpisodeFacts) -> list[Finding]:
    """The picture stands still for 8% of the episode or more while the robot moves."""
    findings = []
    for camera in _seen(episode):
        still = stillness(camera, episode)
        if still.frozen_share >= FROZEN_SHARE:
            message = (
                f"{camera.file} shows one still picture for {still.frozen_share:.0%} of the time while joints move."
            )
            evidence = {"share": round(still.frozen_share, 3), "first_frame": still.first_frame, "file": camera.file}
            findings.append(camera.finding("video.frozen", "warn", message, **evidence))
    return findings


def detect_repeated_frames(episode: EpisodeFacts) -> list[Finding]:
    """Frames show the picture before once more while the robot moves, as from a camera that is slower than the recording."""
    findings = []
    for camera in _seen(episode):
        share = stillness(camera, episode).repeated_share
        if share >= REPEATED_SHARE:
            message = f"{share:.0%} of the frames of {camera.file} repeat the one before while joints move."
            findings.append(
                camera.finding("video.repeated_frames", "warn", message, share=round(share, 3), file=camera.file)
            )
    return findings


def _seen(episode: EpisodeFacts) -> list[CameraFacts]:
    return [camera for camera in episode.cameras if not camera.error and black_share(camera.thumbs_NHW) < 0.5]


def _noise_level(change_N: np.ndarray) -> float:
    """Returns the change up to which two pictures are the same, seen against how much these pictures change at all."""
    typical = float(np.percentile(change_N, 75))
    return max(SAME_LEVELS, min(NOISE_LEVELS, NOISE_SHARE * typical))


def _longest_run(is_same_N: np.ndarray, gap_N: np.ndarray) -> tuple[int, int]:
    """Returns the first and last sample of the longest time in which each sample is the same as the one before."""
    best, length, start = (0, 0), 0, 0
    longest = 0
    for number, is_same in enumerate(is_same_N):
        length, start = (length + int(gap_N[number]), start) if is_same else (0, number)
        if length > longest:
            longest, best = length, (start, number)
    return best


def _repeated_share(
    is_same_N: np.ndarray, gap_N: np.ndarray, travel_N: np.ndarray, is_key_N: np.ndarray, run: tuple[int, int]
) -> float:
    """Returns the part of the frames in motion that are the same as the one before, without those of `run`.

    Where every second frame or so is encoded by itself, an encoder leaves out the small motion in between: of such a video
    only those frames are counted that it had to encode.
    """
    pace_N = travel_N / np.maximum(gap_N, 1)
    is_counted_N = (pace_N >= np.median(pace_N)) & (pace_N > 0)
    if (gap_N == 1).sum() >= MIN_IN_A_ROW:
        is_counted_N &= gap_N == 1
    if len(is_key_N) and DENSE_KEYS <= is_key_N.mean() < 1:
        is_counted_N &= is_key_N
    is_counted_N[0] = False
    is_counted_N[run[0] : run[1] + 1] &= run[0] == run[1]
    is_known = is_counted_N.sum() >= MIN_COUNTED and is_same_N[is_counted_N].sum() >= MIN_REPEATED
    return float(is_same_N[is_counted_N].mean()) if is_known else 0.0


def _worst(measure: str) -> object:
    def score(episode: EpisodeFacts) -> float:
        return max((getattr(stillness(camera, episode), measure) for camera in _seen(episode)), default=0.0)

    return score


DETECTORS = (
    Detector("video.frozen", "episode", detect_frozen),
    Detector("video.repeated_frames", "episode", detect_repeated_frames),
)
SCORES = {"video.frozen": _worst("frozen_share"), "video.repeated_frames": _worst("repeated_share")}
