"""Many rollouts over one pool of processes: different worlds, starts, seeds and policies, no process waiting for another.

A process keeps the world of its last trial, and every trained policy that it has loaded. What is tried is decided elsewhere
(`evaluate`, `suite_evaluation`).
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import TypeVar

import numpy as np

from data_contracts.errors import DeftworksError, SimulationError
from simulation.acting import ActingPolicy, PolicyFactory
from simulation.rollout_videos import write_rollout_video
from simulation.rollouts import Conditions, Rollout, roll_out
from simulation.seeds import EVALUATION_SEEDS
from simulation.worlds import World


@dataclass(frozen=True)
class Contestant:
    """Who is tried. `is_bound` to a world (baselines) or made once per process and then used in every world (policies)."""

    make: PolicyFactory
    is_bound: bool = True


@dataclass(frozen=True)
class Trial:
    """One rollout to be done: by which contestant (a name), under which conditions, from which seed."""

    contestant: str
    conditions: Conditions
    seed: int


@dataclass(frozen=True)
class Film:
    """One rollout to be shown again: its actions, float32 (T, A), and the file to write."""

    conditions: Conditions
    seed: int
    actions_TA: np.ndarray
    path: Path


Work = TypeVar("Work", Trial, Film)
Result = TypeVar("Result")


def run_trials(
    trials: Sequence[Trial], contestants: Mapping[str, Contestant], processes: int = 1
) -> Iterator[tuple[Trial, Rollout, np.ndarray]]:
    """Yields each trial with its rollout and executed actions, float32 (T, A), when it is done, in any order.

    Give trials of one world one after another: a process builds a world anew when the next trial has another.

    Raises:
        SimulationError: a policy or a world failed (its trial is named), or a process was killed.
    """
    for trial, (rollout, actions_TA) in _done(_roll_out, trials, contestants, processes):
        yield trial, rollout, actions_TA


def write_films(films: Sequence[Film], processes: int = 1) -> Iterator[Film]:
    """Writes the videos, and yields each when it lies there."""
    for film, _ in _done(_write, films, {}, processes):
        yield film


class _Bench:
    """What one process keeps between trials."""

    def __init__(self, contestants: Mapping[str, Contestant]) -> None:
        self._contestants = contestants
        self._policies: dict[int, ActingPolicy] = {}
        self._conditions: Conditions | None = None
        self._world: World | None = None

    def world(self, conditions: Conditions) -> World:
        if self._world is None or self._conditions is None or not conditions.same_world(self._conditions):
            self.close()
            self._world, self._conditions = conditions.make_world(), conditions
        return self._world

    def policy(self, name: str, world: World) -> ActingPolicy:
        make = self._contestants[name].make
        if id(make) not in self._policies:  # by the factory: two contestants may be one policy told different things
            self._policies[id(make)] = make(world)
        return self._policies[id(make)]

    def close(self) -> None:
        """Gives the world back, with the policies that are bound to it."""
        if self._world is not None:
            self._world.close()
        self._world = None
        for contestant in self._contestants.values():
            if contestant.is_bound:
                self._policies.pop(id(contestant.make), None)


def _roll_out(bench: _Bench, trial: Trial) -> tuple[Rollout, np.ndarray]:
    world = bench.world(trial.conditions)
    try:
        return roll_out(world, bench.policy(trial.contestant, world), trial.conditions, trial.seed)
    except Exception as error:
        said = error if isinstance(error, DeftworksError) else f"{type(error).__name__}: {error}"
        raise SimulationError(f"{trial.contestant} failed in {world.name} from seed {trial.seed}: {said}") from error


def _write(bench: _Bench, film: Film) -> None:
    world = bench.world(film.conditions)
    write_rollout_video(film.path, world, film.seed, film.conditions.displaced, film.actions_TA)


def _done(
    do: Callable[[_Bench, Work], Result], work: Sequence[Work], contestants: Mapping[str, Contestant], processes: int
) -> Iterator[tuple[Work, Result]]:
    """Yields each piece of work with its result: here one after another, in a pool in any order."""
    if processes <= 1 or len(work) <= 1:
        bench = _Bench(contestants)
        try:
            for one in work:
                yield one, do(bench, one)
        finally:
            bench.close()
        return
    # Graphics contexts do not survive a fork.
    pool = ProcessPoolExecutor(
        min(processes, len(work)), mp_context=get_context("spawn"), initializer=_start, initargs=(dict(contestants),)
    )
    try:
        started = {pool.submit(_do_in_worker, do, one): one for one in work}
        for future in as_completed(started):
            yield started[future], future.result()
    except BrokenProcessPool as error:
        raise SimulationError(
            "A process of the evaluation was killed, perhaps for want of memory.", hint="Use fewer processes."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_bench: _Bench | None = None
_closes_at_exit = False


def _start(contestants: Mapping[str, Contestant]) -> None:
    global _bench
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _bench = _Bench(contestants)


def _end_with_parent() -> None:
    """Ends this process when the one that started it was killed: nobody would ever ask it to stop."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _do_in_worker(do: Callable[[_Bench, Work], Result], one: Work) -> Result:
    global _closes_at_exit
    if _bench is None:
        raise RuntimeError("the worker was not started with _start")
    if not _closes_at_exit:
        # The first picture opens the display, which closes itself at exit, last registered first: ours must come after it.
        world = _bench.world(one.conditions)
        world.reset(EVALUATION_SEEDS.start)
        world.observe()
        atexit.register(_bench.close)
        _closes_at_exit = True
    return do(_bench, one)
