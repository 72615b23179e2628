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
from training.pools import PoolFiller, Pools

ACTION_DIM_IS_PAD = "action_dim_is_pad"
"""bool (B, A): dimensions that the sample's robot does not have. SmolVLA itself ignores it; the loss does not."""

_ROWS, TRAINING, VALIDATION = 0, 1, 2
"""Separate streams of random numbers below one (seed, step)."""

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Share:
    """What one process computes of a step: `num_parts` of the `num_processes * num_parts` equal parts, one after the other."""

    process: int = 0
    num_processes: int = 1
    num_parts: int = 1


WHOLE = Share()


@dataclass(frozen=True)
class Part:
    """Consecutive samples of a step, from `first` on. `num_counted`: values that the loss of the whole step counts."""

    batch: Batch
    first: int
    num_counted: int


@dataclass(frozen=True)
class Batches:
    """All batches of a run. `words_E` holds token ids and their mask for each episode's label. With `pools`, the frames of a step
    come from its pool, and `filler` sees to it that they are decoded."""

    frames: FrameTable
    cameras: CameraCache
    row_chance_N: np.ndarray
    words_E: tuple[Tensor, Tensor]
    slots: tuple[int, ...]
    seed: int
    batch_size: int
    chunk_size: int
    pools: Pools | None = None
    filler: PoolFiller | None = None

    def rows(self, step: int) -> np.ndarray:
        """Returns the frames of a step, (B,), drawn with replacement: a dataset by its weight, then one of its frames."""
        if self.pools:
            return self.pools.rows(step, self.batch_size)
        uniform = np.random.default_rng([self.seed, step, _ROWS]).random(self.batch_size)
        return np.searchsorted(self.row_chance_N, uniform * self.row_chance_N[-1], side="right")

    def at(self, step: int) -> Batch:
        """Returns the whole batch of a step."""
        return self.of(self.rows(step))

    def parts(self, step: int, share: Share = WHOLE) -> list[Part]:
        """Returns a process's share of a step, on the CPU, in the parts that it is computed in."""
        if self.filler:
            self.filler.ready(step)
        rows = self.rows(step)
        num_counted = self._num_counted(rows)
        size = len(rows) // (share.num_processes * share.num_parts)
        first = share.process * share.num_parts * size
        starts = range(first, first + share.num_parts * size, size)
        return [Part(self.of(rows[start : start + size]), start, num_counted) for start in starts]

    def of(self, rows: np.ndarray) -> Batch:
        """Returns these frames as `policy.model` describes a batch, on the CPU."""
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

    def _num_counted(self, rows: np.ndarray) -> int:
        """Returns how many values of the frames' chunks the loss counts: within the episode, of dimensions that the robot has."""
        episodes = self.frames.episode_of(rows)
        left = self.frames.start_E[episodes + 1] - rows
        return int((np.minimum(left, self.chunk_size) * self.frames.action_dims_E[episodes]).sum())

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
    """Returns the cumulative chance of each frame that is trained on: its dataset's, shared among its frames by their episodes'
    weights. Held-out frames come after these in the table and have none."""
    per_frame = [mixture.weights[e.dataset.id] * e.weight / mixture.masses[e.dataset.id] for e in mixture.episodes]
    return np.cumsum(np.repeat(per_frame, np.diff(frames.start_E)[: len(mixture.episodes)]))


def flow_draws(
    seed: int, step: int, samples: int, chunk: int, width: int, stream: int = TRAINING
) -> tuple[Tensor, Tensor]:
    """Returns noise (samples, chunk, width) from N(0, 1) and times (samples,) from Beta(1.5, 1) * 0.999 + 0.001.

    The same on every device: they are drawn on the CPU. Beta(a, 1) is u ** (1 / a) of a uniform u.
    """
    random = np.random.default_rng([seed, step, stream])
    time = random.random(samples) ** (1 / 1.5) * 0.999 + 0.001
    noise = random.standard_normal((samples, chunk, width), dtype=np.float32)
    return torch.from_numpy(noise), torch.from_numpy(time.astype(np.float32))


def on_device(batch: Batch, device: torch.device) -> Batch:
    """Returns the batch on `device`, stored pictures turned into what the policy takes."""
    moved = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
    return {name: unit_pixels(value, name) if value.dtype == torch.uint8 else value for name, value in moved.items()}
