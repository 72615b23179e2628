"""How a camera was set: in focus, too bright, too dark. Seen against the other episodes of the same camera, or by itself where
that is beyond doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from curation.quality.camera_facts import CameraFacts
from curation.quality.detector import Detector
from curation.quality.facts import DatasetFacts
from data_contracts.findings import Finding

BLURRED_RATIO = 0.72
"""Sharpness against the median of the camera's episodes: a blur of 4 pixels at 480 lines leaves half, clean episodes of one
camera stay within 15%."""
BLURRED_AT_480, BLURRED_SLOPE = 0.2, 0.4
"""By itself: webcams in focus show 0.25 and more at 480 lines, small pictures more, since their pixels were averaged."""
BRIGHTER, DARKER = 1.45, 0.68
"""Ratio of brightness to the camera's other episodes; lamps and daylight change it by less where exposure is automatic."""
WHITER = 0.05
WHITE, NEARLY_WHITE = 0.3, 0.1
"""By itself: a third is white and more fades towards it. A drawn scene is white without fading."""
DARK_LEVEL, BLACK_LEVEL = 60.0, 16.0
SPREADS = 4.0
MIN_EPISODES = 4


def blur(dataset: DatasetFacts) -> dict[int, float]:
    """Returns how much sharpness each episode lacks: 1 - ratio to what is expected of its worst camera."""
    return _worst(dataset, _blur)


def over_exposure(dataset: DatasetFacts) -> dict[int, float]:
    """Returns the part of the picture that is white beyond what the camera usually shows, and how much brighter it is."""
    return _worst(dataset, _over)


def under_exposure(dataset: DatasetFacts) -> dict[int, float]:
    """Returns how much darker each episode is: 1 - ratio to the camera's other episodes, or to a picture that is just lit."""
    return _worst(dataset, _under)


def detect_blurred(dataset: DatasetFacts) -> list[Finding]:
    """The pictures are out of focus, against the camera's other episodes or beyond doubt."""
    return _findings(dataset, "video.blurred", _blur, 1 - BLURRED_RATIO, "is out of focus")


def detect_over_exposed(dataset: DatasetFacts) -> list[Finding]:
    """The pictures are so bright that parts of them are plain white."""
    return _findings(dataset, "video.over_exposed", _over, 1.0, "is over-exposed")


def detect_under_exposed(dataset: DatasetFacts) -> list[Finding]:
    """The pictures are much darker than the camera's others, or too dark to see by."""
    return _findings(dataset, "video.under_exposed", _under, 1 - DARKER, "is under-exposed")


def _blur(videos: list[CameraFacts]) -> list[float]:
    sharp = np.array([video.digest.sharpness for video in videos])
    expected = np.median(sharp) if len(videos) >= MIN_EPISODES else 0.0
    scores = []
    for video, value in zip(videos, sharp, strict=True):
        lines = min(video.size[0], 480) if video.size else 480
        least = BLURRED_AT_480 * (480 / lines) ** BLURRED_SLOPE / BLURRED_RATIO
        reference = max(expected, least)
        scores.append(1 - value / reference if value > 0 else 0.0)
    return scores


def _over(videos: list[CameraFacts]) -> list[float]:
    white = np.array([video.digest.white_share for video in videos])
    fading = np.array([video.digest.nearly_white_share for video in videos])
    by_itself = np.minimum(white / WHITE, fading / NEARLY_WHITE)
    if len(videos) < MIN_EPISODES:
        return by_itself.tolist()
    brighter = _log_ratio([video.digest.median_level for video in videos])
    against = np.minimum(brighter / np.log(BRIGHTER), (white - np.median(white)) / WHITER)
    return np.maximum(by_itself, against).tolist()


def _under(videos: list[CameraFacts]) -> list[float]:
    high = np.array([video.digest.high_level for video in videos])
    is_black = high < BLACK_LEVEL  # which is `video.black`
    by_itself = 1 - high * DARKER / DARK_LEVEL
    against = 1 - np.exp(_log_ratio(high)) if len(videos) >= MIN_EPISODES else by_itself
    return np.where(is_black, 0.0, np.maximum(by_itself, against)).tolist()


def _log_ratio(levels: np.ndarray | list[float]) -> np.ndarray:
    """Returns the log of each level over the median, 0 within what the episodes differ by anyway."""
    logs = np.log(np.maximum(np.asarray(levels, np.float64), 1.0))
    away = logs - np.median(logs)
    return np.where(np.abs(away) > SPREADS * np.median(np.abs(away)), away, 0.0)


def _findings(
    dataset: DatasetFacts, code: str, measure: Callable[[list[CameraFacts]], list[float]], least: float, says: str
) -> list[Finding]:
    found = []
    for key, videos in cameras_seen(dataset).items():
        for video, score in zip(videos, measure(videos), strict=True):
            if score >= least:
                evidence = {
                    "camera": key, "sharpness": round(video.digest.sharpness, 3), "median_level": video.digest.median_level,
                    "white_share": round(video.digest.white_share, 3),
                }  # fmt: skip
                found.append(
                    dataset.finding(code, "warn", f"{video.file} {says}.", episodes=[video.episode], **evidence)
                )
    return found


def _worst(dataset: DatasetFacts, measure: Callable[[list[CameraFacts]], list[float]]) -> dict[int, float]:
    scores: dict[int, float] = {}
    for videos in cameras_seen(dataset).values():
        for video, score in zip(videos, measure(videos), strict=True):
            scores[video.episode] = max(scores.get(video.episode, -np.inf), score)
    return scores


def cameras_seen(dataset: DatasetFacts) -> dict[str, list[CameraFacts]]:
    """Returns the videos of which pictures are kept, by camera."""
    keys = dict.fromkeys(video.key for video in dataset.videos)
    seen = {key: [video for video in dataset.videos if video.key == key and video.digest is not None] for key in keys}
    return {key: videos for key, videos in seen.items() if videos}


def cameras_compared(dataset: DatasetFacts) -> dict[str, list[CameraFacts]]:
    """Returns the same without the few videos whose pictures have another shape than the camera's others."""
    compared = {}
    for key, videos in cameras_seen(dataset).items():
        shapes = [video.digest.pictures_MHW.shape[1:] for video in videos]
        usual = Counter(shapes).most_common(1)[0][0]
        compared[key] = [video for video, shape in zip(videos, shapes, strict=True) if shape == usual]
    return compared


DETECTORS = (
    Detector("video.blurred", "dataset", detect_blurred),
    Detector("video.over_exposed", "dataset", detect_over_exposed),
    Detector("video.under_exposed", "dataset", detect_under_exposed),
)
SCORES = {"video.blurred": blur, "video.over_exposed": over_exposure, "video.under_exposed": under_exposure}
