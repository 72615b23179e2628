"""When a run ends before its last step: decided by the lines of metrics.jsonl alone, so that a resumed run decides alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data_contracts.errors import TrainingError
from training.recipes import Recipe

VALIDATION_LOSS = "validation_loss"

Lines = Sequence[dict[str, Any]]


def require_convergence(recipe: Recipe, lines: Lines) -> None:
    """Raises TrainingError when the last logged mean loss is more than `divergence_factor` times the best one before."""
    if not recipe.divergence_factor or len(lines) < 2:
        return
    best, last = min(lines[:-1], key=lambda line: line["loss"]), lines[-1]
    if last["loss"] > recipe.divergence_factor * best["loss"]:
        raise TrainingError(
            f"Training {recipe.name} diverged: the loss was {best['loss']:.4g} at step {best['step']} and is "
            f"{last['loss']:.4g} at step {last['step']}, more than {recipe.divergence_factor:g} times as much.",
            hint="Lower learning_rate or clip_norm, look at the data, or raise divergence_factor (0 never stops).",
        )


def best_validation(lines: Lines) -> dict[str, Any] | None:
    """Returns the line with the lowest validation loss, the first of equals; None where nothing was validated."""
    validated = [line for line in lines if VALIDATION_LOSS in line]
    return min(validated, key=lambda line: line[VALIDATION_LOSS], default=None)


def has_stalled(recipe: Recipe, lines: Lines) -> bool:
    """True when the last `patience` validations were no better than the best before them."""
    validated = [line for line in lines if VALIDATION_LOSS in line]
    best = best_validation(lines)
    return bool(recipe.patience and best) and len(validated) - validated.index(best) > recipe.patience
