"""The loss on held-out episodes: a number that depends on the weights alone, and never on the step at which it is asked for."""

from __future__ import annotations

import numpy as np
import torch

from training.batches import VALIDATION, flow_draws
from training.run import Run
from training.step import is_counted, summed_loss

SEED = 0
"""Noise and times are the same for every recipe and seed, so that their losses can be compared."""


@torch.no_grad()
def validation_loss(run: Run) -> float:
    """Returns the averaged weights' mean loss on frames of the held-out episodes, evenly spaced, with fixed noise and times."""
    rows = validation_rows(run)
    config, size = run.policy.config, run.recipe.batch_size // run.recipe.accumulate
    sums = torch.zeros(2, dtype=torch.float64)
    with run.averaged():
        for number, start in enumerate(range(0, len(rows), size)):
            if number % run.processes.count != run.processes.rank:
                continue
            batch = run.batches.of(rows[start : start + size])
            samples = len(rows[start : start + size]) * run.recipe.flow_samples
            draws = flow_draws(SEED, start, samples, config.chunk_size, config.max_action_dim, VALIDATION)
            sums += torch.tensor([summed_loss(run, batch, *draws).item(), is_counted(batch).sum().item()])
    sums = sums.to(run.policy.device, torch.float32)
    run.processes.add_up([sums])
    return (sums[0] / sums[1]).item()


def validation_rows(run: Run) -> np.ndarray:
    """Returns the frames that are looked at: `validation_samples` of the held-out ones, or all where there are fewer."""
    frames = run.batches.frames
    first = int(frames.start_E[len(run.mixture.episodes)])
    number = min(run.recipe.validation_samples, frames.num_rows - first)
    return first + np.linspace(0, frames.num_rows - first - 1, number).round().astype(int)
