"""What is kept of a camera's pictures after the episode is let go, a few KB: enough to compare episodes with each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from curation.quality.camera_facts import CameraFacts
    from curation.quality.facts import EpisodeFacts

NUM_PICTURES = 40
PICTURE_PX = 16
"""Longer side of a kept picture: the place of an arm is seen in it, a grasp is not."""
NUM_STATES = 192
WHITE = 250
NEARLY_WHITE = 200


@dataclass(frozen=True)
class CameraDigest:
    """Some pictures of one camera in one episode, and the joints at the same clock.

    `pictures_MHW` uint8, 0 black, at the frames `frames_M`; `states_KS` float32 at the frames `state_frames_K` (K is 0 where
    the rows are lost or not finite). `median_level` and `high_level` (95th percentile) are brightness 0 to 255, `white_share`
    the part of the picture at 250 and above, `nearly_white_share` between 200 and 250.
    """

    frames_M: np.ndarray
    pictures_MHW: np.ndarray
    state_frames_K: np.ndarray
    states_KS: np.ndarray
    sharpness: float
    median_level: float
    high_level: float
    white_share: float
    nearly_white_share: float

    @property
    def pictures_MP(self) -> np.ndarray:  # noqa: N802
        """The same with each picture as a row of its pixels, float32."""
        return self.pictures_MHW.reshape(len(self.pictures_MHW), -1).astype(np.float32)

    def state_at(self, frames: np.ndarray) -> np.ndarray:
        """Returns the joints at these frames, interpolated, float64 (len(frames), S)."""
        columns = [np.interp(frames, self.state_frames_K, values) for values in self.states_KS.T]
        return np.stack(columns, axis=1) if columns else np.zeros((len(frames), 0))


def digest(camera: CameraFacts, episode: EpisodeFacts | None) -> CameraDigest | None:
    """Returns what is kept of the camera, or None where there are no pictures."""
    if not len(camera.thumbs_NHW):
        return None
    thumbs_NHW = camera.thumbs_NHW
    picked = _picked(camera.numbers_N)
    median_level, high_level = np.percentile(thumbs_NHW, [50, 95])
    state_frames_K, states_KS = _states(episode)
    return CameraDigest(
        frames_M=camera.numbers_N[picked],
        pictures_MHW=_small(thumbs_NHW[picked]),
        state_frames_K=state_frames_K,
        states_KS=states_KS,
        sharpness=float(np.median(camera.sharpness_K)) if len(camera.sharpness_K) else 0.0,
        median_level=float(median_level),
        high_level=float(high_level),
        white_share=float((thumbs_NHW >= WHITE).mean()),
        nearly_white_share=float(((thumbs_NHW >= NEARLY_WHITE) & (thumbs_NHW < WHITE)).mean()),
    )


def _picked(numbers_N: np.ndarray) -> np.ndarray:
    """Returns the places of up to `NUM_PICTURES` samples about a power of two frames apart: episodes of any length share frames."""
    step = 1 << max(0, int(np.ceil(np.log2((numbers_N[-1] + 1) / NUM_PICTURES))))
    frames = np.arange(0, numbers_N[-1] + 1, step)
    after = np.searchsorted(numbers_N, frames)
    before = np.maximum(after - 1, 0)
    return np.unique(np.where(frames - numbers_N[before] < numbers_N[after] - frames, before, after))


def _states(episode: EpisodeFacts | None) -> tuple[np.ndarray, np.ndarray]:
    if episode is None or not episode.state_TS.shape[1] or not np.isfinite(episode.state_TS).all():
        return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
    rows = np.unique(np.linspace(0, episode.num_frames - 1, NUM_STATES).round().astype(np.int64))
    return rows, episode.state_TS[rows].astype(np.float32)


def _small(thumbs_NHW: np.ndarray) -> np.ndarray:
    """Returns the pictures with PICTURE_PX on their longer side, so that pictures of one shape compare whatever their size."""
    height, width = thumbs_NHW.shape[1:]
    scale = PICTURE_PX / max(height, width)
    down_hH, across_wW = (_shares(length, max(1, round(length * scale))) for length in (height, width))
    return np.rint(down_hH @ thumbs_NHW.astype(np.float32) @ across_wW.T).astype(np.uint8)


def _shares(length: int, parts: int) -> np.ndarray:
    """Returns how much of each of `length` pixels falls into each of `parts` equal parts, rows of sum 1, (parts, length)."""
    edges = np.linspace(0, length, parts + 1)
    pixels = np.arange(length)
    inside = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (np.maximum(inside, 0) * parts / length).astype(np.float32)
