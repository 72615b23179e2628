"""The folder on disk: complete, strict, atomic, and refused where it could drive a robot wrongly."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import policy.checkpoint as checkpoint
from data_contracts.errors import PolicyError
from policy.actor import Actor
from policy.checkpoint import load_checkpoint, save_checkpoint
from policy.statistics import statistics_of

NORMALISER = "policy_preprocessor_step_5_normalizer_processor.safetensors"
UNNORMALISER = "policy_postprocessor_step_0_unnormalizer_processor.safetensors"


@pytest.fixture
def folder(tiny, tmp_path):
    save_checkpoint(tmp_path / "pretrained_model", *tiny)
    return tmp_path / "pretrained_model"


def test_a_checkpoint_acts_bitwise_like_the_policy_that_was_saved(tiny, folder, tmp_path, make_observation):
    moved = tmp_path / "elsewhere" / "copy"
    shutil.move(folder, moved)
    chunks = [
        Actor(*pair).predict_chunk(make_observation(), "open the drawer") for pair in (tiny, load_checkpoint(moved))
    ]
    assert (chunks[0] == chunks[1]).all()


def test_saving_what_was_loaded_gives_the_same_bytes(folder, tmp_path):
    save_checkpoint(tmp_path / "again", *load_checkpoint(folder))
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert files == sorted(
        path.relative_to(tmp_path / "again") for path in (tmp_path / "again").rglob("*") if path.is_file()
    )
    for name in files:
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_the_files_are_those_that_lerobot_expects(folder):
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "model.safetensors", "policy_preprocessor.json", NORMALISER, "policy_postprocessor.json",
        UNNORMALISER, "vlm",
    }  # fmt: skip
    before = json.loads((folder / "policy_preprocessor.json").read_text())
    assert before["name"] == "policy_preprocessor"
    assert [step["registry_name"] for step in before["steps"]] == [
        "rename_observations_processor", "to_batch_processor", "smolvla_new_line_processor", "tokenizer_processor",
        "device_processor", "normalizer_processor",
    ]  # fmt: skip
    assert before["steps"][3]["config"]["tokenizer_name"] == "vlm"
    assert before["steps"][5]["state_file"] == NORMALISER
    assert set(load_file(folder / UNNORMALISER)) >= {"action.mean", "action.std", "observation.state.mean"}
    after = json.loads((folder / "policy_postprocessor.json").read_text())
    assert [step["registry_name"] for step in after["steps"]] == ["unnormalizer_processor", "device_processor"]
    assert not list(folder.rglob("*.bin")) + list(folder.rglob("*.pkl"))


def test_trainability_is_that_of_the_configuration(folder, policy):
    loaded, _ = load_checkpoint(folder)
    expected = {name: parameter.requires_grad for name, parameter in policy.named_parameters()}
    assert {name: parameter.requires_grad for name, parameter in loaded.named_parameters()} == expected
    assert not loaded.training


def change_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


def test_a_missing_tensor_is_named(folder):
    change_weights(folder, lambda weights: weights.pop("model.state_proj.bias"))
    with pytest.raises(PolicyError, match=r"missing model\.state_proj\.bias"):
        load_checkpoint(folder)


def test_an_unexpected_tensor_is_named(folder):
    change_weights(folder, lambda weights: weights.update({"model.extra": torch.zeros(1)}))
    with pytest.raises(PolicyError, match=r"unexpected model\.extra"):
        load_checkpoint(folder)


def test_another_shape_is_named(folder):
    change_weights(folder, lambda weights: weights.update({"model.state_proj.bias": torch.zeros(5)}))
    with pytest.raises(PolicyError, match=r"model\.state_proj\.bias is \(5,\), expected \(32,\)"):
        load_checkpoint(folder)


def test_bfloat16_files_become_float32(folder, policy):
    change_weights(folder, lambda weights: weights.update({name: x.bfloat16() for name, x in weights.items()}))
    loaded, _ = load_checkpoint(folder)
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    bias = "model.state_proj.bias"
    assert loaded.state_dict()[bias].equal(policy.state_dict()[bias].bfloat16().float())


@pytest.mark.parametrize("renamed", ["so100.buffer.action.mean", "actions.mean", None])
def test_acting_is_refused_without_exactly_named_statistics(folder, renamed):
    for name in (NORMALISER, UNNORMALISER):
        tensors = load_file(folder / name)
        mean = tensors.pop("action.mean")
        save_file(tensors | ({renamed: mean} if renamed else {}), folder / name)
    with pytest.raises(PolicyError, match="'action'"):
        load_checkpoint(folder)


def test_training_may_supply_statistics_later(folder, tiny, tmp_path):
    for name in (NORMALISER, UNNORMALISER):
        save_file({"so100.buffer.action.mean": torch.zeros(3)}, folder / name)
    policy, processors = load_checkpoint(folder, for_training=True)
    with pytest.raises(PolicyError, match="cannot act"):
        Actor(policy, processors)
    with pytest.raises(PolicyError, match="cannot be saved"):
        save_checkpoint(tmp_path / "out", policy, processors)
    assert not (tmp_path / "out").exists()
    save_checkpoint(tmp_path / "out", policy, processors.with_statistics(tiny[1].statistics))
    load_checkpoint(tmp_path / "out")


def test_differing_statistics_before_and_after_are_refused(folder):
    tensors = load_file(folder / UNNORMALISER)
    save_file(tensors | {"action.std": tensors["action.std"] * 2}, folder / UNNORMALISER)
    with pytest.raises(PolicyError, match=r"action\.std"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "model.safetensors",
        "policy_preprocessor.json",
        NORMALISER,
        "vlm/config.json",
        "vlm/tokenizer.json",
    ],
)
@pytest.mark.parametrize("damage", ["removed", "garbled"])
def test_a_lost_or_damaged_file_is_named(folder, name, damage):
    if damage == "removed":
        (folder / name).unlink()
    else:
        (folder / name).write_text("not what it was")
    with pytest.raises(PolicyError, match=name.rsplit("/")[-1].split(".")[0] + "|vlm|pretrained_model"):
        load_checkpoint(folder)


def test_steps_of_another_policy_are_refused(folder):
    path = folder / "policy_preprocessor.json"
    document = json.loads(path.read_text())
    del document["steps"][2]
    path.write_text(json.dumps(document))
    with pytest.raises(PolicyError, match="smolvla_new_line_processor"):
        load_checkpoint(folder)


def test_a_save_that_fails_leaves_the_old_checkpoint(folder, tiny, monkeypatch):
    before = (folder / "model.safetensors").read_bytes()
    policy, processors = tiny
    with torch.no_grad():
        policy.model.state_proj.bias.add_(1)

    def full_disk(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoint, "save_processors", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(folder, policy, processors)
    assert (folder / "model.safetensors").read_bytes() == before
    load_checkpoint(folder)


def test_statistics_of_cameras_travel_along(tiny, tmp_path):
    policy, processors = tiny
    more = processors.statistics | statistics_of({"observation.images.top": {"mean": [[[0.5]]] * 3}})
    save_checkpoint(tmp_path / "out", policy, processors.with_statistics(more))
    assert load_checkpoint(tmp_path / "out")[1].statistics["observation.images.top"]["mean"].shape == (3, 1, 1)


def old_checkpoint(folder, pair, buffers):
    """Writes the pair as LeRobot 0.3.3 did: statistics among the weights, no processor files."""
    save_checkpoint(folder, *pair)
    for path in folder.glob("policy_*"):
        path.unlink()
    weights = load_file(folder / "model.safetensors")
    save_file(weights | buffers, folder / "model.safetensors")


def buffers_of(processors):
    state, action = (processors.statistics[key] for key in ("observation.state", "action"))
    return {
        f"{part}.buffer_{name}.{statistic}": values[statistic].clone()
        for part, name, values in (
            ("normalize_inputs", "observation_state", state),
            ("normalize_targets", "action", action),
            ("unnormalize_outputs", "action", action),
        )
        for statistic in ("mean", "std")
    }


def test_a_checkpoint_from_before_processor_files_acts_as_it_did(make_policy, make_batch, noise, tmp_path):
    policy, processors = make_policy()
    old_checkpoint(tmp_path / "old", (policy, processors), buffers_of(processors))
    loaded, theirs = load_checkpoint(tmp_path / "old")
    batch = make_batch(theirs)
    assert loaded.sample_actions(batch, noise).equal(policy.sample_actions(make_batch(processors), noise))
    actions = torch.randn(1, 6, 3)
    assert theirs.postprocess(actions).equal(processors.postprocess(actions))
    save_checkpoint(tmp_path / "new", loaded, theirs)
    assert not [name for name in load_file(tmp_path / "new" / "model.safetensors") if "normalize" in name]


def test_an_old_checkpoint_of_several_robots_acts_for_none(make_policy, tmp_path):
    policy, processors = make_policy()
    several = {name.replace("buffer_", "so100_buffer_"): value for name, value in buffers_of(processors).items()}
    old_checkpoint(tmp_path / "old", (policy, processors), several)
    with pytest.raises(PolicyError, match="has no mean for exactly"):
        load_checkpoint(tmp_path / "old")
    assert load_checkpoint(tmp_path / "old", for_training=True)


def test_an_old_checkpoint_whose_statistics_were_never_set_is_refused(make_policy, tmp_path):
    policy, processors = make_policy()
    unset = {name: torch.full_like(value, float("inf")) for name, value in buffers_of(processors).items()}
    old_checkpoint(tmp_path / "old", (policy, processors), unset)
    with pytest.raises(PolicyError, match="non-finite"):
        load_checkpoint(tmp_path / "old")
