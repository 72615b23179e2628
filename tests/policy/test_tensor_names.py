"""The published configuration has exactly the tensors that LeRobot saves. Built without storage, so it takes seconds."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch

from policy.configuration import base_450m
from policy.model import SmolVLAPolicy

KEYS = Path(__file__).parent / "data" / "smolvla_keys.txt"


@pytest.fixture(scope="module")
def published() -> SmolVLAPolicy:
    with torch.device("meta"):
        return SmolVLAPolicy(base_450m())


def test_the_500_names_and_shapes_of_lerobot(published):
    rows = (line.split("\t") for line in KEYS.read_text().splitlines())
    expected = {name: ast.literal_eval(shape) for name, shape, _ in rows}
    assert len(expected) == 500
    assert {name: tuple(tensor.shape) for name, tensor in published.state_dict().items()} == expected


def test_the_published_number_of_parameters(published):
    assert sum(parameter.numel() for parameter in published.parameters()) == 450_046_176
    trainable = [parameter for parameter in published.parameters() if parameter.requires_grad]
    assert len(trainable) == 155
    assert sum(parameter.numel() for parameter in trainable) == 99_880_992


def test_what_stays_frozen_when_the_vlm_trains():
    with torch.device("meta"):
        policy = SmolVLAPolicy(base_450m(train_expert_only=False, freeze_vision_encoder=False))
    frozen = {name.split(".vlm.")[1] for name, value in policy.named_parameters() if not value.requires_grad}
    assert {"lm_head.weight", "model.text_model.norm.weight"} < frozen
    rest = frozen - {"lm_head.weight", "model.text_model.norm.weight"}
    assert rest
    assert all(name.startswith("model.text_model.layers.15.") for name in rest)
