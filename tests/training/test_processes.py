"""Two processes (gloo) do what one does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from data_contracts.catalogue import SKILL_INDEX
from data_contracts.errors import TrainingError
from data_contracts.manifests import TrainingRun
from training.mixture import open_mixture
from training.processes import Processes
from training.run import prepare
from training.train import train

ROOT = Path(__file__).parents[2]
TOLERANCE = 2e-5
"""On weights after eight steps of a rate of 1e-3: sums in another order, which AdamW's division carries on."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start_two(place: Path, lake) -> list[subprocess.Popen[str]]:
    world = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    world |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "ACCELERATE_USE_CPU": "true"}
    words = [sys.executable, str(ROOT / "tests/training/child.py"), str(place), str(lake.home)]
    return [
        subprocess.Popen(
            words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | world | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]  # fmt: skip


def losses(out: Path, name: str = "loss") -> torch.Tensor:
    return torch.tensor([json.loads(line)[name] for line in (out / "metrics.jsonl").read_text().splitlines()])


def test_two_processes_have_the_losses_and_weights_of_one(lake, skill_index, tiny_recipe, tmp_path):
    recipe = tiny_recipe(
        kind="pretrain", steps=8, save_every=4, batch_size=8, accumulate=2, validate_every=2, log_every=2
    )
    SKILL_INDEX.write(skill_index, tmp_path / "skill_index.parquet")
    (tmp_path / "recipe.json").write_text(recipe.model_dump_json())
    for process in start_two(tmp_path, lake):
        said, error = process.communicate(timeout=240)
        assert process.returncode == 0, error
        assert said.splitlines()[-1] == "one of 2"
    alone = train(recipe, open_mixture(skill_index, lake, recipe, "c"), tmp_path / "alone")
    together = TrainingRun.read(tmp_path / "run/training_run.json")
    assert (together.num_steps, together.episodes) == (alone.num_steps, alone.episodes)
    for name in ("loss", "validation_loss"):
        torch.testing.assert_close(
            losses(tmp_path / "run", name), losses(tmp_path / "alone", name), rtol=1e-4, atol=1e-5
        )
    ours, theirs = (load_file(tmp_path / where / "pretrained_model/model.safetensors") for where in ("run", "alone"))
    gap = max((weight - theirs[name]).abs().max().item() for name, weight in ours.items())
    loss_gap = (losses(tmp_path / "run") - losses(tmp_path / "alone")).abs().max().item()
    print(f"weights differ by {gap:.1e} at most, losses by {loss_gap:.1e}")  # noqa: T201
    assert gap < TOLERANCE
    assert sorted(path.name for path in (tmp_path / "run/checkpoints").iterdir()) == ["000008", "last"]


def test_a_batch_that_cannot_be_shared_is_refused(lake, skill_index, tiny_recipe):
    recipe = tiny_recipe(kind="pretrain", batch_size=8)
    mixture = open_mixture(skill_index, lake, recipe, "c")
    with pytest.raises(TrainingError, match="8 cannot be shared by 3 processes"):
        prepare(recipe, mixture, None, "cpu", 2**30, lambda progress: None, Processes(0, 3))
