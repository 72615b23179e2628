"""Videos that do not belong to their joints: shifted in time, swapped with another episode's, or from elsewhere. Measures only.

What the joints promise by what the other episodes of the camera show (`appearance`) is held against what the video shows. A shift
that all episodes share looks like none: each episode is held against the usual lag of its dataset.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from curation.quality.appearance import MIN_PICTURES, Appearance, Comparison
from curation.quality.camera_facts import CameraFacts
from curation.quality.facts import DatasetFacts
from curation.quality.optics import cameras_compared
from curation.quality.orientation import GAINED, turned

MIN_EPISODES = 4
MIN_LAG = 4
"""Frames: cameras lag behind joints by up to three at 30 fps."""
MAX_USUAL_LAG = 6
"""What a whole dataset may lag by: more is a camera that the joints do not explain."""
RELIABLE_FIT = 0.4
"""A camera whose pictures the joints explain less than this, as where objects fill the view, says nothing of lags."""
ALONE, CONFIRMED, DOUBTED = (0.11, 0.45), (0.08, 0.3), (0.3, 0.7)
"""Least gain and least fit of a lag: where one camera says so, where another of the episode says the same, and where another is
sure of the opposite or the episodes are too few to learn a camera from."""
SURE_FIT = 0.6
ENOUGH_EPISODES = 8
UNEXPLAINED = 0.6
"""By how much less joints explain the pictures of an episode than those of the camera's others, where they do explain these."""
ELSEWHERE_SHARE, ELSEWHERE_SHARE_FEW = 0.2, 0.35
FEW_EPISODES = 6
SAME_PICTURES, OTHER_JOINTS = 0.15, 2.0
"""Pictures of two episodes are the same where they differ by no more than this part of what changes in them, and are this much
liker than their joints promise."""
IN_DOUBT = 1.0
"""Natural logarithm of how much worse the joints of the one explain the pictures than those of the other: below, both are named."""
ENCODED = 0.02
"""Squared levels between two encodings of the same pictures, these made small."""
NUM_NEAREST, NUM_MARKS, ROWS = 4, 6, 512
"""How many of the likest episodes each one is compared with, the pictures by which these are found, and how many at a time."""


class Mismatch(NamedTuple):
    """`score` is 1 where it is worth a warning. `kind`: shifted, unexplained, elsewhere, swapped or doubled (it or the other
    episode is wrong), with the number that says so."""

    score: float
    kind: str
    evidence: dict[str, float]


def mismatches(dataset: DatasetFacts) -> list[tuple[CameraFacts, Mismatch]]:
    """Returns for each video the strongest sign that it does not belong to its joints. Nothing of cameras with few episodes."""
    signs: list[tuple[CameraFacts, Mismatch]] = []
    lags: dict[int, list[tuple[CameraFacts, Lag]]] = {}
    pairs: dict[tuple[int, int], list[tuple[str, Comparison]]] = {}
    for videos in cameras_compared(dataset).values():
        if len(videos) < MIN_EPISODES:
            continue
        signs += zip(videos, _elsewhere(videos), strict=True)
        pairs_of_camera, lags_of_camera = _against_joints(videos)
        for pair, comparison in pairs_of_camera.items():
            pairs.setdefault(pair, []).append((videos[0].key, comparison))
        for video, lag in lags_of_camera:
            lags.setdefault(video.episode, []).append((video, lag))
    for of_episode in lags.values():
        for place, (video, lag) in enumerate(of_episode):
            others = [other for number, (_, other) in enumerate(of_episode) if number != place]
            signs += [(video, _shifted(lag, others)), (video, _unexplained(lag))]
    signs += _swapped(dataset, pairs)
    strongest: dict[tuple[str, int], tuple[CameraFacts, Mismatch]] = {}
    for video, sign in signs:
        known = strongest.get((video.key, video.episode))
        if known is None or _tells(sign) > _tells(known[1]):
            strongest[video.key, video.episode] = (video, sign)
    return list(strongest.values())


def _tells(sign: Mismatch) -> tuple[bool, float]:
    """What says where the video belongs tells more than that it does not belong."""
    return sign.score >= 1 and sign.kind != "unexplained", sign.score


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
        Mismatch(0.0 if is_excused else float(share) / least, "elsewhere", {"share": round(float(share), 3)})
        for share, is_excused in zip(share_E, is_excused_E, strict=True)
    ]


class Lag(NamedTuple):
    """What a camera says of one episode: `away` frames from the dataset's usual lag, how well it fits there, how much
    better than in place, and how well in place as it `usual`ly does."""

    away: float
    fit: float
    gain: float
    in_place: float
    usual: float
    is_reliable: bool
    is_learned: bool


def _against_joints(
    videos: list[CameraFacts],
) -> tuple[dict[tuple[int, int], Comparison], list[tuple[CameraFacts, Lag]]]:
    """Returns how the pairs of episodes that look alike differ, and the lag of each, of those whose joints move."""
    usable = [video for video in videos if _has_moving_joints(video)]
    if len(usable) < MIN_EPISODES or len({video.digest.states_KS.shape[1] for video in usable}) > 1:
        return {}, []
    appearance = Appearance([video.digest for video in usable])
    agreements = [appearance.agreement(number) for number in range(len(usable))]
    usual_lag = float(np.clip(np.median([agreement.lag for agreement in agreements]), -MAX_USUAL_LAG, MAX_USUAL_LAG))
    is_reliable = float(np.median([agreement.fit for agreement in agreements])) >= RELIABLE_FIT
    is_learned = len(usable) >= ENOUGH_EPISODES
    in_place = [appearance.fit_in_place(number) for number in range(len(usable))]
    usual = float(np.median(in_place))
    lags = [
        (video, Lag(found.lag - usual_lag, found.fit, found.gain, fit, usual, is_reliable, is_learned))
        for video, found, fit in zip(usable, agreements, in_place, strict=True)
    ]
    pairs = {
        (usable[first].episode, usable[second].episode): appearance.comparison(first, second)
        for first, second in _alike(appearance)
    }
    return pairs, lags


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


def _unexplained(lag: Lag) -> Mismatch:
    """The joints say nothing of these pictures, though they explain what the camera shows in the other episodes."""
    is_known = lag.is_learned and lag.usual >= RELIABLE_FIT
    evidence = {"fit": round(max(lag.in_place, 0.0), 3), "usual": round(lag.usual, 3)}
    return Mismatch((lag.usual - lag.in_place) / UNEXPLAINED if is_known else 0.0, "unexplained", evidence)


def _swapped(
    dataset: DatasetFacts, pairs: dict[tuple[int, int], list[tuple[str, Comparison]]]
) -> list[tuple[CameraFacts, Mismatch]]:
    """Returns the videos that show the pictures of another episode while their joints promise others.

    Of the two it is the one whose pictures its joints explain worse, the cameras that saw it taken together; both where that
    is not sure.
    """
    videos = {(video.key, video.episode): video for video in dataset.videos}
    found = []
    for (first, second), of_cameras in pairs.items():
        excess = sum(np.log((seen.first_error + ENCODED) / (seen.second_error + ENCODED)) for _, seen in of_cameras)
        wrong, right = (first, second) if excess >= 0 else (second, first)
        for key, seen in of_cameras:
            same = SAME_PICTURES * seen.change / (seen.seen + 1e-6)
            score = float(min(same, seen.promised / (seen.seen + ENCODED) / OTHER_JOINTS))
            kind = "doubled" if abs(excess) < IN_DOUBT else "swapped"
            found.append((videos[key, wrong], Mismatch(score, kind, {"other": right})))
            if kind == "doubled":
                found.append((videos[key, right], Mismatch(score, kind, {"other": wrong})))
    return found


def _alike(appearance: Appearance) -> list[tuple[int, int]]:
    """Returns the pairs of episodes whose pictures change alike: each with the few that are nearest to it."""
    marks_EP = _marks(appearance)
    length_E = (marks_EP**2).sum(axis=1)
    pairs = set()
    for begin in range(0, len(marks_EP), ROWS):
        rows_RP = marks_EP[begin : begin + ROWS]
        apart_RE = length_E[begin : begin + ROWS, None] + length_E - 2 * rows_RP @ marks_EP.T
        apart_RE[np.arange(len(rows_RP)), np.arange(begin, begin + len(rows_RP))] = np.inf
        nearest = np.argpartition(apart_RE, min(NUM_NEAREST, len(marks_EP) - 1) - 1, axis=1)[:, :NUM_NEAREST]
        pairs |= {
            (min(row + begin, other), max(row + begin, other))
            for row, of in enumerate(nearest.tolist())
            for other in of
        }
    return sorted(pairs)


def _marks(appearance: Appearance) -> np.ndarray:
    """Returns a few pictures of each episode at the same frames, one row each, float64, but for what does not change."""
    shortest = np.percentile([digest.frames_M[-1] for digest in appearance.digests], 10)
    frames = np.linspace(0, shortest, NUM_MARKS)
    rows = []
    for digest in appearance.digests:
        places = np.minimum(np.searchsorted(digest.frames_M, frames), len(digest.frames_M) - 1)
        pictures = digest.pictures_MP[places]
        rows.append((pictures - pictures.mean(axis=0)).ravel())
    return np.stack(rows).astype(np.float64)


def _has_moving_joints(video: CameraFacts) -> bool:
    digest = video.digest
    if len(digest.frames_M) < MIN_PICTURES or not len(digest.states_KS):
        return False
    return bool((np.ptp(digest.states_KS, axis=0) > 0).any())
