"""config.json: what is read, written and refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import policy
from data_contracts.errors import PolicyError
from policy.configuration import IMAGES, LATER_FIELDS, Feature, SmolVLAConfig, base_450m, small

ROOT = Path(__file__).parents[2]


def test_config_survives_json():
    config = small({f"{IMAGES}.top": (3, 96, 128)}, state_dim=4, action_dim=7, chunk_size=20, tags=["a"])
    assert SmolVLAConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_json_has_the_type_and_no_later_fields():
    document = base_450m().to_json()
    assert next(iter(document)) == "type"
    assert document["type"] == "smolvla"
    assert not LATER_FIELDS & set(document)
    assert document["input_features"]["observation.state"] == {"type": "STATE", "shape": [6]}


def test_fields_of_later_releases_are_read_over():
    document = base_450m().to_json() | {"rtc_config": None, "compile_model": False, "use_peft": False}
    assert SmolVLAConfig.from_json(document) == base_450m()


def test_absent_fields_take_their_default():
    assert SmolVLAConfig.from_json({"type": "smolvla"}) == SmolVLAConfig()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"chunk_sise": 50}, "chunk_size"),
        ({"type": "act"}, "'act'"),
        ({"use_peft": True}, "adapters"),
        ({"n_action_steps": 51}, "n_action_steps"),
        ({"n_action_steps": 0}, "n_action_steps"),
        ({"adapt_to_pi_aloha": True}, "adapt_to_pi_aloha"),
        ({"use_cache": False}, "use_cache"),
        ({"attention_mode": "mixed"}, "attention_mode"),
        ({"num_expert_layers": 8}, "8 expert layers"),
        ({"output_features": {"torque": {"type": "ACTION", "shape": [6]}}}, "torque"),
        ({"output_features": {"action": {"type": "ACTION", "shape": [33]}}}, "at most 32"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change, named):
    with pytest.raises(PolicyError, match=named):
        SmolVLAConfig.from_json(base_450m().to_json() | change)


def test_cameras_keep_their_order_and_empty_ones_come_last():
    keys = [f"{IMAGES}.wrist", f"{IMAGES}.top"]
    config = small(dict.fromkeys(keys, (3, 64, 64)), 4, 4, empty_cameras=1)
    assert config.camera_keys == (*keys, f"{IMAGES}.empty_camera_0")


def test_an_empty_camera_that_lerobot_wrote_down_is_not_counted_twice():
    key = f"{IMAGES}.empty_camera_0"
    config = small({f"{IMAGES}.top": (3, 64, 64)}, 4, 4, empty_cameras=1)
    with_it = SmolVLAConfig.from_json(
        config.to_json()
        | {"input_features": config.to_json()["input_features"] | {key: {"type": "VISUAL", "shape": [3, 480, 640]}}}
    )
    assert with_it.input_features[key] == Feature("VISUAL", (3, 480, 640))
    assert with_it.camera_keys == config.camera_keys


def test_layers_alternate_between_joining_and_crossing():
    config = base_450m()
    assert [config.is_self_attention(layer) for layer in range(4)] == [True, False, True, False]
    assert all(base_450m(attention_mode="self_attn").is_self_attention(layer) for layer in range(4))
    assert not any(base_450m(self_attn_every_n_layers=0).is_self_attention(layer) for layer in range(4))


def test_importing_the_room_loads_nothing_heavy():
    code = "import sys, policy, policy.configuration; print('torch' in sys.modules, 'transformers' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("name", policy.__all__)
def test_what_the_room_offers_is_there(name):
    assert getattr(policy, name).__name__ == name
