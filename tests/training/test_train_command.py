"""`deftworks train` over a tiny lake."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from data_contracts.catalogue import SKILL_INDEX
from data_contracts.errors import TrainingError
from data_contracts.manifests import TrainingRun
from deftworks.cli import app

RECIPE = """
name = "tiny"
kind = "{kind}"
steps = 2
batch_size = 4
learning_rate = 1e-3
save_every = 1
log_every = 1
cache_image_tokens = true
freeze_vlm = false
policy_overrides = {{ num_vlm_layers = 2, chunk_size = 5, n_action_steps = 5 }}
"""


@pytest.fixture
def recipes(tmp_path: Path) -> dict[str, str]:
    paths = {kind: tmp_path / f"{kind}.toml" for kind in ("pretrain", "finetune")}
    for kind, path in paths.items():
        path.write_text(RECIPE.format(kind=kind))
    return {kind: str(path) for kind, path in paths.items()}


@pytest.fixture
def command(lake, skill_index):
    def run(*arguments: object, code: int = 0):
        words = ["train", *map(str, arguments), "--home", str(lake.home), "--device", "cpu"]
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done

    return run


@pytest.mark.parametrize("kind", ["pretrain", "finetune", "recipes"])
def test_help_has_an_example(kind):
    assert f"deftworks train {kind}" in CliRunner().invoke(app, ["train", kind, "--help"]).stdout.split("Example")[1]


def test_a_base_and_a_skill_on_top_of_it(command, recipes, lake):
    done = command("pretrain", recipes["pretrain"])
    assert "5 episodes, 53 frames" in done.stderr
    assert "2 steps of 4 observations" in done.stderr
    assert "training 2 of 2, loss" in done.stderr
    base = TrainingRun.read(lake.base_policy / "training_run.json")
    said = json.loads(command("finetune", recipes["finetune"], "--skill", "press", "--json").stdout)
    assert said["base_digest"] == base.weights_sha256
    assert TrainingRun.read(lake.skill_policy("press") / "training_run.json").weights_sha256 == said["weights_sha256"]
    assert "finished here before" in command("finetune", recipes["finetune"], "--skill", "press").stderr


def test_a_dry_run_trains_nothing(command, recipes, tmp_path):
    out = tmp_path / "try"
    done = command("pretrain", recipes["pretrain"], "--dry-run", "--json", "--out", out, "--set", "steps=7")
    plan = json.loads(done.stdout)
    assert (plan["num_steps"], plan["trains_on"]["num_episodes"]) == (7, 5)
    assert not out.exists()


def test_own_episodes_fields_and_place(command, recipes, skill_index, tmp_path):
    SKILL_INDEX.write(skill_index.filter(pl.col("skill_id") == "lift"), tmp_path / "lift.parquet")
    options = ("--data", tmp_path / "lift.parquet", "--fresh", "--out", tmp_path / "try", "--set", "seed=4")
    said = json.loads(command("finetune", recipes["finetune"], *options, "--steps", 1, "--json").stdout)
    assert (said["num_steps"], said["num_frames"], said["base_digest"], said["recipe"]["seed"]) == (1, 31, None, 4)


@pytest.mark.parametrize("option", [("--set", "seed=4"), ("--steps", 1), ("--base", "x"), ("--fresh",)])
def test_another_policy_than_the_lakes_never_takes_its_place(command, recipes, option):
    assert "--out" in command("finetune", recipes["finetune"], "--skill", "press", *option, code=2).stderr


def test_a_recipe_of_the_other_kind_is_refused(command, recipes):
    with pytest.raises(TrainingError, match="deftworks train finetune"):
        command("pretrain", recipes["finetune"])


def test_episodes_must_be_named_once(command, recipes, tmp_path):
    command("finetune", recipes["finetune"], code=2)
    command("finetune", recipes["finetune"], "--skill", "press", "--data", "x", "--out", tmp_path, code=2)


def test_the_recipes_that_come_along_are_listed():
    said = json.loads(CliRunner().invoke(app, ["train", "recipes", "--json"]).stdout)
    assert {"pretrain-small", "smolvla-450m-finetune"} <= {recipe["name"] for recipe in said}
    shown = CliRunner().invoke(app, ["train", "recipes"]).stdout
    assert all(recipe["name"] in shown for recipe in said)
    assert "# " not in shown
