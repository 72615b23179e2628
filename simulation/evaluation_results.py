"""What follows from the rollouts of a suite: rates with intervals, verdicts, and LeRobot's eval_info.

A success rate is always of simulated rollouts here. Pictures and prose are elsewhere (`report_page`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from simulation.success_rate import wilson_interval
from simulation.suite_evaluation import Entrant, Plan, Row


@dataclass(frozen=True)
class Cell:
    """Successes of one entrant in one world (or over a group: `world` is then "") from one start, in simulation.

    `low` and `high` bound the rate with 95% confidence (Wilson).
    """

    entrant: str
    role: str
    group: str
    world: str
    start: str
    instruction: str
    num_successes: int
    num_rollouts: int
    low: float
    high: float
    mean_steps: float

    @property
    def rate(self) -> float:
        return self.num_successes / self.num_rollouts if self.num_rollouts else 0.0


@dataclass(frozen=True)
class Verdict:
    """Whether the policy is above every baseline: its interval's lower end above the upper end of each of theirs."""

    world: str
    start: str
    is_above: bool
    policy_low: float
    best_baseline: str
    baseline_high: float


def cells(plan: Plan, rows: Sequence[Row]) -> list[Cell]:
    """Returns one cell per entrant, world and start, in the order of the plan."""
    found = _by(rows, lambda row: (row.entrant, row.task.world, row.start))
    return [
        _cell(entrant, found[entrant.name, task.world, start], task.world)
        for task in plan.suite.tasks
        for start in plan.starts
        for entrant in plan.entrants
    ]


def group_cells(plan: Plan, rows: Sequence[Row]) -> list[Cell]:
    """Returns one cell per entrant, group and start: all rollouts of the group's worlds together."""
    found = _by(rows, lambda row: (row.entrant, row.task.group, row.start))
    return [
        _cell(entrant, found[entrant.name, group, start], "")
        for group in plan.suite.groups
        for start in plan.starts
        for entrant in plan.entrants
    ]


def _by(rows: Sequence[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def _cell(entrant: Entrant, rows: Sequence[Row], world: str) -> Cell:
    num_successes = sum(row.rollout.is_success for row in rows)
    low, high = wilson_interval(num_successes, len(rows))
    return Cell(
        entrant.name, entrant.role, rows[0].task.group, world, rows[0].start, rows[0].instruction if world else "",
        num_successes, len(rows), low, high, fmean(row.rollout.num_steps for row in rows),
    )  # fmt: skip


def verdicts(found: Iterable[Cell]) -> list[Verdict]:
    """Returns one verdict per world and start in which a policy stands beside at least one baseline."""
    by_place: dict[tuple[str, str], list[Cell]] = {}
    for cell in found:
        by_place.setdefault((cell.world, cell.start), []).append(cell)
    made = []
    for (world, start), here in by_place.items():
        policy = next((cell for cell in here if cell.role == "policy"), None)
        baselines = [cell for cell in here if cell.role == "baseline"]
        if policy and baselines:
            best = max(baselines, key=lambda cell: cell.high)
            made.append(Verdict(world, start, policy.low > best.high, policy.low, best.entrant, best.high))
    return made


def eval_info(plan: Plan, rows: Sequence[Row], about: dict[str, Any], out: Path) -> dict[str, Any]:
    """Returns what LeRobot's lerobot-eval writes as eval_info.json, of the policy from the first start, and ours under
    `deftworks`: every entrant and start with n and interval, verdicts, seeds, what was checked.

    Args:
        about: further facts for `deftworks`, as plain JSON.
        out: videos are named relative to it.
    """
    policy = next((one.name for one in plan.entrants if one.role == "policy"), plan.entrants[0].name)
    of_policy = [row for row in rows if row.entrant == policy]
    infos = {start: _lerobot_info([row for row in of_policy if row.start == start], out) for start in plan.starts}
    first, found, groups = plan.starts[0], cells(plan, rows), group_cells(plan, rows)
    ours = {
        "schema_version": 1,
        "is_simulated": True,
        "suite": plan.suite.model_dump(mode="json"),
        "cameras": dict(plan.cameras),
        "seeds": {"first": min(plan.seeds), "last": max(plan.seeds), "num": len(plan.seeds)},
        "start": first,
        "cells": [_cell_json(cell) for cell in found],
        "groups": [_cell_json(cell) for cell in groups],
        "mean_of_groups": _means_of_groups(groups),
        "verdicts": [asdict(verdict) for verdict in verdicts(found)],
        "other_starts": {start: info for start, info in infos.items() if start != first},
    }
    return infos[first] | {"deftworks": ours | about}


def _cell_json(cell: Cell) -> dict[str, Any]:
    return asdict(cell) | {"rate": cell.rate}


def _means_of_groups(groups: Sequence[Cell]) -> list[dict[str, Any]]:
    """Returns the unweighted means of the groups' rates, which is the average that papers print for Meta-World."""
    keys = dict.fromkeys((cell.entrant, cell.start) for cell in groups)
    return [
        {"entrant": entrant, "start": start,
         "rate": fmean(cell.rate for cell in groups if (cell.entrant, cell.start) == (entrant, start))}
        for entrant, start in keys
    ]  # fmt: skip


def _lerobot_info(rows: Sequence[Row], out: Path) -> dict[str, Any]:
    """Returns per_task, per_group and overall with the fields and units of lerobot 0.4.4 (`pc_success` is a percentage)."""
    wall_s = sum(row.rollout.wall_s for row in rows)
    return {
        "per_task": [
            {"task_group": task.group, "task_id": task.number, "metrics": _task_metrics(some, out)}
            for task, some in _by(rows, lambda row: row.task).items()
        ],
        "per_group": {group: _averages(some, out) for group, some in _by(rows, lambda row: row.task.group).items()},
        "overall": _averages(rows, out) | {"eval_s": wall_s, "eval_ep_s": wall_s / max(1, len(rows))},
    }


def _task_metrics(rows: Sequence[Row], out: Path) -> dict[str, Any]:
    return {
        "sum_rewards": [row.rollout.sum_reward for row in rows],
        "max_rewards": [row.rollout.max_reward for row in rows],
        "successes": [row.rollout.is_success for row in rows],
        "video_paths": _videos(rows, out),
    }


def _averages(rows: Sequence[Row], out: Path) -> dict[str, Any]:
    return {
        "avg_sum_reward": fmean(row.rollout.sum_reward for row in rows),
        "avg_max_reward": fmean(row.rollout.max_reward for row in rows),
        "pc_success": 100 * fmean(row.rollout.is_success for row in rows),
        "n_episodes": len(rows),
        "video_paths": _videos(rows, out),
    }


def _videos(rows: Sequence[Row], out: Path) -> list[str]:
    return [str(row.rollout.video.relative_to(out)) for row in rows if row.rollout.video]


def table_rows(plan: Plan, rows: Sequence[Row], out: Path) -> list[dict[str, Any]]:
    """Returns the rows of the table `suite_rollouts`."""
    return [
        {
            "entrant": row.entrant, "suite": plan.suite.name, "task_group": row.task.group, "world": row.task.world,
            "start": row.start, "seed": row.rollout.seed, "instruction": row.instruction,
            "is_success": row.rollout.is_success, "num_steps": row.rollout.num_steps,
            "sum_reward": row.rollout.sum_reward, "max_reward": row.rollout.max_reward, "duration_s": row.rollout.wall_s,
            "video": str(row.rollout.video.relative_to(out)) if row.rollout.video else None,
        }
        for row in rows
    ]  # fmt: skip
