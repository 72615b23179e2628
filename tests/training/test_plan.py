from __future__ import annotations

import json

import pytest
from rich.console import Console

from data_contracts.errors import TrainingError
from training.mixture import open_mixture
from training.plan import LONGEST_TABLE, mixture_table, plan_run, plan_sentences
from training.train import train


@pytest.fixture
def mixture(lake, skill_index, tiny_recipe):
    return open_mixture(skill_index, lake, tiny_recipe(), "sha256:corpus")


def shown(table) -> str:
    console = Console(width=160)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_the_plan_says_what_is_trained_on_before_anything_is_written(mixture, tiny_recipe, tmp_path):
    plan = plan_run(tiny_recipe(kind="pretrain"), mixture, tmp_path / "out", None, max_steps=3, device="cpu")
    assert json.loads(json.dumps(plan)) == plan
    assert (plan["num_steps"], plan["num_samples"], plan["passes"]) == (3, 12, round(12 / 53, 2))
    assert plan["start"] == "fresh weights (small)"
    assert not (tmp_path / "out").exists()
    said = shown(mixture_table(plan["trains_on"]))
    assert all(word in said for word in ("maker__gantry", "5 episodes, 53 frames", "58.5%"))


def test_the_plan_knows_a_stopped_and_a_finished_run(mixture, tiny_recipe, tmp_path):
    recipe = tiny_recipe(kind="pretrain")

    def plan(recipe):
        return plan_run(recipe, mixture, tmp_path, None, max_steps=None, device="cpu")

    def cut(progress):
        if progress.done == 3 and progress.stage == "training":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train(recipe, mixture, tmp_path, on_progress=cut)
    assert "step 2" in plan_sentences(plan(recipe))[-1]
    train(recipe, mixture, tmp_path)
    assert plan(recipe)["is_finished"]
    other = plan(tiny_recipe(kind="pretrain", seed=1))
    assert (other["is_finished"], other["goes_on_at_step"]) == (False, 0)


def test_a_long_list_is_cut_and_says_by_how_much(mixture, tiny_recipe, tmp_path):
    described = plan_run(tiny_recipe(kind="pretrain"), mixture, tmp_path, None, max_steps=None, device="cpu")[
        "trains_on"
    ]
    many = described | {"datasets": [described["datasets"][0] | {"dataset": f"d{i}"} for i in range(LONGEST_TABLE + 7)]}
    assert "and 7 more" in shown(mixture_table(many))


def test_a_device_that_is_not_there_is_refused(mixture, tiny_recipe, tmp_path):
    with pytest.raises(TrainingError, match="tpu"):
        plan_run(tiny_recipe(), mixture, tmp_path, None, max_steps=None, device="tpu")
