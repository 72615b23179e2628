"""Dagster trains in a process of its own and hears it: progress, results, refusals and deaths."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from data_contracts.errors import TrainingError
from data_contracts.layout import Lake
from data_contracts.manifests import TrainingRun
from pipelines import training_process
from pipelines.assets.policies import base_policy, skill_policy
from pipelines.instance import GPU_POOL
from pipelines.partitions import SKILLS
from pipelines.progress import LOGGER
from pipelines.resources import LakeResource
from pipelines.settings import Settings, write_settings
from pipelines.training_stage import budget_kept, line_reporter
from training.out_folder import only_training
from training.run import Progress

ROOT = Path(__file__).parents[2]

SKILL = """
[[skill]]
id = "press"
title = "Press"
description = "For a test."
robot_type = "arm"
episodes = "label = 'Press the button'"
recipe = "{recipe}"
evaluation = {{ world = "metaworld/reach-v3" }}
price = {{ amount_minor = 0 }}
split = {{ platform_bp = 0, contributors_bp = 10000 }}
"""


@pytest.fixture
def own_lake(lake, skill_index, tiny_recipe, tmp_path) -> Lake:
    """A copy of the lake with settings that name tiny recipes."""
    shutil.copytree(lake.home, tmp_path / "lake", ignore=shutil.ignore_patterns("policies"))
    own = Lake(tmp_path / "lake")
    for kind in ("pretrain", "finetune"):
        recipe = tiny_recipe(kind=kind, validate_every=2, log_every=2).model_dump(mode="json", exclude_defaults=True)
        overrides = recipe.pop("policy_overrides")
        text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in recipe.items())
        text += "[policy_overrides]\n" + "".join(f"{name} = {value}\n" for name, value in overrides.items())
        (tmp_path / f"{kind}.toml").write_text(text)
    (tmp_path / "skills.toml").write_text(SKILL.format(recipe=tmp_path / "finetune.toml"))
    write_settings(
        own, Settings(base_recipe=str(tmp_path / "pretrain.toml"), skills_file=str(tmp_path / "skills.toml"))
    )
    return own


@pytest.fixture
def materialise(own_lake):
    """Returns a function that materialises one asset, and what became of it with the run's log."""

    def run(asset, partition: str | None = None, **config) -> tuple[dg.ExecuteInProcessResult, list[str]]:
        lines: list[str] = []

        class Heard(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                lines.append(record.getMessage())

        handler = Heard()
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.INFO)
        try:
            with dg.instance_for_test() as instance:
                instance.add_dynamic_partitions(str(SKILLS.name), ["press"])
                result = dg.materialize(
                    [asset], instance=instance, partition_key=partition, raise_on_error=False,
                    resources={"lake": LakeResource(home=str(own_lake.home))},
                    run_config={"ops": {asset.key.to_user_string(): {"config": config}}},
                )  # fmt: skip
        finally:
            LOGGER.removeHandler(handler)
        return result, lines

    return run


def failure_of(result: dg.ExecuteInProcessResult):
    assert not result.success
    [data] = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    return data.user_failure_data


def test_a_base_and_a_skill_are_trained_apart_with_progress_and_curves(materialise, own_lake):
    result, lines = materialise(base_policy)
    assert result.success
    assert [line for line in lines if line.startswith("base: training 4 of 4, loss ")]
    [event] = result.asset_materializations_for_node("base_policy")
    run = TrainingRun.read(own_lake.base_policy / "training_run.json")
    assert event.metadata["weights_sha256"].value == run.weights_sha256
    assert event.metadata["is_cached"].value is False
    for picture in ("loss", "validation"):
        assert event.metadata[picture].value.startswith("![")
    assert (event.metadata["num_held_out"].value, event.metadata["num_episodes"].value) == (2, 3)
    result, _ = materialise(base_policy)
    assert result.asset_materializations_for_node("base_policy")[0].metadata["is_cached"].value is True
    result, _ = materialise(skill_policy, "press")
    assert result.success
    skill = TrainingRun.read(own_lake.skill_policy("press") / "training_run.json")
    assert skill.base_digest == run.weights_sha256


def test_a_refusal_reaches_dagster_with_its_hint(materialise, own_lake, tmp_path):
    write_settings(own_lake, Settings(base_recipe="smolvla-450m-pretrain"))
    failure = failure_of(materialise(base_policy)[0])
    assert "no hours were approved" in failure.description
    assert "approved_budget_hours" in failure.metadata["hint"].value


def test_a_process_that_dies_is_said_to_go_on_from_its_checkpoint(materialise, own_lake, monkeypatch):
    monkeypatch.setattr("pipelines.training_launch.COMMAND", ["sh", "-c", "kill -9 $$"])
    failure = failure_of(materialise(base_policy)[0])
    assert "process died" in failure.description
    assert "last checkpoint" in failure.metadata["hint"].value


def test_trainings_share_the_gpu_one_at_a_time():
    assert {asset.op.pool for asset in (base_policy, skill_policy)} == {GPU_POOL}


def test_the_budget_stops_at_the_last_checkpoint_that_fits(tiny_recipe, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("pipelines.training_stage.time.monotonic", lambda: now[0])
    recipe = tiny_recipe(steps=100, save_every=10)

    def run(budget_s: float) -> int:
        now[0] = 0.0
        check = budget_kept(recipe, budget_s)
        check(Progress("decoding", 5, 5))
        for step in range(1, 101):
            now[0] += 1
            check(Progress("training", step, 100, 0.5, 1e-3))
        return step

    with pytest.raises(TrainingError, match="hours end before the next checkpoint: training 30 of 100"):
        run(35.0)
    assert run(120.0) == 100


def test_progress_says_how_long_it_will_take(monkeypatch):
    now, said = [0.0], []
    monkeypatch.setattr("pipelines.training_stage.time.monotonic", lambda: now[0])
    report = line_reporter(said.append)
    report(Progress("decoding", 3, 3))
    for step in range(501, 1001):
        now[0] += 2
        report(Progress("training", step, 1000, 0.5, 1e-3, resumed_at=500))
    assert said[1] == "training 600 of 1000, loss 0.500, 13 min to go"
    assert said[-1] == "training 1000 of 1000, loss 0.500"


def test_a_training_ends_when_nobody_hears_it_any_more(monkeypatch):
    seen = []
    report = training_process.never_alone(seen.append)
    report("a step")
    monkeypatch.setattr(os, "getppid", lambda: 1)
    with pytest.raises(SystemExit):
        report("another")
    assert seen == ["a step"]


LAUNCHER = """
import sys
import dagster as dg
from pipelines.assets.policies import base_policy
from pipelines.resources import LakeResource
dg.materialize([base_policy], resources={"lake": LakeResource(home=sys.argv[1])})
"""


@pytest.mark.journey
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_training_whose_launcher_is_stopped_ends_too_and_can_be_gone_on_with(own_lake, tmp_path, how):
    """SIGINT goes to the launcher alone, as Dagster's daemon sends it; SIGKILL gives it no time to tell anybody."""
    recipe = tmp_path / "pretrain.toml"
    recipe.write_text(
        recipe.read_text().replace("steps = 4\n", "steps = 100000\n").replace("\nsteps = 4", "\nsteps = 100000")
    )
    last = own_lake.base_policy / "checkpoints/last"
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(own_lake.home)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(last.exists, 120)
        with pytest.raises(TrainingError, match="Another training"), only_training(own_lake.base_policy):
            pass
        launcher.send_signal(how)
        launcher.wait(30)
        wait_until(lambda: is_free(own_lake.base_policy), 30)
    finally:
        launcher.kill()
    assert (last / "training_state/training_step.json").exists()


def is_free(folder) -> bool:
    try:
        with only_training(folder):
            return True
    except TrainingError:
        return False


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)
