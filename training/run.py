"""What a run holds while its weights move, and how that is put together from recipe, mixture and base.

Belongs here: everything before the first step. Not here: the steps, checkpoints and the result (`training.train`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from data_contracts.errors import TrainingError
from policy.checkpoint import save_checkpoint
from policy.model import SmolVLAPolicy
from policy.precision import lower_frozen
from policy.processors import Processors
from policy.statistics import statistics_of
from training.batches import Batches, row_chances
from training.camera_cache import CameraCache
from training.frame_encoders import pixel_encoder, token_encoder
from training.frame_table import FrameTable, read_frame_table
from training.lora import FOLDER as ADAPTER
from training.lora import Adapters
from training.mixture import Mixture
from training.optimiser import Average, new_optimiser
from training.pools import PoolFiller, Pools
from training.processes import Processes
from training.recipes import Recipe
from training.start import PRETRAINED_MODEL, start_policy
from training.statistics import checkpoint_statistics


class Progress(NamedTuple):
    """Where a run is: `stage` is "reading" or "decoding" (done counts episodes), or "training" (done counts steps, of which the first
    `resumed_at` were done before)."""

    stage: str
    done: int
    total: int
    loss: float | None = None
    learning_rate: float | None = None
    resumed_at: int = 0


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Run:
    """Everything that steps need. `parameters` are the trained ones, by name: the policy's own, or those of its adapters."""

    recipe: Recipe
    mixture: Mixture
    policy: SmolVLAPolicy
    processors: Processors
    batches: Batches
    parameters: dict[str, Tensor]
    average: Average
    optimiser: torch.optim.Optimizer
    processes: Processes
    adapters: Adapters | None

    def close(self) -> None:
        """Stops what still works for the steps to come."""
        if self.batches.filler:
            self.batches.filler.close()

    def settle(self) -> None:
        """Brings the policy in line with the parameters after these were changed."""
        if self.adapters:
            self.adapters.merge()

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Puts the averaged weights in place for the block, and goes on with the others after it."""
        if not self.average.decay:
            yield
            return
        trained = [parameter.detach().clone() for parameter in self.parameters.values()]
        self._assign(self.average.weights)
        try:
            yield
        finally:
            self._assign(trained)

    def save_policy(self, folder: Path) -> None:
        """Writes the averaged weights as `folder`/pretrained_model, and adapters alone beside them."""
        with self.averaged():
            if self.adapters:
                self.adapters.save(folder / ADAPTER)
            save_checkpoint(folder / PRETRAINED_MODEL, self.policy, self.processors)

    @torch.no_grad()
    def _assign(self, values: list[Tensor]) -> None:
        for parameter, value in zip(self.parameters.values(), values, strict=True):
            parameter.copy_(value)
        self.settle()


def prepare(
    recipe: Recipe,
    mixture: Mixture,
    base: Path | None,
    device: str,
    budget_bytes: int,
    report: OnProgress,
    processes: Processes,
) -> Run:
    """Reads the mixture, makes the policy and fills the camera cache.

    Raises:
        TrainingError: something does not fit; see `training.train.train`.
    """
    if recipe.batch_size % (recipe.accumulate * processes.count):
        raise TrainingError(
            f"A batch of {recipe.batch_size} cannot be shared by {processes.count} processes in {recipe.accumulate} parts each.",
            hint="Choose a batch_size that is a multiple of both.",
        )
    frames = read_frame_table(mixture, lambda done, total: report(Progress("reading", done, total)))
    policy, processors = _policy(recipe, mixture, frames, base)
    policy.to(device).train()
    if recipe.bf16:
        lower_frozen(policy)
    batches = _batches(recipe, mixture, frames, policy, processors, budget_bytes, report, processes)
    adapters = Adapters(policy, recipe) if recipe.lora_rank else None
    parameters = (
        adapters.parameters if adapters else {name: p for name, p in policy.named_parameters() if p.requires_grad}
    )
    values = list(parameters.values())
    return Run(
        recipe, mixture, policy, processors, batches, parameters, Average(values, recipe.ema_decay),
        new_optimiser(values, recipe), processes, adapters,
    )  # fmt: skip


def _batches(
    recipe: Recipe,
    mixture: Mixture,
    frames: FrameTable,
    policy: SmolVLAPolicy,
    processors: Processors,
    budget_bytes: int,
    report: OnProgress,
    processes: Processes,
) -> Batches:
    """Returns the run's batches, everything decoded that they need before the first step."""
    encoder = (
        token_encoder(policy, bf16=recipe.bf16) if recipe.cache_image_tokens else pixel_encoder(_image_size(policy))
    )
    cameras = CameraCache(mixture, encoder, budget_bytes)
    chances = row_chances(mixture, frames)
    pools = _pools(recipe, mixture, frames, chances) if recipe.pool_episodes else None
    held_out = range(len(mixture.episodes), len(mixture.all_episodes))

    def decoded(done: int, total: int) -> None:
        report(Progress("decoding", done, total))

    with processes.first_before_others():
        cameras.fill(held_out if pools else range(len(mixture.all_episodes)), on_decoded=None if pools else decoded)
    filler = pools and PoolFiller(
        pools, cameras, recipe.steps, frozenset(held_out), decodes=processes.is_first, on_decoded=decoded
    )
    return Batches(
        frames, cameras, chances, processors.tokenize([e.label for e in mixture.all_episodes]),
        mixture.used_slots, recipe.seed, recipe.batch_size, policy.config.chunk_size, pools, filler,
    )  # fmt: skip


def _pools(recipe: Recipe, mixture: Mixture, frames: FrameTable, chances_N: np.ndarray) -> Pools:
    start_E = frames.start_E[: len(mixture.episodes) + 1]
    chance_E = np.diff(np.concatenate([[0.0], chances_N])[start_E])
    return Pools(chance_E / chance_E.sum(), start_E, recipe.seed, recipe.pool_episodes, recipe.pool_steps)


def _policy(
    recipe: Recipe, mixture: Mixture, frames: FrameTable, base: Path | None
) -> tuple[SmolVLAPolicy, Processors]:
    if recipe.kind == "finetune" and len(frames.statistics) > 1:
        raise TrainingError(
            f"Recipe {recipe.name} is to teach one skill, and its episodes are of several robots: {', '.join(frames.statistics)}.",
            hint="Name one robot_type in the skill's query; only a pretraining mixes robots.",
        )
    state_dim, action_dim = frames.state_NS.shape[1], frames.action_NA.shape[1]
    stored = checkpoint_statistics(frames.statistics, frames.num_frames, state_dim, action_dim)
    return start_policy(recipe, mixture, base, state_dim, action_dim, statistics_of(stored))


def _image_size(policy: SmolVLAPolicy) -> tuple[int, int]:
    return policy.config.resize_imgs_with_padding or (policy.architecture.vision_config.image_size,) * 2
