"""Which seeds demonstrations may use and which are kept for evaluation, so that no skill is judged on a start it has seen."""

from __future__ import annotations

from collections.abc import Iterable

from data_contracts.errors import SimulationError

DEMONSTRATION_SEEDS = range(0, 1_000_000)
EVALUATION_SEEDS = range(1_000_000, 2_000_000)


def evaluation_seeds(num_seeds: int) -> list[int]:
    """Returns the first `num_seeds` evaluation seeds."""
    return list(EVALUATION_SEEDS[:num_seeds])


def seeds_from(first: int, num_seeds: int) -> list[int]:
    """Returns `num_seeds` evaluation seeds beginning with `first`. Raises SimulationError if one is not for evaluation."""
    return check_seeds(range(first, first + num_seeds), EVALUATION_SEEDS, "evaluation")


def check_seeds(seeds: Iterable[int], allowed: range, purpose: str) -> list[int]:
    """Returns the seeds as a list, or raises SimulationError if one lies outside `allowed`."""
    seeds = list(seeds)
    for seed in seeds:
        if seed not in allowed:
            raise SimulationError(
                f"Seed {seed} is not for {purpose}.",
                hint=f"Use seeds from {allowed.start} to {allowed.stop - 1}.",
            )
    return seeds
