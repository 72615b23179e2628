"""Which way up the pictures are: upside down or mirrored against the other episodes of the same camera.

A camera that is turned in every episode of a dataset looks like any other from within; only another dataset of the same
place tells.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from curation.quality.camera_facts import CameraFacts
from curation.quality.detector import Detector
from curation.quality.facts import DatasetFacts
from curation.quality.optics import cameras_compared
from data_contracts.findings import Finding

MIN_EPISODES = 4
GAINED = {"video.upside_down": 0.2, "video.mirrored": 0.3}
"""By how much the turned picture must be liker the others than the picture as it is, as correlations go. An arm before an empty
wall looks mirrored when it works on the other side."""
FLAT_LEVELS = 3.0
TURNS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], ...]] = {
    "video.upside_down": (lambda picture_HW: picture_HW[::-1, ::-1], lambda picture_HW: picture_HW[::-1]),
    "video.mirrored": (lambda picture_HW: picture_HW[:, ::-1],),
}


def turned(videos: list[CameraFacts]) -> dict[str, np.ndarray]:
    """Returns for each code how much liker to the camera's other episodes each picture is when turned so, in correlation.

    Each is -2 to 2; 0 where the episodes are too few. What all turns explain alike, as of a
    video from elsewhere, explains nothing: a turn counts only where it beats all others and then fits well.
    """
    nothing = {code: np.zeros(len(videos)) for code in TURNS}
    if len(videos) < MIN_EPISODES:
        return nothing
    means_EHW = np.stack([video.digest.pictures_MHW.mean(axis=0) for video in videos])
    usual_HW = np.median(means_EHW, axis=0)
    as_is_E = np.array([_likeness(mean_HW, usual_HW) for mean_HW in means_EHW])
    likeness = {
        code: np.array([max(_likeness(turn(mean_HW), usual_HW) for turn in turns) for mean_HW in means_EHW])
        for code, turns in TURNS.items()
    }
    best_E = np.max(list(likeness.values()), axis=0)
    return {code: np.where((like_E == best_E) & (like_E > 0.5), like_E, np.minimum(like_E, as_is_E)) - as_is_E
            for code, like_E in likeness.items()}  # fmt: skip


def detect_upside_down(dataset: DatasetFacts) -> list[Finding]:
    """The picture stands on its head, or is flipped top to bottom, against the camera's other episodes."""
    return _findings(dataset, "video.upside_down", "is upside down")


def detect_mirrored(dataset: DatasetFacts) -> list[Finding]:
    """The picture is mirrored left to right against the camera's other episodes."""
    return _findings(dataset, "video.mirrored", "is mirrored")


def _findings(dataset: DatasetFacts, code: str, says: str) -> list[Finding]:
    return [
        dataset.finding(
            code, "warn", f"{video.file} {says}, seen against the camera's other episodes.", episodes=[video.episode],
            camera=key, likeness_gained=round(float(gained), 3),
        )
        for key, videos in cameras_compared(dataset).items()
        for video, gained in zip(videos, turned(videos)[code], strict=True)
        if gained >= GAINED[code]
    ]  # fmt: skip


def _likeness(picture_HW: np.ndarray, other_HW: np.ndarray) -> float:
    """Returns the correlation of two pictures, 0 where one of them is flat."""
    if picture_HW.std() < FLAT_LEVELS or other_HW.std() < FLAT_LEVELS:
        return 0.0
    return float(np.corrcoef(picture_HW.ravel(), other_HW.ravel())[0, 1])


def _worst(code: str) -> Callable[[DatasetFacts], dict[int, float]]:
    def scores(dataset: DatasetFacts) -> dict[int, float]:
        worst: dict[int, float] = {}
        for videos in cameras_compared(dataset).values():
            for video, gained in zip(videos, turned(videos)[code], strict=True):
                worst[video.episode] = max(worst.get(video.episode, -2.0), float(gained))
        return worst

    return scores


DETECTORS = (
    Detector("video.upside_down", "dataset", detect_upside_down),
    Detector("video.mirrored", "dataset", detect_mirrored),
)
SCORES = {code: _worst(code) for code in TURNS}
