"""A suite's evaluation: expert against doing nothing, going on after a kill, failing policies, what is written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("metaworld")

from data_contracts.errors import SimulationError
from simulation.acting import DoNothing, ExpertPolicy
from simulation.evaluation_results import cells, eval_info, table_rows, verdicts
from simulation.kept_rollouts import LINES
from simulation.report_page import report_page
from simulation.seeds import evaluation_seeds
from simulation.suite_evaluation import Entrant, Plan, evaluate_suite
from simulation.suites import Suite, load_suite
from simulation.worlds import World

WORLD = "metaworld/handle-press-v3"
OTHER = "metaworld/button-press-topdown-v3"
EXPERT = Entrant("expert", ExpertPolicy, "expert", role="policy")
IDLE = Entrant("do-nothing", DoNothing, "idle")
ABOUT = {
    "policy": {"name": "expert"},
    "checked_starts": {"num_demonstration_seeds": {}, "nearest_layout": {}, "datasets_without_seeds": []},
}


def _suite(*worlds: str, max_steps: int = 100) -> Suite:
    return Suite(
        name="tiny", title="Tiny", views=("front",), picture=(32, 32), max_steps=max_steps, groups={"some": worlds}
    )


def _plan(
    *entrants: Entrant, num: int = 2, starts: tuple[str, ...] = ("standard",), suite: Suite | None = None
) -> Plan:
    suite = suite or _suite(WORLD)
    return Plan(suite, entrants, suite.cameras(None), starts, tuple(evaluation_seeds(num)))


class _Counting:
    """An expert that writes down each episode that it begins, and the instruction that it was given."""

    needs_observation = False

    def __init__(self, log: Path, fails_at: int | None, world: World) -> None:
        self._log, self._fails_at, self._world = log, fails_at, world
        self._seed: int | None = None

    def reset(self, seed: int | None = None) -> None:
        self._seed = seed

    def act(self, observation: dict[str, np.ndarray], task: str) -> np.ndarray:
        if self._seed is not None:
            with self._log.open("a") as file:
                file.write(f"{self._seed} {task}\n")
            if self._fails_at == self._seed:
                raise RuntimeError("the motor is on fire")
            self._seed = None
        return self._world.expert_action()


def _counting(log: Path, fails_at: int | None = None) -> Entrant:
    return Entrant("expert", partial(_Counting, log, fails_at), "counting", role="policy")


def test_the_expert_is_above_doing_nothing_and_it_is_written_as_lerobot_does(tmp_path: Path) -> None:
    plan = _plan(EXPERT, IDLE, num=4, starts=("standard", "displaced"))
    rows = evaluate_suite(plan, tmp_path, num_videos=1)
    found = cells(plan, rows)
    assert [(cell.entrant, cell.start, cell.num_successes) for cell in found] == [
        ("expert", "standard", 4), ("do-nothing", "standard", 0),
        ("expert", "displaced", 4), ("do-nothing", "displaced", 0),
    ]  # fmt: skip
    assert [verdict.is_above for verdict in verdicts(found)] == [True, True]

    info = json.loads(json.dumps(eval_info(plan, rows, ABOUT, tmp_path)))
    [task] = info["per_task"]
    assert (task["task_group"], task["task_id"]) == ("some", 0)
    assert {name: len(values) for name, values in task["metrics"].items()} == {
        "sum_rewards": 4, "max_rewards": 4, "successes": 4, "video_paths": 1,
    }  # fmt: skip
    assert set(info["per_group"]["some"]) | {"eval_s", "eval_ep_s"} == set(info["overall"])
    assert info["overall"]["pc_success"] == 100.0, "a percentage"
    assert info["overall"]["n_episodes"] == 4, "the policy from the first start alone"
    assert info["overall"]["avg_max_reward"] <= info["overall"]["avg_sum_reward"]
    assert (tmp_path / task["metrics"]["video_paths"][0]).stat().st_size > 1000
    assert info["deftworks"]["other_starts"]["displaced"]["overall"]["pc_success"] == 100.0

    page = report_page(info)
    assert "SIMULATION" in page
    assert task["metrics"]["video_paths"][0] in page


def test_rows_keep_the_contract_of_their_table(tmp_path: Path) -> None:
    from data_contracts.catalogue import SUITE_ROLLOUTS

    plan = _plan(EXPERT, IDLE)
    frame = SUITE_ROLLOUTS.frame(table_rows(plan, evaluate_suite(plan, tmp_path), tmp_path))
    assert SUITE_ROLLOUTS.check(frame).height == 4


def test_an_interval_that_touches_a_baselines_is_not_above_it(tmp_path: Path) -> None:
    plan = _plan(EXPERT, IDLE, num=3)  # 3 of 3 begins at 44%, 0 of 3 ends at 56%
    [verdict] = verdicts(cells(plan, evaluate_suite(plan, tmp_path)))
    assert verdict.policy_low < verdict.baseline_high
    assert not verdict.is_above


def test_finished_rollouts_are_not_done_again_and_more_can_be_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = evaluate_suite(_plan(_counting(log)), tmp_path / "out")
    with (tmp_path / "out" / LINES).open("a") as file:
        file.write('{"key": ["expert", "metaworld')  # what a kill leaves
    more = evaluate_suite(_plan(_counting(log), num=3), tmp_path / "out")
    assert [line.split()[0] for line in log.read_text().splitlines()] == [str(seed) for seed in evaluation_seeds(3)]
    assert [row.rollout for row in more[:2]] == [row.rollout for row in first]
    assert evaluate_suite(_plan(_counting(log), num=3), tmp_path / "out") == more


def test_rollouts_of_another_policy_or_suite_are_not_taken_for_these(tmp_path: Path) -> None:
    evaluate_suite(_plan(EXPERT), tmp_path)
    with pytest.raises(SimulationError, match=r"expert was another one.*Choose another --out"):
        evaluate_suite(_plan(Entrant("expert", ExpertPolicy, "another digest", role="policy")), tmp_path)
    with pytest.raises(SimulationError, match="its suite differs"):
        evaluate_suite(_plan(EXPERT, suite=_suite(WORLD, max_steps=7)), tmp_path)
    assert len(evaluate_suite(_plan(EXPERT, IDLE), tmp_path)) == 4, "an entrant may be added"


def test_a_policy_that_raises_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    log, seeds = tmp_path / "log", evaluation_seeds(3)
    with pytest.raises(
        SimulationError, match=f"expert failed in {WORLD} from seed {seeds[1]}: RuntimeError: the motor"
    ):
        evaluate_suite(_plan(_counting(log, fails_at=seeds[1]), num=3), tmp_path / "out")
    rows = evaluate_suite(_plan(_counting(log), num=3), tmp_path / "out")
    assert all(row.rollout.is_success for row in rows)
    assert [int(line.split()[0]) for line in log.read_text().splitlines()] == [seeds[0], seeds[1], seeds[1], seeds[2]]


class _Wrong(DoNothing):
    def act(self, observation: dict[str, np.ndarray], task: str) -> np.ndarray:
        return np.zeros(3)


class _Undefined(DoNothing):
    def act(self, observation: dict[str, np.ndarray], task: str) -> np.ndarray:
        return np.full(4, np.nan)


@pytest.mark.parametrize(
    ("policy", "said"), [(_Wrong, r"4 values, the policy gave shape \(3,\)"), (_Undefined, "not finite")]
)
def test_impossible_actions_are_refused(tmp_path: Path, policy: type[DoNothing], said: str) -> None:
    with pytest.raises(SimulationError, match=said):
        evaluate_suite(_plan(Entrant("x", policy, "x")), tmp_path)


def test_demonstration_seeds_are_refused(tmp_path: Path) -> None:
    suite = _suite(WORLD)
    with pytest.raises(SimulationError, match="Seed 5 is not for evaluation"):
        evaluate_suite(Plan(suite, (IDLE,), suite.cameras(None), ("standard",), (5,)), tmp_path)


def test_a_misled_policy_is_the_same_one_told_another_task(tmp_path: Path) -> None:
    log = tmp_path / "log"
    policy = _counting(log)
    misled = Entrant("wrong-instruction", policy.make, policy.digest, role="control", is_misled=True)
    evaluate_suite(_plan(policy, misled, num=1, suite=_suite(WORLD, OTHER)), tmp_path / "out")
    told = [line.partition(" ")[2] for line in log.read_text().splitlines()]
    handle, button = "Press the handle down", "Press the button from above"
    assert told == [handle, button, button, handle]


class _Made:
    """Counts how often an actor is made."""

    def __init__(self) -> None:
        self.num = 0

    def __call__(self, world: World) -> DoNothing:
        self.num += 1
        return DoNothing(world)


@pytest.mark.parametrize(("is_bound", "num_made"), [(False, 1), (True, 2)])
def test_a_trained_policy_is_loaded_once_for_all_worlds_and_controls(
    tmp_path: Path, is_bound: bool, num_made: int
) -> None:
    made = _Made()
    policy = Entrant("policy", made, "x", role="policy", is_bound=is_bound)
    misled = Entrant("wrong-instruction", made, "x", role="control", is_bound=is_bound, is_misled=True)
    evaluate_suite(_plan(policy, misled, suite=_suite(WORLD, OTHER, max_steps=3)), tmp_path)
    assert made.num == num_made


@pytest.mark.journey
def test_processes_change_nothing(tmp_path: Path) -> None:
    plan = _plan(EXPERT, IDLE, starts=("standard", "displaced"), suite=_suite(WORLD, OTHER))
    one, two = (evaluate_suite(plan, tmp_path / str(number), processes=number) for number in (1, 2))
    assert one == two


def _has_ended(group: int) -> bool:
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.journey
def test_a_killed_evaluation_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deftworks", "evaluate", "expert", "--rollouts", "40", "--videos", "0"]
    command += ["--out", str(tmp_path / "out"), "--suite", "five-tasks"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    lines = tmp_path / "out" / LINES
    while running.poll() is None and not (lines.exists() and lines.read_bytes().count(b"\n") >= 5):
        time.sleep(0.02)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    num_kept = lines.read_bytes().count(b"\n")
    assert 5 <= num_kept < 400
    assert _has_ended(running.pid), "its workers end with it"
    subprocess.run(command, check=True, capture_output=True)
    info = json.loads((tmp_path / "out" / "eval_info.json").read_text())
    assert info["overall"]["n_episodes"] == 200
    assert lines.read_bytes().count(b"\n") == 400


@pytest.mark.journey
def test_the_expert_solves_the_five_tasks_and_doing_nothing_none(tmp_path: Path) -> None:
    suite = load_suite("five-tasks")
    plan = Plan(suite, (EXPERT, IDLE), suite.cameras(None), ("standard", "displaced"), tuple(evaluation_seeds(10)))
    rows = evaluate_suite(plan, tmp_path, processes=2)
    rates = {
        name: np.mean([row.rollout.is_success for row in rows if row.entrant == name])
        for name in ("expert", "do-nothing")
    }
    assert rates["expert"] >= 0.98
    assert rates["do-nothing"] <= 0.05


@pytest.mark.journey
def test_every_world_of_metaworld_can_be_rolled_out(tmp_path: Path) -> None:
    suite = load_suite("metaworld").model_copy(update={"picture": (32, 32)})
    plan = Plan(suite, (EXPERT,), suite.cameras(None), ("standard",), tuple(evaluation_seeds(2)))
    rows = evaluate_suite(plan, tmp_path, processes=2)
    assert np.mean([row.rollout.is_success for row in rows]) > 0.9
