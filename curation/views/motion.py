"""Does the picture move with the arm? Measured on a few small grey frames of a few episodes.

Static fraction: of the picture's edges, how many stay where they are over an episode. A fixed camera keeps its background
(0.43 to 0.94 of it in simulated and real episodes), a wrist camera keeps only what it sees of the gripper (0.00 to 0.40).
Edges are compared and not brightness, so that automatic exposure does not look like motion. Global shift between frames
was tried and says less: a gripper in view pins it to zero, a large arm in front of a fixed camera drags it along.

Change at rest: how much the picture changes while the joints stand still, against while they move. A camera on the arm rests
with the arm; one that a person holds does not. (Plain correlation with joint speed says little when the arm moves evenly.)

What does not belong here: judging whether a video is frozen or black (`curation.quality`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

HEIGHT, WIDTH = 48, 64
NUM_FRAMES = 24
MIN_FRAMES = 8
EDGE = 6.0
"""Smallest grey step between neighbouring points, of 255, that counts as an edge."""
MIN_EDGES = 0.01
"""Share of the picture that must be edges before anything is said; a blank wall says nothing."""
EDGE_TOLERANCE = 0.5
"""An edge is where it was when its gradient differs from the episode's median by less than this fraction."""
REST = 0.1
"""The arm rests when it is slower than this fraction of its fast moments (90th percentile)."""
MIN_RESTS = 3
GREY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class PictureMotion:
    """Both as said above. `change_at_rest` is None where there is no state or the arm never rests."""

    static_fraction: float
    change_at_rest: float | None


def sample_indices(num_frames: int) -> range:
    """Returns up to NUM_FRAMES frame numbers spread evenly over an episode, the first one included."""
    return range(0, num_frames, max(1, -(-num_frames // NUM_FRAMES)))


def small_grey(frames: Iterable[np.ndarray]) -> np.ndarray:
    """Returns frames as float32 (N, HEIGHT, WIDTH), each point the mean of its area. Smaller pictures are repeated."""
    return np.stack([_shrink(frame) for frame in frames])


def measure_motion(grey_NHW: np.ndarray, state_NS: np.ndarray) -> PictureMotion | None:
    """Returns how the picture of one camera moves in one episode, or None where that cannot be told.

    Args:
        grey_NHW: sampled frames, from `small_grey`.
        state_NS: robot state at those frames; (N, 0) when there is none.
    """
    speed = _joint_speed(state_NS)
    if len(grey_NHW) < MIN_FRAMES or (speed is not None and not speed.any()):
        return None
    gradient = np.stack([np.diff(grey_NHW, axis=1)[:, :, :-1], np.diff(grey_NHW, axis=2)[:, :-1, :]], axis=-1)
    strength = np.linalg.norm(gradient, axis=-1)
    is_edge = strength > EDGE
    if is_edge.mean() < MIN_EDGES:
        return None
    distance = np.linalg.norm(gradient - np.median(gradient, axis=0), axis=-1)
    stays = (distance < EDGE_TOLERANCE * strength) & is_edge
    change = np.abs(np.diff(grey_NHW, axis=0)).mean(axis=(1, 2))
    return PictureMotion(float(stays.sum() / is_edge.sum()), None if speed is None else _change_at_rest(change, speed))


def _shrink(frame_HWC: np.ndarray) -> np.ndarray:
    grey = frame_HWC.astype(np.float32) @ GREY
    rows = np.linspace(0, grey.shape[0], HEIGHT + 1).astype(int)
    columns = np.linspace(0, grey.shape[1], WIDTH + 1).astype(int)
    sums = np.add.reduceat(np.add.reduceat(grey, rows[:-1], axis=0), columns[:-1], axis=1)
    areas = np.maximum(np.diff(rows), 1)[:, None] * np.maximum(np.diff(columns), 1)
    return sums / areas


def _joint_speed(state_NS: np.ndarray) -> np.ndarray | None:
    """Returns how far the joints go between samples, each joint in units of its own spread; None without a finite state."""
    if state_NS.shape[1] == 0 or not np.isfinite(state_NS).all():
        return None
    spread = state_NS.std(axis=0)
    moves = spread > 1e-4 * max(1.0, float(np.abs(state_NS).max(initial=0.0)))
    return np.linalg.norm(np.diff(state_NS[:, moves], axis=0) / spread[moves], axis=1)


def _change_at_rest(change: np.ndarray, speed: np.ndarray) -> float | None:
    rests = speed < REST * np.percentile(speed, 90)
    moving = float(np.median(change[~rests])) if (~rests).any() else 0.0
    if rests.sum() < MIN_RESTS or moving == 0:
        return None
    return float(np.median(change[rests])) / moving
