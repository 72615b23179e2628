"""Do the pictures show what the joints did? Exposes videos that are shifted, swapped or from elsewhere. Soft: never gates.

Within an episode: one of the two moves and the other does not. Across the dataset: what the joints promise by what the other
episodes of the camera show (`appearance`), against what the video shows. A shift that all episodes share looks like none: the
lag of a dataset's own cameras is what each episode is held against.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from curation.quality.appearance import MIN_PICTURES, Agreement, Appearance
from curation.quality.camera_facts import CameraFacts
from curation.quality.detector import Detector
from curation.quality.facts import DatasetFacts, EpisodeFacts
from curation.quality.movement import net_travel
from curation.quality.optics import cameras_seen
from curation.quality.orientation import GAINED, turned
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
MIN_EPISODES = 4
MIN_LAG = 4
"""Frames: cameras lag behind joints by up to three at 30 fps."""
MAX_USUAL_LAG = 6
"""What a whole dataset may lag by: more is a camera that the joints do not explain."""
RELIABLE_FIT = 0.4
"""A camera whose pictures the joints explain less than this, as where objects fill the view, says nothing of lags."""
ALONE, CONFIRMED, DOUBTED = (0.12, 0.3), (0.08, 0.3), (0.3, 0.7)
"""Least gain and least fit of a lag: where one camera says so, where another of the episode says the same, and where another is
sure of the opposite or the episodes are too few to learn a camera from."""
SURE_FIT = 0.6
ENOUGH_EPISODES = 8
ELSEWHERE_SHARE, ELSEWHERE_SHARE_FEW = 0.2, 0.35
FEW_EPISODES = 6
SAME_PICTURES, OTHER_JOINTS = 0.45, 3.0
MAX_COMPARED = 1000
"""Episodes of a camera that are compared pair by pair."""


class Mismatch(NamedTuple):
    """`score` is 1 where it is worth a warning. `kind`: shifted, elsewhere or swapped, with the number that says so."""

    score: float
    kind: str
    evidence: dict[str, float]


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
    "swapped": "shows the pictures of episode {other} to joints that moved otherwise.",
}


def mismatches(dataset: DatasetFacts) -> list[tuple[CameraFacts, Mismatch]]:
    """Returns for each video the strongest sign that it does not belong to its joints. Nothing of cameras with few episodes."""
    signs: list[tuple[CameraFacts, Mismatch]] = []
    lags: dict[int, list[tuple[CameraFacts, Lag]]] = {}
    for videos in cameras_seen(dataset).values():
        if len(videos) < MIN_EPISODES or len({video.digest.pictures_MHW.shape[1:] for video in videos}) > 1:
            continue
        signs += zip(videos, _elsewhere(videos), strict=True)
        swapped, lags_of_camera = _against_joints(videos)
        signs += swapped
        for video, lag in lags_of_camera:
            lags.setdefault(video.episode, []).append((video, lag))
    for of_episode in lags.values():
        for place, (video, lag) in enumerate(of_episode):
            others = [other for number, (_, other) in enumerate(of_episode) if number != place]
            signs.append((video, _shifted(lag, others)))
    strongest: dict[tuple[str, int], tuple[CameraFacts, Mismatch]] = {}
    for video, sign in signs:
        known = strongest.get((video.key, video.episode))
        if known is None or sign.score > known[1].score:
            strongest[video.key, video.episode] = (video, sign)
    return list(strongest.values())


def _elsewhere(videos: list[CameraFacts]) -> list[Mismatch]:
    """Pictures whose mean differs from the other episodes' by far more than those do among each other. Brightness and contrast
    are set aside, as are pictures that are only turned or show nothing."""
    means_EHW = np.stack([video.digest.pictures_MHW.mean(axis=0) for video in videos])
    spread_E11 = means_EHW.std(axis=(1, 2), keepdims=True)
    even_EHW = (means_EHW - means_EHW.mean(axis=(1, 2), keepdims=True)) / np.maximum(spread_E11, 3)
    away_EHW = np.abs(even_EHW - np.median(even_EHW, axis=0))
    usual_HW = np.median(away_EHW, axis=0)
    share_E = (away_EHW > 5 * usual_HW + 0.35).mean(axis=(1, 2))
    is_excused_E = spread_E11.ravel() < 3
    for code, gained_E in turned(videos).items():
        is_excused_E |= gained_E >= GAINED[code]
    least = ELSEWHERE_SHARE if len(videos) >= FEW_EPISODES else ELSEWHERE_SHARE_FEW
    return [
        Mismatch(0.0 if is_excused else share / least, "elsewhere", {"share": round(float(share), 3)})
        for share, is_excused in zip(share_E, is_excused_E, strict=True)
    ]


class Lag(NamedTuple):
    """What a camera says of one episode: `away` frames from the dataset's usual lag, how well it fits there, and how much
    better than in place."""

    away: float
    fit: float
    gain: float
    is_reliable: bool
    is_learned: bool


def _against_joints(
    videos: list[CameraFacts],
) -> tuple[list[tuple[CameraFacts, Mismatch]], list[tuple[CameraFacts, Lag]]]:
    """Returns the videos that belong to another episode, and the lag of each, of those whose joints move."""
    usable = [video for video in videos if _has_moving_joints(video)]
    if len(usable) < MIN_EPISODES or len({video.digest.states_KS.shape[1] for video in usable}) > 1:
        return [], []
    appearance = Appearance([video.digest for video in usable])
    agreements = [appearance.agreement(number) for number in range(len(usable))]
    usual_lag = float(np.clip(np.median([agreement.lag for agreement in agreements]), -MAX_USUAL_LAG, MAX_USUAL_LAG))
    is_reliable = float(np.median([agreement.fit for agreement in agreements])) >= RELIABLE_FIT
    is_learned = len(usable) >= ENOUGH_EPISODES
    lags = [
        (video, Lag(found.lag - usual_lag, found.fit, found.fit - found.fit_at_0, is_reliable, is_learned))
        for video, found in zip(usable, agreements, strict=True)
    ]
    swapped = _swapped(appearance, agreements) if len(usable) <= MAX_COMPARED else {}
    found = [
        (usable[number], Mismatch(1.5, "swapped", {"other": usable[other].episode}))
        for number, other in swapped.items()
    ]
    return found, lags


def _shifted(lag: Lag, others: list[Lag]) -> Mismatch:
    is_confirmed = any(abs(other.away) >= MIN_LAG and abs(other.away - lag.away) < MIN_LAG for other in others)
    is_doubted = any(abs(other.away) < MIN_LAG and other.fit >= SURE_FIT and other.is_reliable for other in others)
    least_gain, least_fit = CONFIRMED if is_confirmed else ALONE
    if not lag.is_learned or (is_doubted and not is_confirmed):
        least_gain, least_fit = DOUBTED
    is_far = abs(lag.away) >= MIN_LAG and lag.fit >= least_fit and (lag.is_reliable or is_confirmed)
    score = lag.gain / least_gain
    evidence = {"lag": lag.away, "fit": round(lag.fit, 3), "fit_in_place": round(lag.fit - lag.gain, 3)}
    return Mismatch(score if is_far else min(score, 0.99), "shifted", evidence)


def _swapped(appearance: Appearance, agreements: list[Agreement]) -> dict[int, int]:
    """Returns which episode shows the pictures of which other one while their joints promise different pictures.

    Of the two it is the one whose joints explain the pictures worse.
    """
    found: dict[int, int] = {}
    for number, digest in enumerate(appearance.digests):
        inner = float(np.abs(np.diff(digest.pictures_MP, axis=0)).mean())
        for other in range(len(appearance.digests)):
            if other == number or agreements[other].fit_at_0 < agreements[number].fit_at_0:
                continue
            frames_M = digest.frames_M[digest.frames_M <= appearance.digests[other].frames_M[-1]]
            if len(frames_M) < MIN_PICTURES:
                continue
            theirs_MP = _interpolated(
                appearance.digests[other].frames_M, appearance.digests[other].pictures_MP, frames_M
            )
            apart = float(np.abs(digest.pictures_MP[: len(frames_M)] - theirs_MP).mean())
            if apart > SAME_PICTURES * inner:
                continue
            own_MP = appearance.expected(number, frames_M)
            promised = np.abs(own_MP - appearance.expected(number, frames_M, joints_of=other)).mean()
            if promised > OTHER_JOINTS * max(apart, 0.3):
                found[number] = other
    return found


def _interpolated(frames_M: np.ndarray, pictures_MP: np.ndarray, frames: np.ndarray) -> np.ndarray:
    place = np.interp(frames, frames_M, np.arange(len(frames_M)))
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, len(frames_M) - 1)
    part = (place - low)[:, None]
    return pictures_MP[low] * (1 - part) + pictures_MP[high] * part


def _has_moving_joints(video: CameraFacts) -> bool:
    digest = video.digest
    if len(digest.frames_M) < MIN_PICTURES or not len(digest.states_KS):
        return False
    return bool((np.ptp(digest.states_KS, axis=0) > 0).any())


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
