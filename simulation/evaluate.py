"""Rolling one policy out in one world and counting successes, from starts that no demonstration has used.

Several worlds, starts and baselines beside each other: `suite_evaluation`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from simulation.acting import PolicyFactory
from simulation.rollout_videos import chosen_for_video, video_path
from simulation.rollouts import Conditions, Rollout
from simulation.seeds import EVALUATION_SEEDS, check_seeds
from simulation.trials import Contestant, Film, Trial, run_trials, write_films

POLICY = "policy"


def evaluate(
    world: str | Conditions,
    make_policy: PolicyFactory,
    seeds: Sequence[int],
    *,
    num_videos: int = 2,
    video_folder: Path | None = None,
    processes: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Rollout]:
    """Returns one rollout per seed, in their order. It ends with success or after `max_steps`.

    Args:
        world: a world's name, or the conditions in full.
        make_policy: called once in each process with its world (`acting.PolicyFactory`). `DoNothing` and `ExpertPolicy`
            are factories; a factory of a trained policy is best a partial of a module's function.
        seeds: evaluation seeds (`seeds.evaluation_seeds`); demonstration seeds are refused.
        num_videos: how many rollouts are filmed into `video_folder`, successes and failures in turn.
        on_progress: called with (rollouts done, rollouts asked for).

    Raises:
        SimulationError: unknown world, a seed outside the evaluation range, or no simulation extra.
    """
    conditions = Conditions(world) if isinstance(world, str) else world
    seeds = check_seeds(seeds, EVALUATION_SEEDS, "evaluation")
    trials = [Trial(POLICY, conditions, seed) for seed in seeds]
    rollouts: dict[int, Rollout] = {}
    actions: dict[int, np.ndarray] = {}
    for _, rollout, actions_TA in run_trials(trials, {POLICY: Contestant(make_policy)}, processes):
        rollouts[rollout.seed], actions[rollout.seed] = rollout, actions_TA
        if on_progress:
            on_progress(len(rollouts), len(seeds))
    ordered = [rollouts[seed] for seed in seeds]
    if video_folder is None:
        return ordered
    films = [
        Film(conditions, one.seed, actions[one.seed], video_path(video_folder, one))
        for one in chosen_for_video(ordered, num_videos)
    ]
    videos = {film.seed: film.path for film in write_films(films)}
    return [replace(rollout, video=videos.get(rollout.seed)) for rollout in ordered]
