"""Demonstrations by the scripted expert of a world.

Every second seed is recorded with noise on the executed action while the label stays the expert's own action, so that the
data shows how to come back from a mistake (DART, Laskey et al. 2017). Writing datasets is not here: see `community`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context

import numpy as np

from simulation.seeds import DEMONSTRATION_SEEDS, check_seeds
from simulation.worlds import STATE_KEY, World, make_world

NOISE_MEMORY, NOISE_GAIN, NOISE_STD = 0.8, 0.6, 0.3
STEPS_AFTER_SUCCESS = 5


@dataclass(frozen=True)
class RecordedEpisode:
    """One demonstration. `action_TA[t]` is what the expert wants in the situation that `state_TS[t]` and the frames show."""

    seed: int
    state_TS: np.ndarray
    action_TA: np.ndarray
    frames: dict[str, np.ndarray]
    """Camera key -> uint8 (T, H, W, 3)."""
    is_success: bool
    is_noisy: bool


class ActionNoise:
    """First-order autoregressive noise in units of an ordinary step: d' = 0.8 d + 0.6 N(0, 0.3)."""

    def __init__(self, scale: np.ndarray, seed: int) -> None:
        self._scale = scale
        self._rng = np.random.default_rng([seed, 1])
        self._deviation = np.zeros(len(scale))

    def next(self) -> np.ndarray:
        """Returns the deviation to add to the next executed action, (A,)."""
        shock = self._rng.normal(0.0, NOISE_STD, len(self._scale))
        self._deviation = NOISE_MEMORY * self._deviation + NOISE_GAIN * shock
        return self._deviation * self._scale


def record_episode(world: World, seed: int, *, action_repeat: int = 1) -> RecordedEpisode:
    """Returns the demonstration of one seed; it ends shortly after success, or at `world.max_steps` without it.

    Args:
        action_repeat: control steps per recorded step; 2 records a dataset at half the world's fps.
    """
    check_seeds([seed], DEMONSTRATION_SEEDS, "demonstrations")
    is_noisy = seed % 2 == 1
    noise = ActionNoise(world.action_scale * is_noisy, seed)
    world.reset(seed)
    observations: list[dict[str, np.ndarray]] = []
    actions: list[np.ndarray] = []
    steps_after_success = 0
    for _ in range(world.max_steps // action_repeat):
        observations.append(world.observe())
        actions.append(world.expert_action())
        executed = actions[-1] + noise.next()
        for _ in range(action_repeat):
            world.step(executed)
        steps_after_success += world.is_success or steps_after_success > 0
        if steps_after_success > STEPS_AFTER_SUCCESS:
            break
    return RecordedEpisode(
        seed=seed,
        state_TS=np.stack([observation[STATE_KEY] for observation in observations]),
        action_TA=np.stack(actions),
        frames={key: np.stack([observation[key] for observation in observations]) for key in world.camera_keys},
        is_success=steps_after_success > 0,
        is_noisy=is_noisy,
    )


def successful_episodes(world: World, seeds: Iterable[int], *, action_repeat: int = 1) -> Iterator[RecordedEpisode]:
    """Yields the demonstrations that solve the task, in the order of their seeds, recording each when it is asked for."""
    for seed in seeds:
        episode = record_episode(world, seed, action_repeat=action_repeat)
        if episode.is_success:
            yield episode


def record_episodes(
    world_name: str,
    seeds: Sequence[int],
    *,
    cameras: Mapping[str, str] | None = None,
    size: tuple[int, int] = (128, 128),
    units: str = "degrees",
    action_repeat: int = 1,
    processes: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[RecordedEpisode]:
    """Returns the demonstrations of `seeds` in their order, failures included (`is_success`).

    Args:
        cameras, size, units: see `make_world`.
        processes: how many record side by side; the result does not depend on it.
        on_progress: called with (episodes done, episodes asked for).
    """
    seeds = check_seeds(seeds, DEMONSTRATION_SEEDS, "demonstrations")
    record = partial(_record_chunk, world_name, cameras, size, units, action_repeat)
    episodes: list[RecordedEpisode] = []
    for chunk in _map_chunks(record, seeds, processes):
        episodes += chunk
        if on_progress:
            on_progress(len(episodes), len(seeds))
    return episodes


def _map_chunks(
    record: Callable[[list[int]], list[RecordedEpisode]], seeds: list[int], processes: int, chunk_size: int = 5
) -> Iterator[list[RecordedEpisode]]:
    remaining = iter(seeds)
    chunks = list(iter(lambda: list(islice(remaining, chunk_size)), []))
    if processes <= 1:
        yield from map(record, chunks)
        return
    # Graphics contexts do not survive a fork.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(record, chunks)


def _record_chunk(
    world_name: str,
    cameras: Mapping[str, str] | None,
    size: tuple[int, int],
    units: str,
    action_repeat: int,
    seeds: list[int],
) -> list[RecordedEpisode]:
    with make_world(world_name, cameras=cameras, size=size, units=units) as world:
        return [record_episode(world, seed, action_repeat=action_repeat) for seed in seeds]
