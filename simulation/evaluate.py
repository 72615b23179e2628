"""Rolling a policy out in a world and counting successes, from starts that no demonstration has used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from simulation.acting import ActingPolicy, PolicyFactory
from simulation.rollout_videos import chosen_for_video, write_rollout_video
from simulation.seeds import EVALUATION_SEEDS, check_seeds
from simulation.worlds import STATE_KEY, World, make_world


@dataclass(frozen=True)
class Rollout:
    """One attempt. `video` is where its recording lies, for those that have one."""

    seed: int
    is_success: bool
    num_steps: int
    video: Path | None = None


@dataclass(frozen=True)
class Conditions:
    """Where and how a policy is tried: see `make_world` for `cameras`, `size` and `units`, `World.reset` for `displaced`.

    `task` is what the policy is told to do, by default the world's own instruction; `max_steps` likewise.
    """

    world_name: str
    cameras: Mapping[str, str] | None = None
    size: tuple[int, int] = (128, 128)
    units: str = "degrees"
    displaced: bool = False
    task: str | None = None
    max_steps: int | None = None

    def make_world(self) -> World:
        return make_world(self.world_name, cameras=self.cameras, size=self.size, units=self.units)


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
    rollouts: list[Rollout] = []
    actions: dict[int, np.ndarray] = {}
    for rollout, actions_TA in _attempts(conditions, make_policy, seeds, processes):
        rollouts.append(rollout)
        actions[rollout.seed] = actions_TA
        if on_progress:
            on_progress(len(rollouts), len(seeds))
    if video_folder is None:
        return rollouts
    return _filmed(conditions, rollouts, actions, num_videos, video_folder)


def roll_out(
    world: World, policy: ActingPolicy, seed: int, *, displaced: bool, task: str, max_steps: int
) -> tuple[Rollout, np.ndarray]:
    """Returns one attempt and the actions that were executed, float32 (T, A)."""
    world.reset(seed, displaced=displaced)
    policy.reset()
    actions: list[np.ndarray] = []
    while len(actions) < max_steps and not world.is_success:
        needs_observation = getattr(policy, "needs_observation", True)
        observation = world.observe() if needs_observation else {STATE_KEY: world.state()}
        actions.append(np.asarray(policy.act(observation, task), np.float32))
        world.step(actions[-1])
    actions_TA = np.array(actions, np.float32).reshape(len(actions), len(world.action_names))
    return Rollout(seed, world.is_success, len(actions)), actions_TA


def _attempts(
    conditions: Conditions, make_policy: PolicyFactory, seeds: list[int], processes: int
) -> Iterator[tuple[Rollout, np.ndarray]]:
    if processes <= 1 or len(seeds) <= 1:
        with conditions.make_world() as world:
            policy = make_policy(world)
            for seed in seeds:
                yield _attempt(conditions, world, policy, seed)
        return
    # Graphics contexts do not survive a fork.
    pool = ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(conditions, make_policy)
    )
    with pool:
        yield from pool.map(_attempt_in_worker, seeds)


def _attempt(conditions: Conditions, world: World, policy: ActingPolicy, seed: int) -> tuple[Rollout, np.ndarray]:
    return roll_out(
        world,
        policy,
        seed,
        displaced=conditions.displaced,
        task=conditions.task or world.instruction,
        max_steps=conditions.max_steps or world.max_steps,
    )


_worker: tuple[Conditions, World, ActingPolicy] | None = None
"""What a worker process keeps between seeds: loading a policy takes longer than a rollout."""


def _start_worker(conditions: Conditions, make_policy: PolicyFactory) -> None:
    import atexit

    global _worker
    world = conditions.make_world()
    # The first picture opens the display, which closes itself at exit, last registered first: ours must come after it.
    world.reset(EVALUATION_SEEDS.start)
    world.observe()
    atexit.register(world.close)
    _worker = conditions, world, make_policy(world)


def _attempt_in_worker(seed: int) -> tuple[Rollout, np.ndarray]:
    if _worker is None:
        raise RuntimeError("the worker was not started with _start_worker")
    return _attempt(*_worker, seed)


def _filmed(
    conditions: Conditions,
    rollouts: list[Rollout],
    actions: dict[int, np.ndarray],
    num_videos: int,
    folder: Path,
) -> list[Rollout]:
    videos: dict[int, Path] = {}
    with conditions.make_world() as world:
        for rollout in chosen_for_video(rollouts, num_videos):
            outcome = "success" if rollout.is_success else "failure"
            path = folder / f"{outcome}-{rollout.seed}.mp4"
            write_rollout_video(path, world, rollout.seed, conditions.displaced, actions[rollout.seed])
            videos[rollout.seed] = path
    return [replace(rollout, video=videos.get(rollout.seed)) for rollout in rollouts]
