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
from curation.quality.pairs import pairs_to_compare

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
SAME_LEVELS = 7
"""Pictures of two episodes are the same where no pixel of any differs by more: encoded twice they differ by 2 to 5, those of
honest episodes with other joints by 9 and more."""
MUCH_CHANGE = 28
"""Levels: pictures in which nothing changes are the same whatever the joints do."""
OTHER_JOINTS = 0.05
"""Of a joint's range: with the same joints it would be the same episode twice."""
IN_DOUBT = 0.6
"""Natural logarithm of how much worse the joints of the one explain the pictures than those of the other: below, both are named."""
BOTH_GAIN, TOGETHER, NO_LOSS = 0.12, 0.7, -0.05
"""Natural logarithms of how much better the joints of the other explain the pictures: of each of the two, or of both together
where neither is explained worse."""


class Mismatch(NamedTuple):
    """`score` is 1 where it is worth a warning. `kind`: shifted, unexplained, elsewhere, copied (from another episode), doubled
    (it or the other episode is wrong) or exchanged, with what says so."""

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
    signs += _of_another(dataset, pairs)
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
        (usable[first].episode, usable[second].episode): comparison
        for first, second in pairs_to_compare(appearance)
        if (comparison := appearance.comparison(first, second)) is not None
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


def _of_another(
    dataset: DatasetFacts, pairs: dict[tuple[int, int], list[tuple[str, Comparison]]]
) -> list[tuple[CameraFacts, Mismatch]]:
    """Returns the videos that show another episode: its very pictures to other joints, or such as fit its joints while its own
    fit these. All cameras that saw a pair are taken together."""
    videos = {(video.key, video.episode): video for video in dataset.videos}
    copied, exchanged = [], []
    for pair, of_cameras in pairs.items():
        excess = sum(seen.excess for _, seen in of_cameras)
        gains = np.sum([seen.gains for _, seen in of_cameras], axis=0)
        together = gains.sum() / TOGETHER if gains.min() > NO_LOSS else 0.0
        exchange = float(max(gains.min() / BOTH_GAIN, together))
        wrong, right = pair if excess >= 0 else pair[::-1]
        kind = "doubled" if abs(excess) < IN_DOUBT else "copied"
        for key, seen in of_cameras:
            same = SAME_LEVELS / max(seen.pictures, 1)
            score = min(same, seen.change / MUCH_CHANGE, seen.joints / OTHER_JOINTS)
            copied.append((videos[key, wrong], Mismatch(score, kind, {"other": right})))
            if kind == "doubled":
                copied.append((videos[key, right], Mismatch(score, kind, {"other": wrong})))
            for one, other in (pair, pair[::-1]):
                exchanged.append((videos[key, one], Mismatch(exchange, "exchanged", {"other": other})))
    known = {
        episode for video, sign in copied if sign.score >= 1 for episode in (video.episode, sign.evidence["other"])
    }
    return copied + [(video, sign) for video, sign in exchanged if not known & {video.episode, sign.evidence["other"]}]


def _has_moving_joints(video: CameraFacts) -> bool:
    digest = video.digest
    if len(digest.frames_M) < MIN_PICTURES or not len(digest.states_KS):
        return False
    return bool((np.ptp(digest.states_KS, axis=0) > 0).any())
