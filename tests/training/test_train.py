from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from data_contracts.errors import TrainingError
from data_contracts.manifests import TrainingRun
from policy.checkpoint import load_checkpoint
from policy.configuration import base_450m
from policy.model import SmolVLAPolicy
from training.camera_cache import FOLDER
from training.mixture import open_mixture
from training.optimiser import new_optimiser
from training.recipes import load_recipe
from training.train import train


class PowerCut(Exception):
    pass


def weights(out: Path) -> bytes:
    return (out / "pretrained_model/model.safetensors").read_bytes()


def arm_only(skill_index: pl.DataFrame) -> pl.DataFrame:
    return skill_index.filter(pl.col("dataset_id") == "maker__arm")


@pytest.fixture
def mixture(lake, skill_index, tiny_recipe):
    return open_mixture(arm_only(skill_index), lake, tiny_recipe(), "sha256:corpus")


@pytest.fixture
def uninterrupted(mixture, tiny_recipe, tmp_path):
    train(tiny_recipe(), mixture, tmp_path / "uninterrupted")
    return weights(tmp_path / "uninterrupted")


def test_a_run_leaves_a_policy_that_loads_and_says_how_it_came_to_be(mixture, tiny_recipe, tmp_path):
    seen = []
    run = train(tiny_recipe(), mixture, tmp_path, on_progress=seen.append)
    policy, _processors = load_checkpoint(tmp_path / "pretrained_model")
    assert list(policy.config.input_features) == [
        "observation.state", "observation.images.camera1", "observation.images.camera2",
    ]  # fmt: skip
    assert (policy.config.state_dim, policy.config.action_dim) == (3, 2)
    assert TrainingRun.read(tmp_path / "training_run.json") == run
    assert (run.num_steps, run.num_frames, len(run.episodes), run.corpus_hash) == (4, 22, 3, "sha256:corpus")
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert run.first_loss == lines[0]["loss"]
    assert [p.done for p in seen if p.stage == "training"] == [1, 2, 3, 4]
    assert {p.stage for p in seen} == {"reading", "decoding", "training"}
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["000004", "last"]


def test_a_fine_tune_stores_exactly_the_skills_statistics(mixture, lake, tiny_recipe, tmp_path):
    train(tiny_recipe(steps=2), mixture, tmp_path)
    stored = load_file(tmp_path / "pretrained_model/policy_preprocessor_step_5_normalizer_processor.safetensors")
    from training.frame_table import read_frame_table

    [values] = read_frame_table(mixture).statistics.values()
    for feature in ("action", "observation.state"):
        torch.testing.assert_close(
            stored[f"{feature}.mean"], torch.tensor(values[feature]["mean"], dtype=torch.float32)
        )
        torch.testing.assert_close(stored[f"{feature}.std"], torch.tensor(values[feature]["std"], dtype=torch.float32))
    assert {key.rpartition(".")[0] for key in stored} == {"action", "observation.state"}


def test_the_processors_of_the_result_normalise_as_training_did(mixture, tiny_recipe, tmp_path):
    from data_contracts.lerobot import open_dataset
    from training.frame_table import read_frame_table

    train(tiny_recipe(steps=2), mixture, tmp_path)
    _, processors = load_checkpoint(tmp_path / "pretrained_model")
    frames = read_frame_table(mixture)
    raw = open_dataset(mixture.datasets[0].folder).episode(1)
    batch = processors.preprocess({"observation.state": raw.state_TS, "action": raw.action_TA, "task": ["Press"] * 9})
    torch.testing.assert_close(batch["observation.state"], torch.from_numpy(frames.state_NS[6:15]))
    torch.testing.assert_close(batch["action"], torch.from_numpy(frames.action_NA[6:15]))


@pytest.mark.parametrize("cut_at", [1, 2, 3])
def test_a_run_that_was_cut_off_ends_in_the_same_bytes(mixture, tiny_recipe, tmp_path, uninterrupted, cut_at):
    def cut(progress):
        if progress.stage == "training" and progress.done == cut_at:
            raise PowerCut

    with pytest.raises(PowerCut):
        train(tiny_recipe(), mixture, tmp_path / "cut", on_progress=cut)
    assert not (tmp_path / "cut/training_run.json").exists()
    train(tiny_recipe(), mixture, tmp_path / "cut")
    assert weights(tmp_path / "cut") == uninterrupted
    lines = [json.loads(line)["step"] for line in (tmp_path / "cut/metrics.jsonl").read_text().splitlines()]
    assert lines == [1, 2, 3, 4]


def test_two_steps_and_then_two_more_are_four(mixture, tiny_recipe, tmp_path, uninterrupted):
    assert train(tiny_recipe(), mixture, tmp_path / "halves", max_steps=2).num_steps == 2
    halfway = weights(tmp_path / "halves")
    assert halfway != uninterrupted
    assert train(tiny_recipe(), mixture, tmp_path / "halves").num_steps == 4
    assert weights(tmp_path / "halves") == uninterrupted


def test_a_finished_run_is_not_trained_again_and_other_inputs_replace_it(mixture, tiny_recipe, tmp_path):
    first = train(tiny_recipe(), mixture, tmp_path)
    calls = []
    assert train(tiny_recipe(save_every=4), mixture, tmp_path, on_progress=calls.append) == first
    assert calls == []
    again = train(tiny_recipe(seed=1), mixture, tmp_path)
    assert again.weights_sha256 != first.weights_sha256
    assert again.num_steps == 4


def test_a_pretraining_over_two_robots_is_a_base_for_a_skill(lake, skill_index, mixture, tiny_recipe, tmp_path):
    everything = open_mixture(skill_index, lake, tiny_recipe(), "sha256:corpus")
    base = train(tiny_recipe(kind="pretrain"), everything, tmp_path / "base")
    policy, processors = load_checkpoint(tmp_path / "base/pretrained_model")
    assert (policy.config.state_dim, policy.config.action_dim) == (3, 4)
    assert {"arm-3-2.action", "gantry-2-4.action", "action"} <= set(processors.statistics)

    cached = sorted((lake.home / FOLDER).rglob("*.npy"))
    skill = train(tiny_recipe(learning_rate=1e-9), mixture, tmp_path / "skill", base=tmp_path / "base")
    assert skill.base_digest == base.weights_sha256
    assert sorted((lake.home / FOLDER).rglob("*.npy")) == cached  # the same tower, so nothing is decoded again
    tuned, processors = load_checkpoint(tmp_path / "skill/pretrained_model")
    assert (tuned.config.state_dim, tuned.config.action_dim) == (3, 2)
    assert set(processors.statistics) == {"action", "observation.state"}
    for name, value in policy.state_dict().items():
        torch.testing.assert_close(tuned.state_dict()[name], value, rtol=0, atol=1e-6)


def test_the_loss_goes_down_on_a_tiny_set(mixture, tiny_recipe, tmp_path):
    recipe = tiny_recipe(steps=60, save_every=60, learning_rate=3e-3, batch_size=16, bf16=True, warmup_steps=5)
    run = train(recipe, mixture, tmp_path)
    assert run.final_loss < 0.7 * run.first_loss


@pytest.mark.parametrize("bf16", [False, True])
def test_pixels_and_cached_tokens_train_alike(mixture, tiny_recipe, tmp_path, bf16):
    """The same losses: to float rounding in float32, to that of bfloat16 (2 ** -8) otherwise."""
    cached = train(tiny_recipe(bf16=bf16), mixture, tmp_path / "cached")
    seen = train(tiny_recipe(bf16=bf16, cache_image_tokens=False), mixture, tmp_path / "seen")
    assert seen.first_loss == pytest.approx(cached.first_loss, rel=1e-3 if bf16 else 1e-6)


def test_a_frozen_vlm_in_bfloat16_trains_its_expert_and_resumes_in_the_same_bytes(mixture, tiny_recipe, tmp_path):
    recipe = tiny_recipe(bf16=True, freeze_vlm=True)
    whole = train(recipe, mixture, tmp_path / "whole")
    train(recipe, mixture, tmp_path / "halves", max_steps=2)
    assert train(recipe, mixture, tmp_path / "halves") == whole
    saved = load_file(tmp_path / "whole/pretrained_model/model.safetensors")
    assert {str(value.dtype) for name, value in saved.items() if ".vlm." in name} == {"torch.bfloat16"}
    assert {str(value.dtype) for name, value in saved.items() if ".lm_expert." in name} == {"torch.float32"}


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_step(mixture, tiny_recipe, tmp_path):
    with pytest.raises(TrainingError, match=r"diverged: the loss at step \d is"):
        train(tiny_recipe(learning_rate=1e30, clip_norm=1e30, warmup_steps=0), mixture, tmp_path)
    assert not (tmp_path / "training_run.json").exists()


def test_a_loss_that_explodes_stops_the_run_and_keeps_no_checkpoint_of_it(mixture, tiny_recipe, tmp_path):
    wild = {
        "steps": 40,
        "learning_rate": 3.0,
        "clip_norm": 1e6,
        "warmup_steps": 0,
        "save_every": 1,
        "divergence_factor": 3,
    }
    with pytest.raises(TrainingError, match=r"diverged: the loss was .* at step \d+ and is .* at step (\d+)") as caught:
        train(tiny_recipe(**wild), mixture, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert f"at step {lines[-1]['step']}, more than 3 times" in str(caught.value)
    assert lines[-1]["loss"] > 3 * min(line["loss"] for line in lines)
    assert int(os.readlink(tmp_path / "checkpoints/last")) == lines[-1]["step"] - 1  # noqa: PTH115


def test_a_missing_base_and_an_unknown_override_are_named(mixture, tiny_recipe, tmp_path):
    with pytest.raises(TrainingError, match="no base policy"):
        train(tiny_recipe(), mixture, tmp_path, base=tmp_path / "nowhere")
    with pytest.raises(TrainingError, match="chunk_sise"):
        train(tiny_recipe(policy_overrides={"chunk_sise": 3}), mixture, tmp_path)


def test_one_skill_is_not_fine_tuned_on_two_robots(lake, skill_index, tiny_recipe, tmp_path):
    with pytest.raises(TrainingError, match="arm-3-2, gantry-2-4"):
        train(tiny_recipe(), open_mixture(skill_index, lake, tiny_recipe(), "c"), tmp_path)


@pytest.mark.parametrize("name", ["smolvla-450m-pretrain", "smolvla-450m-finetune"])
def test_the_published_size_is_built_and_trains_its_expert_only(name):
    recipe = load_recipe(name)
    frozen = {"freeze_vision_encoder": recipe.freeze_vision, "train_expert_only": recipe.freeze_vlm}
    with torch.device("meta"):
        policy = SmolVLAPolicy(base_450m(**frozen))
    trained = [p for p in policy.parameters() if p.requires_grad]
    assert sum(p.numel() for p in policy.parameters()) == 450_046_176
    assert sum(p.numel() for p in trained) == 99_880_992
    assert new_optimiser(trained, recipe).param_groups[0]["lr"] == 1e-4
