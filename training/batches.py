"""From a step's number to its batch: a pure function of (seed, step), so that a resumed run sees what it would have seen.

Also the draws of noise and time of the flow-matching loss, for the same reason. Nothing here holds a position.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from policy.configuration import ACTION, IMAGES, STATE
from policy.images import unit_pixels
from policy.model import ACTION_IS_PAD, FEATURES_SUFFIX, TOKENS, TOKENS_MASK
from training.camera_cache import CameraCache
from training.frame_table import FrameTable
from training.mixture import Mixture

ACTION_DIM_IS_PAD = "action_dim_is_pad"
"""bool (B, A): dimensions that the sample's robot does not have. SmolVLA itself ignores it; the loss does not."""

_ROWS, _NOISE = 0, 1
"""Separate streams of random numbers below one (seed, step)."""

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Batches:
    """All batches of a run. `words_E` holds token ids and their mask for each episode's label."""

    frames: FrameTable
    cameras: CameraCache
    row_chance_N: np.ndarray
    words_E: tuple[Tensor, Tensor]
    slots: tuple[int, ...]
    seed: int
    batch_size: int
    chunk_size: int

    def rows(self, step: int) -> np.ndarray:
        """Returns the frames of a step, (B,), drawn with replacement: a dataset by its weight, then one of its frames."""
        uniform = np.random.default_rng([self.seed, step, _ROWS]).random(self.batch_size)
        return np.searchsorted(self.row_chance_N, uniform * self.row_chance_N[-1], side="right")

    def at(self, step: int) -> Batch:
        """Returns the batch of a step, as `policy.model` describes it, on the CPU."""
        rows = self.rows(step)
        episodes = self.frames.episode_of(rows)
        action, is_pad = self.frames.chunks(rows, self.chunk_size)
        dims = np.arange(action.shape[2])
        batch = {
            STATE: torch.from_numpy(self.frames.state_NS[rows]),
            ACTION: torch.from_numpy(action),
            ACTION_IS_PAD: torch.from_numpy(is_pad),
            ACTION_DIM_IS_PAD: torch.from_numpy(dims >= self.frames.action_dims_E[episodes][:, None]),
            TOKENS: self.words_E[0][episodes],
            TOKENS_MASK: self.words_E[1][episodes],
        }
        for slot in self.slots:
            batch |= self._pictures(slot, episodes, rows - self.frames.start_E[episodes])
        return batch

    def _pictures(self, slot: int, episodes: np.ndarray, frames: np.ndarray) -> Batch:
        key = camera_key(slot)
        stored, is_present = self.cameras.gather(episodes, frames, slot)
        is_tokens = self.cameras.encoder.kind == "tokens"
        pictures = {key + FEATURES_SUFFIX: stored} if is_tokens else {key: stored}
        return pictures | {f"{key}_padding_mask": is_present}


def camera_key(slot: int) -> str:
    """Returns the policy's name of a camera slot: slot 0 is observation.images.camera1."""
    return f"{IMAGES}.camera{slot + 1}"


def row_chances(mixture: Mixture, frames: FrameTable) -> np.ndarray:
    """Returns the cumulative chance of each frame (N,): its dataset's weight, shared alike among the dataset's frames."""
    lengths = np.diff(frames.start_E)
    ids = [episode.dataset.id for episode in mixture.episodes]
    frames_of = {name: sum(n for n, of in zip(lengths, ids, strict=True) if of == name) for name in set(ids)}
    per_frame = np.array([mixture.weights[name] / frames_of[name] for name in ids])
    return np.cumsum(np.repeat(per_frame, lengths))


def flow_draws(seed: int, step: int, samples: int, chunk: int, width: int) -> tuple[Tensor, Tensor]:
    """Returns noise (samples, chunk, width) from N(0, 1) and times (samples,) from Beta(1.5, 1) * 0.999 + 0.001.

    The same on every device: they are drawn on the CPU. Beta(a, 1) is u ** (1 / a) of a uniform u.
    """
    random = np.random.default_rng([seed, step, _NOISE])
    time = random.random(samples) ** (1 / 1.5) * 0.999 + 0.001
    noise = random.standard_normal((samples, chunk, width), dtype=np.float32)
    return torch.from_numpy(noise), torch.from_numpy(time.astype(np.float32))


def on_device(batch: Batch, device: torch.device) -> Batch:
    """Returns the batch on `device`, stored pictures turned into what the policy takes."""
    moved = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
    return {name: unit_pixels(value, name) if value.dtype == torch.uint8 else value for name, value in moved.items()}
