"""The assertion that no evaluation start was demonstrated: neither its seed nor where the world then puts its objects.

Different is not far: some tasks draw a single number (drawer-open its x within 20 cm), so that among hundreds of demonstrations
one lies within micrometres. The distance is therefore reported, and displaced starts are evaluated beside standard ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from data_contracts.errors import SimulationError
from simulation.demonstrations import Demonstrations
from simulation.seeds import EVALUATION_SEEDS, check_seeds
from simulation.suites import Suite
from simulation.worlds import World, make_world

SAME_LAYOUT = 1e-9


def check_starts(
    suite: Suite, seeds: Sequence[int], demonstrations: Demonstrations | None, more_seeds: Sequence[int] = ()
) -> dict[str, Any]:
    """Returns what was checked, as plain JSON.

    Args:
        seeds: of the evaluation.
        more_seeds: that recorded demonstrations of every world of the suite, beside those that the datasets tell.

    Raises:
        SimulationError: a demonstration used one of the seeds, or its objects lie exactly where an evaluation puts them.
    """
    seeds = check_seeds(seeds, EVALUATION_SEEDS, "evaluation")
    nearest: dict[str, float] = {}
    num_seeds: dict[str, int] = {}
    for task in suite.tasks:
        known = demonstrations.seeds.get(task.world, ()) if demonstrations else ()
        demonstrated = sorted({*known, *more_seeds})
        if both := sorted(set(seeds) & set(demonstrated)):
            raise SimulationError(
                f"Demonstrations of {task.world} were recorded from evaluation seed {both[0]}.", hint=_HINT
            )
        if demonstrated:
            with make_world(task.world, cameras={}) as world:
                nearest[task.world] = nearest_layout(world, seeds, demonstrated)
            num_seeds[task.world] = len(demonstrated)
    return {
        "num_demonstration_seeds": num_seeds,
        "nearest_layout": nearest,
        "datasets_without_seeds": list(demonstrations.silent) if demonstrations else [],
    }


_HINT = "Evaluate from other seeds (--seed)."


def nearest_layout(world: World, seeds: Sequence[int], demonstrated: Sequence[int]) -> float:
    """Returns how far the evaluation's layouts are at least from the demonstrations', in the layout's units (mostly metres).

    Raises:
        SimulationError: two are the same.
    """
    evaluated_NL, demonstrated_ML = (
        np.stack([_layout(world, seed) for seed in some]) for some in (seeds, demonstrated)
    )
    away_NM = np.linalg.norm(evaluated_NL[:, None] - demonstrated_ML[None], axis=-1)
    first, second = map(int, np.unravel_index(np.argmin(away_NM), away_NM.shape))
    if away_NM[first, second] <= SAME_LAYOUT:
        raise SimulationError(
            f"{world.name}: evaluation seed {seeds[first]} puts its objects where demonstration seed "
            f"{demonstrated[second]} has them.",
            hint=_HINT,
        )
    return float(away_NM[first, second])


def _layout(world: World, seed: int) -> np.ndarray:
    world.reset(seed)
    return world.layout
