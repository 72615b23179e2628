"""Killed at any moment, on a full disk, twice at once: the result is the same, and `last` is always whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from data_contracts.catalogue import SKILL_INDEX
from data_contracts.errors import TrainingError
from training import out_folder
from training.mixture import open_mixture
from training.out_folder import only_training
from training.train import train

ROOT = Path(__file__).parents[2]
SEED = 20261122
LONGEST_LIFE = 12
"""Steps that a killed run does at most."""


@pytest.fixture
def place(lake, skill_index, tiny_recipe, tmp_path):
    """Returns a function that makes a folder for `child.py`, with a recipe that saves a checkpoint every four steps."""

    def make(name: str, steps: int = 12) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        SKILL_INDEX.write(skill_index.filter(pl.col("skill_id") == "press"), folder / "skill_index.parquet")
        (folder / "recipe.json").write_text(tiny_recipe(steps=steps, save_every=4, log_every=2).model_dump_json())
        return folder

    return make


def start(place: Path, lake, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    words = [sys.executable, str(ROOT / "tests/training/child.py"), str(place), str(lake.home), *arguments]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def finish(place: Path, lake) -> bytes:
    process = start(place, lake)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    return (place / "run/pretrained_model/model.safetensors").read_bytes()


@pytest.mark.parametrize("num_kills", [2, pytest.param(20, marks=pytest.mark.manual)])
def test_a_run_killed_at_random_moments_ends_in_the_same_bytes(place, lake, num_kills):
    steps = LONGEST_LIFE * num_kills
    whole, killed = place("whole", steps), place("killed", steps)
    expected = finish(whole, lake)
    rng, reached = random.Random(SEED), []
    for _ in range(num_kills):
        process = start(killed, lake)
        assert process.stdout is not None
        seen = [process.stdout.readline() for _ in range(rng.randint(1, LONGEST_LIFE))]
        time.sleep(rng.uniform(0, 0.1))  # somewhere in a step, or in a checkpoint
        process.kill()
        seen += process.stdout.readlines()
        reached.append(int(seen[-1]))
        assert process.wait() == -signal.SIGKILL
    print(f"killed {num_kills} times, after steps {reached} of {steps}")  # noqa: T201
    assert finish(killed, lake) == expected
    assert (killed / "run/metrics.jsonl").read_text().count("\n") == steps / 2


def test_a_disk_that_fills_up_leaves_the_last_checkpoint_and_says_what_to_do(place, lake):
    whole, full = place("whole"), place("full")
    process = start(full, lake, "6")
    _, error = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "could not be written" in error
    assert "goes on from the checkpoint before" in error
    assert os.readlink(full / "run/checkpoints/last") == "000004"  # noqa: PTH115
    assert sorted(path.name for path in (full / "run/checkpoints").iterdir()) == ["000004", "last"]
    assert finish(full, lake) == finish(whole, lake)


def test_no_room_is_said_before_the_first_step(lake, skill_index, tiny_recipe, tmp_path, monkeypatch):
    mixture = open_mixture(skill_index, lake, tiny_recipe(), "c")
    train(tiny_recipe(kind="pretrain", steps=2), mixture, tmp_path / "before")  # fills the cache
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(out_folder.shutil, "disk_usage", lambda path: usage)
    seen = []
    with pytest.raises(TrainingError, match=r"will take [\d.]+ MiB more, and its disk has 1000 bytes left"):
        train(tiny_recipe(kind="pretrain"), mixture, tmp_path / "run", on_progress=seen.append)
    assert "training" not in {progress.stage for progress in seen}


def test_two_trainings_never_write_into_one_folder(lake, skill_index, tiny_recipe, tmp_path):
    mixture = open_mixture(skill_index, lake, tiny_recipe(), "c")
    with only_training(tmp_path), pytest.raises(TrainingError, match="Another training"):
        train(tiny_recipe(kind="pretrain"), mixture, tmp_path)


def test_a_damaged_checkpoint_is_named(lake, skill_index, tiny_recipe, tmp_path):
    mixture = open_mixture(skill_index, lake, tiny_recipe(), "c")
    train(tiny_recipe(kind="pretrain"), mixture, tmp_path, max_steps=2)
    path = tmp_path / "checkpoints/last/training_state/weights.safetensors"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(TrainingError, match="cannot be resumed"):
        train(tiny_recipe(kind="pretrain"), mixture, tmp_path)
