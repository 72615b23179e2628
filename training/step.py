"""One step: a batch in parts, its loss, its gradient over all processes, and the weights moved by it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from policy.model import ACTION_IS_PAD
from policy.precision import mixed
from training.batches import ACTION_DIM_IS_PAD, TRAINING, Batch, Part, flow_draws, on_device
from training.optimiser import learning_rate
from training.run import Run


def take_step(run: Run, step: int, parts: list[Part]) -> tuple[float, float]:
    """Moves the weights once, unless the loss or its gradient is not finite. Returns the loss of the whole batch before and its
    gradient's norm before clipping.

    The gradient is that of the batch's masked mean, in however many parts and processes it is computed.
    """
    recipe, parameters = run.recipe, list(run.parameters.values())
    for group in run.optimiser.param_groups:
        group["lr"] = learning_rate(recipe, step)
    run.optimiser.zero_grad(set_to_none=True)
    noise, times = _draws(run, step, recipe.batch_size, TRAINING)
    total = torch.zeros((), device=run.policy.device)
    for part in parts:
        first, size = part.first * recipe.flow_samples, len(part.batch[ACTION_IS_PAD]) * recipe.flow_samples
        own = slice(first, first + size)
        loss = summed_loss(run, part.batch, noise[own], times[own]) / part.num_counted
        loss.backward()
        total += loss.detach()
    if run.adapters:
        run.adapters.take_gradients()
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    run.processes.add_up([total, *gradients])
    norm = torch.nn.utils.clip_grad_norm_(parameters, recipe.clip_norm)
    value, length = total.item(), norm.item()
    if math.isfinite(value) and math.isfinite(length):
        run.optimiser.step()
        run.settle()
        run.average.update(parameters, step)
    return value, length


def summed_loss(run: Run, batch: Batch, noise: Tensor, times: Tensor) -> Tensor:
    """Returns the losses of a batch summed over actions within the episode and dimensions that the sample's robot has."""
    device = run.policy.device
    batch = on_device(batch, device)
    with mixed(device, run.recipe.bf16):
        losses = run.policy(batch, noise.to(device), times.to(device), run.recipe.flow_samples).elementwise
    return (losses.float() * is_counted(batch)).sum()


def is_counted(batch: Batch) -> Tensor:
    """Returns which values of the batch's chunks the loss counts, bool (B, chunk, action_dim)."""
    return ~batch[ACTION_IS_PAD][:, :, None] & ~batch[ACTION_DIM_IS_PAD][:, None, :]


def _draws(run: Run, step: int, observations: int, stream: int) -> tuple[Tensor, Tensor]:
    config, samples = run.policy.config, observations * run.recipe.flow_samples
    return flow_draws(run.recipe.seed, step, samples, config.chunk_size, config.max_action_dim, stream)
