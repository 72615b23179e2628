from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from data_contracts.errors import TrainingError
from policy.small import new_small_policy
from policy.vlm import build_vlm
from training.start import base_folder, load_vlm_weights


@pytest.fixture(scope="module")
def policy():
    return new_small_policy({"observation.images.camera1": (3, 64, 64)}, 3, 2, ["Press"], num_vlm_layers=2)[0]


def test_a_deeper_vlm_from_a_folder_gives_its_first_layers_and_leaves_the_expert(policy, tmp_path: Path):
    architecture = policy.architecture
    architecture.text_config.num_hidden_layers = 3
    torch.manual_seed(5)
    published = build_vlm(architecture, 3)
    published.save_pretrained(tmp_path)
    expert = {name: value.clone() for name, value in policy.model.vlm_with_expert.lm_expert.state_dict().items()}
    load_vlm_weights(policy, replace(policy.config, vlm_model_name=str(tmp_path)))
    own = policy.model.vlm_with_expert.vlm.state_dict()
    assert len(own) < len(published.state_dict())
    assert all(torch.equal(value, published.state_dict()[name]) for name, value in own.items())
    for name, value in policy.model.vlm_with_expert.lm_expert.state_dict().items():
        assert torch.equal(value, expert[name])


def test_weights_that_cannot_be_had_say_how_to_get_them(policy, tmp_path: Path):
    with pytest.raises(TrainingError, match="hf download"):
        load_vlm_weights(policy, replace(policy.config, vlm_model_name=str(tmp_path / "nothing")))


def test_a_run_stands_for_its_result_and_a_handed_in_base_wins(tmp_path: Path, tiny_recipe):
    (tmp_path / "run/pretrained_model").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    assert base_folder(tiny_recipe(), None) is None
    assert base_folder(tiny_recipe(), tmp_path / "run") == tmp_path / "run/pretrained_model"
    assert base_folder(tiny_recipe(policy=str(tmp_path / "run")), tmp_path / "other") == tmp_path / "other"
    assert base_folder(tiny_recipe(policy=str(tmp_path / "other")), None) == tmp_path / "other"
