from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file

from data_contracts.errors import TrainingError
from policy.checkpoint import load_checkpoint
from policy.configuration import base_450m
from policy.model import SmolVLAPolicy
from training.lora import PREFIX, Adapters
from training.mixture import open_mixture
from training.train import train

LORA = {"lora_rank": 2, "lora_alpha": 3.0, "learning_rate": 1e-2}


class PowerCut(Exception):
    pass


@pytest.fixture
def begin(lake, skill_index, tiny_recipe, tmp_path):
    """Returns a function that fine-tunes by LoRA on a base that was trained for two steps."""
    everything = open_mixture(skill_index, lake, tiny_recipe(), "c")
    train(tiny_recipe(kind="pretrain", steps=2), everything, tmp_path / "base")
    arm = skill_index.filter(pl.col("dataset_id") == "maker__arm")

    def run(out, on_progress=None, **changes):
        recipe = tiny_recipe(**LORA | changes)
        return train(recipe, open_mixture(arm, lake, recipe, "c"), out, tmp_path / "base", on_progress=on_progress)

    return run


def weights(folder) -> dict[str, torch.Tensor]:
    return load_file(folder / "pretrained_model/model.safetensors")


def test_only_the_targets_move_and_by_no_more_than_the_rank(begin, tmp_path):
    begin(tmp_path / "run")
    base, tuned = weights(tmp_path / "base"), weights(tmp_path / "run")
    moved = {name for name, value in tuned.items() if not torch.equal(value, base[name])}
    assert {name.split(".")[-2] for name in moved} == {
        "q_proj", "v_proj", "state_proj", "action_in_proj", "action_out_proj", "action_time_mlp_in", "action_time_mlp_out",
    }  # fmt: skip
    assert all(name.endswith(".weight") and ("lm_expert" in name or name.count(".") == 2) for name in moved)
    for name in moved:
        assert torch.linalg.matrix_rank(tuned[name] - base[name], atol=1e-5) <= 2
    load_checkpoint(tmp_path / "run/pretrained_model")


def test_the_adapter_alone_and_the_base_make_the_result(begin, tmp_path):
    begin(tmp_path / "run")
    config = json.loads((tmp_path / "run/adapter/adapter_config.json").read_text())
    assert (config["peft_type"], config["r"], config["lora_alpha"]) == ("LORA", 2, 3.0)
    adapter = load_file(tmp_path / "run/adapter/adapter_model.safetensors")
    base, tuned = weights(tmp_path / "base"), weights(tmp_path / "run")
    for name in [name for name in adapter if name.endswith("lora_A.weight")]:
        module = name.removeprefix(PREFIX).removesuffix(".lora_A.weight")
        product = adapter[name.replace("lora_A", "lora_B")] @ adapter[name]
        torch.testing.assert_close(tuned[f"{module}.weight"], base[f"{module}.weight"] + 1.5 * product)


def test_the_gradients_are_those_of_two_more_layers(tiny_recipe):
    torch.manual_seed(0)
    layer, inputs = torch.nn.Linear(5, 4), torch.randn(7, 5)
    policy = torch.nn.ModuleDict({"model": torch.nn.ModuleDict({"state_proj": layer})})
    start = layer.weight.detach().clone()
    adapters = Adapters(policy, tiny_recipe(**LORA))
    down, up = adapters.parameters.values()
    torch.testing.assert_close(layer.weight, start, rtol=0, atol=0)
    with torch.no_grad():
        up.normal_()
    adapters.merge()
    layer(inputs).square().sum().backward()
    adapters.take_gradients()
    ours = down.grad.clone(), up.grad.clone()
    down.grad = up.grad = None
    frozen = torch.nn.functional.linear(inputs, start, layer.bias.detach())
    (frozen + 1.5 * inputs @ down.T @ up.T).square().sum().backward()
    torch.testing.assert_close(ours, (down.grad, up.grad))


@pytest.mark.parametrize("cut_at", [1, 3])
def test_a_run_that_was_cut_off_ends_in_the_same_bytes(begin, tmp_path, cut_at):
    def cut(progress):
        if progress.stage == "training" and progress.done == cut_at:
            raise PowerCut

    whole = begin(tmp_path / "whole")
    with pytest.raises(PowerCut):
        begin(tmp_path / "cut", on_progress=cut)
    assert begin(tmp_path / "cut").weights_sha256 == whole.weights_sha256


def test_the_loss_goes_down(begin, tmp_path):
    run = begin(tmp_path / "run", steps=40, batch_size=16, save_every=40, lora_rank=8)
    assert run.final_loss < 0.9 * run.first_loss


def test_a_patient_run_keeps_the_adapter_of_its_best_weights(begin, tmp_path):
    begin(tmp_path / "run", validate_every=2, patience=1, log_every=2)
    assert (tmp_path / "run/adapter/adapter_model.safetensors").exists()
    best = next((tmp_path / "run/checkpoints").glob("best-*"))
    assert (best / "adapter/adapter_model.safetensors").read_bytes() == (
        tmp_path / "run/adapter/adapter_model.safetensors"
    ).read_bytes()


def test_targets_that_match_nothing_and_a_pretraining_are_refused(begin, tiny_recipe, tmp_path):
    with pytest.raises(TrainingError, match="match no linear layer"):
        begin(tmp_path / "run", lora_targets="q_proj")
    tower = {"lora_targets": r"model\.vlm_with_expert\.vlm\..*q_proj", "bf16": True, "freeze_vlm": True}
    with pytest.raises(TrainingError, match="freeze_vlm keeps in bfloat16"):
        begin(tmp_path / "run", **tower)
    with pytest.raises(ValueError, match="lora_rank is for a finetune"):
        tiny_recipe(kind="pretrain", lora_rank=4)


def test_the_published_size_has_lerobots_targets():
    """Of the 450 M policy: queries and values of 16 layers, and five projections; 16 (inputs + outputs) values each."""
    from training.recipes import load_recipe

    recipe = load_recipe("smolvla-450m-finetune", lora_rank=16)
    with torch.device("meta"):
        policy = SmolVLAPolicy(base_450m())
    adapters = Adapters(policy, recipe)
    assert len(adapters.parameters) == 2 * (16 * 2 + 5)
    queries, even, odd = 16 * (720 + 960), 8 * (720 + 320), 8 * (320 + 320)
    projections = (32 + 960) + 2 * (32 + 720) + (1440 + 720) + (720 + 720)
    assert sum(value.numel() for value in adapters.parameters.values()) == 16 * (queries + even + odd + projections)


@pytest.mark.peer
def test_lerobot_acts_with_the_merged_checkpoint_as_we_do(begin, tmp_path):
    from tests.policy.test_peer import TASKS, answers, ask, assert_same

    python = Path(os.environ.get("DEFTWORKS_PEER_PYTHON") or Path(__file__).parents[2] / ".peer/bin/python")
    if not python.is_file():
        pytest.skip(f"LeRobot 0.4.4 is not at {python}: build it, or set DEFTWORKS_PEER_PYTHON")
    begin(tmp_path / "run")
    shutil.copytree(tmp_path / "run/pretrained_model", tmp_path / "ours")
    pair = load_checkpoint(tmp_path / "ours")
    generator, config = torch.Generator().manual_seed(4), pair[0].config
    raw = {key: torch.rand(3, 3, 64, 64, generator=generator) for key in config.camera_keys}
    raw |= {
        "observation.state": 50 + torch.randn(3, 3, generator=generator),
        "action": 50 + torch.randn(3, 5, 2, generator=generator),
        "noise": torch.randn(3, 5, config.max_action_dim, generator=generator),
        "time": torch.tensor([0.05, 0.5, 0.95]),
    }
    save_file(raw, tmp_path / "inputs.safetensors", metadata={"tasks": json.dumps(TASKS)})
    ask(python, [tmp_path])
    assert_same(load_file(tmp_path / "ours.safetensors"), answers(pair, raw))
