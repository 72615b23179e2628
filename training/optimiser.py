"""How weights move: AdamW, the learning rate of each step, and the running average of the weights.

Everything is a function of the recipe and the step. When to step and what the loss is belongs to `training.train`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from training.recipes import Recipe


def learning_rate(recipe: Recipe, step: int) -> float:
    """Returns the rate of a step (from 0): a linear warm-up, then a cosine to `final_learning_rate`, or constant.

    LeRobot's CosineDecayWithWarmup: the cosine counts from step 0, under the warm-up, and is shortened to a shorter run.
    """
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / (recipe.warmup_steps + 1)
    if recipe.schedule == "constant":
        return recipe.learning_rate
    decay_steps = min(recipe.decay_steps or recipe.steps, recipe.steps)
    span = recipe.learning_rate - recipe.final_learning_rate
    return recipe.final_learning_rate + span * 0.5 * (1 + math.cos(math.pi * min(step / decay_steps, 1.0)))


def new_optimiser(parameters: Sequence[Tensor], recipe: Recipe) -> torch.optim.AdamW:
    """Returns AdamW (Loshchilov and Hutter, arXiv 1711.05101) over float32 weights."""
    return torch.optim.AdamW(
        parameters, lr=recipe.learning_rate, betas=recipe.betas, eps=recipe.epsilon, weight_decay=recipe.weight_decay,
        fused=True,
    )  # fmt: skip


class Average:
    """Exponential moving average of weights; with decay 0 it is the weights themselves.

    The decay grows with (1 + step) / (10 + step) up to its value, so that short runs are not held back by their first weights.
    """

    def __init__(self, parameters: Sequence[Tensor], decay: float) -> None:
        self.decay = decay
        self.weights = [parameter.detach().clone() if decay else parameter.detach() for parameter in parameters]

    @torch.no_grad()
    def update(self, parameters: Sequence[Tensor], step: int) -> None:
        """Takes in the weights after `step` (from 0)."""
        if not self.decay:
            return
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.weights, [parameter.detach() for parameter in parameters], 1 - decay)
