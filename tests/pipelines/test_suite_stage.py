"""A trained policy on a suite: that it fits is known before anything is rolled out, and each seed goes as it always does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("metaworld")

import torch

from data_contracts.errors import PolicyError, SimulationError
from pipelines.suite_stage import Request, evaluate_policy, plan_of
from policy.checkpoint import save_checkpoint
from policy.small import new_small_policy
from simulation.seeds import evaluation_seeds
from simulation.suites import Suite, load_suite

WORLDS = ("metaworld/handle-press-v3", "metaworld/drawer-open-v3")
SUITE = Suite(name="tiny", title="Tiny", views=("front",), picture=(64, 64), max_steps=20, groups={"some": WORLDS})


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("policy") / "pretrained_model"
    statistics = {
        key: {"mean": torch.zeros(4), "std": torch.full((4,), 0.3)} for key in ("observation.state", "action")
    }
    made = new_small_policy({"observation.images.a": (3, 64, 64)}, 4, 4, ["Open the drawer"], statistics)
    save_checkpoint(folder, *made)
    return str(folder)


def request(policy: str, num: int = 2, **changes: object) -> Request:
    return replace(Request(policy, SUITE, seeds=tuple(evaluation_seeds(num))), **changes)  # type: ignore[arg-type]


def test_a_policy_is_rolled_out_beside_what_can_be_had(policy: str, tmp_path: Path) -> None:
    info = evaluate_policy(request(policy, num=1, starts=("standard", "displaced")), tmp_path)
    ours = info["deftworks"]
    assert {(cell["entrant"], cell["role"]) for cell in ours["cells"]} == {
        ("policy", "policy"), ("do-nothing", "baseline"), ("wrong-instruction", "control"),
    }  # fmt: skip
    told = {(cell["world"], cell["entrant"]): cell["instruction"] for cell in ours["cells"]}
    assert told[WORLDS[0], "policy"] == told[WORLDS[1], "wrong-instruction"] == "Press the handle down"
    assert ours["cameras"] == {"observation.images.a": "front"}
    assert (ours["policy"]["chunk_size"], ours["policy"]["executed_steps"]) == (16, 8)
    assert ours["policy"]["digest"].startswith("sha256:")


def test_a_seed_goes_as_always_whatever_was_rolled_out_before(policy: str, tmp_path: Path) -> None:
    both = evaluate_policy(request(policy, beside=()), tmp_path / "both")
    alone = request(policy, beside=(), suite=SUITE.part(["drawer-open-v3"]), seeds=tuple(evaluation_seeds(2)[1:]))
    one = evaluate_policy(alone, tmp_path / "one")
    rewards = both["per_task"][1]["metrics"]["sum_rewards"]
    assert one["per_task"][0]["metrics"]["sum_rewards"] == rewards[1:]
    assert rewards[0] != rewards[1]


def test_executing_more_of_each_chunk_is_another_policy(policy: str, tmp_path: Path) -> None:
    evaluate_policy(request(policy, num=1, beside=()), tmp_path)
    with pytest.raises(SimulationError, match="policy was another one"):
        evaluate_policy(request(policy, num=1, beside=(), action_steps=16), tmp_path)


def test_a_policy_that_does_not_fit_is_refused_before_the_first_step(policy: str) -> None:
    with pytest.raises(SimulationError, match="looks through 1 cameras"):
        plan_of(request(policy, suite=load_suite("five-tasks")))
    with pytest.raises(PolicyError, match=r"states of 4 values, so100/touch-cube has 6: shoulder_pan\.pos"):
        plan_of(request(policy, suite=load_suite("so100")))
    plan = plan_of(request(policy, suite=load_suite("five-tasks"), cameras={"observation.images.a": "top"}))
    assert plan.cameras == {"observation.images.a": "top"}


def test_a_damaged_checkpoint_is_named(policy: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "config.json").write_bytes((Path(policy) / "config.json").read_bytes())
    with pytest.raises(SimulationError, match=r"policy failed in metaworld/handle-press-v3.*copy"):
        evaluate_policy(request(str(copy)), tmp_path / "out")
