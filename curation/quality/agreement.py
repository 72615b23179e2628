"""Do the pictures show what the joints did? Exposes videos that are shifted, swapped or from elsewhere. Soft: never gates.

Within an episode: one of the two moves and the other does not. Across the dataset: `mismatch`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from curation.quality.camera_facts import CameraFacts
from curation.quality.detector import Detector
from curation.quality.facts import DatasetFacts, EpisodeFacts
from curation.quality.mismatch import mismatches
from curation.quality.movement import net_travel
from curation.quality.ranges import STUB_FRAMES
from curation.quality.stillness import SAME_LEVELS, joint_path
from curation.quality.video import black_share
from data_contracts.findings import Finding

MOVED_LEVELS = 24
"""More than noise, flicker and an encoder at work move a block of a 64th of the picture."""
MOVED_SHARE = 0.02
"""Of the picture: a gripper that comes into view."""
STILL_SHARE = 0.001
MIN_PATH = 1.0
"""Joint ranges travelled: somebody who moves there and back travels two."""


def detect_video_without_motion(episode: EpisodeFacts) -> list[Finding]:
    """The picture shows motion and no joint moves: the joints were not recorded, or belong to another episode."""
    findings = []
    for camera in _lit(episode):
        share = moved_share(camera)
        if _is_at_rest(episode) and share >= MOVED_SHARE:
            message = f"{camera.file} shows motion in {share:.0%} of the picture while no joint moves."
            findings.append(
                camera.finding(
                    "agreement.video_without_motion", "warn", message, share=round(share, 4), file=camera.file
                )
            )
    return findings


def detect_motion_without_video(episode: EpisodeFacts) -> list[Finding]:
    """The joints move and nothing in the picture does, though it is live: a camera that looks elsewhere, or a covered lens."""
    findings = []
    for camera in _lit(episode):
        is_live = (camera.change_N[1:] > SAME_LEVELS).mean() > 0.5
        if joint_path(episode)[-1] >= MIN_PATH and is_live and moved_share(camera) < STILL_SHARE:
            message = f"{camera.file} shows nothing that moves while the joints do."
            findings.append(camera.finding("agreement.motion_without_video", "warn", message, file=camera.file))
    return findings


def detect_video_joint_mismatch(dataset: DatasetFacts) -> list[Finding]:
    """The video fits other joints better than its own: shifted in time, swapped with another episode, or from elsewhere."""
    findings = []
    for video, mismatch in mismatches(dataset):
        if mismatch.score >= 1:
            message = f"{video.file} {_SAYS[mismatch.kind]}".format(**mismatch.evidence)
            evidence = {"camera": video.key, "kind": mismatch.kind} | mismatch.evidence
            findings.append(
                dataset.finding("agreement.video_joint_mismatch", "warn", message, episodes=[video.episode], **evidence)
            )
    return findings


_SAYS = {
    "shifted": "fits its joints best {lag:g} frames away from where it lies.",
    "elsewhere": "differs in {share:.0%} of the picture from what the camera shows in the other episodes.",
    "unexplained": "shows nothing of what the joints do (they explain {fit:.0%} of it, {usual:.0%} in the other episodes).",
    "copied": "shows the pictures of episode {other} to joints that moved otherwise.",
    "doubled": "shows the same pictures as episode {other}, whose joints moved otherwise: one of the two is wrong.",
    "exchanged": "fits the joints of episode {other}, whose video fits the joints of this one: the two are exchanged.",
}


def moved_share(camera: CameraFacts) -> float:
    """Returns the part of the picture that differs clearly between any two pictures of the episode."""
    return float((np.ptp(camera.thumbs_NHW, axis=0) > MOVED_LEVELS).mean())


def _is_at_rest(episode: EpisodeFacts) -> bool:
    has_state = episode.num_frames >= STUB_FRAMES and episode.state_TS.shape[1] and np.isfinite(episode.state_TS).all()
    return bool(has_state) and not net_travel(episode.state_TS, episode.fps).any()


def _lit(episode: EpisodeFacts) -> list[CameraFacts]:
    return [
        camera
        for camera in episode.cameras
        if not camera.error and len(camera.thumbs_NHW) > 2 and black_share(camera.thumbs_NHW) < 0.5
    ]


def mismatch_by_episode(dataset: DatasetFacts) -> dict[int, float]:
    """Returns the score of each episode's worst camera."""
    worst: dict[int, float] = {}
    for video, mismatch in mismatches(dataset):
        worst[video.episode] = max(worst.get(video.episode, 0.0), float(mismatch.score))
    return worst


def _moved_at_rest(episode: EpisodeFacts) -> float:
    return max((moved_share(camera) for camera in _lit(episode)), default=0.0) if _is_at_rest(episode) else 0.0


def _still_in_motion(episode: EpisodeFacts) -> float:
    if not episode.num_frames or joint_path(episode)[-1] < MIN_PATH:
        return 0.0
    return max((1 - moved_share(camera) for camera in _lit(episode)), default=0.0)


DETECTORS = (
    Detector("agreement.video_without_motion", "episode", detect_video_without_motion),
    Detector("agreement.motion_without_video", "episode", detect_motion_without_video),
    Detector("agreement.video_joint_mismatch", "dataset", detect_video_joint_mismatch),
)
SCORES: dict[str, Callable[[EpisodeFacts], float]] = {
    "agreement.video_without_motion": _moved_at_rest,
    "agreement.motion_without_video": _still_in_motion,
}
DATASET_SCORES: dict[str, Callable[[DatasetFacts], dict[int, float]]] = {
    "agreement.video_joint_mismatch": mismatch_by_episode
}
