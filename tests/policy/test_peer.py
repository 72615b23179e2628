"""The same numbers as LeRobot 0.4.4, and checkpoints that load both ways. LeRobot runs in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from policy.checkpoint import load_checkpoint, save_checkpoint
from policy.configuration import BUNDLED_VLM, IMAGES, base_450m
from policy.model import SmolVLAPolicy
from policy.processors import Processors
from policy.tokenizer import train_tokenizer
from policy.vlm import published_vlm_config
from tests.policy.conftest import tiny_policy

pytestmark = pytest.mark.peer

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).parent / "lerobot_smolvla.py"
TASKS = ["press the button", "an instruction that no tokenizer was trained on\n", "open the drawer"]


@pytest.fixture(scope="module")
def lerobot() -> Path:
    python = Path(os.environ.get("DEFTWORKS_PEER_PYTHON") or ROOT / ".peer" / "bin" / "python")
    if not python.is_file():
        pytest.skip(f"LeRobot 0.4.4 is not at {python}: build it, or set DEFTWORKS_PEER_PYTHON")
    return python


def raw_inputs() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    return {
        f"{IMAGES}.top": torch.rand(3, 3, 12, 20, generator=generator),
        f"{IMAGES}.wrist": torch.rand(3, 3, 23, 16, generator=generator),
        f"{IMAGES}.wrist_padding_mask": torch.tensor([True, False, True]),
        "observation.state": 3 + 2 * torch.randn(3, 5, generator=generator),
        "action": 5 * torch.randn(3, 6, 3, generator=generator),
        "noise": torch.randn(3, 6, 8, generator=generator),
        "time": torch.tensor([0.05, 0.5, 0.95]),
    }


CONFIGURATIONS = {
    "plain": {},
    "empty camera and long prefix": {"empty_cameras": 1, "prefix_length": 40},
    "padded words and three layers": {"pad_language_to": "max_length", "num_vlm_layers": 3},
}


def ask(lerobot: Path, folders: list[Path], threads: int = 1) -> None:
    """Has LeRobot answer in each folder, which holds a checkpoint `ours/` and `inputs.safetensors`."""
    run = subprocess.run(
        [lerobot, SCRIPT, *folders],
        env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(threads), "PYTHONPATH": ""},
        capture_output=True, text=True, timeout=1800, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]


@pytest.fixture(scope="module")
def exchanges(lerobot, tmp_path_factory):
    """Returns, per configuration, the folder where LeRobot answered for a checkpoint of ours, and that checkpoint's pair."""
    made = {}
    for name, changes in CONFIGURATIONS.items():
        folder, pair = tmp_path_factory.mktemp("exchange"), tiny_policy(**changes)
        save_checkpoint(folder / "ours", *pair)
        save_file(raw_inputs(), folder / "inputs.safetensors", metadata={"tasks": json.dumps(TASKS)})
        made[name] = folder, pair
    ask(lerobot, [folder for folder, _ in made.values()])
    return made


@pytest.fixture(params=CONFIGURATIONS)
def exchange(request, exchanges):
    return exchanges[request.param]


def answers(pair, raw: dict[str, torch.Tensor] | None = None) -> dict[str, torch.Tensor]:
    policy, processors = pair
    raw = dict(raw or raw_inputs())
    noise, time = raw.pop("noise"), raw.pop("time")
    batch = processors.preprocess({"task": TASKS} | raw)
    sampled = policy.sample_actions(batch, noise)
    with torch.no_grad():
        losses = policy(batch, noise, time).elementwise
    return {
        "losses": losses,
        "sampled": sampled,
        "actions": processors.postprocess(sampled),
        "tokens": batch["observation.language.tokens"],
        "state": batch["observation.state"],
    }


def assert_same(theirs: dict[str, torch.Tensor], ours: dict[str, torch.Tensor]) -> None:
    assert theirs["tokens"].equal(ours["tokens"])
    assert theirs["state"].equal(ours["state"])
    for key in ("losses", "sampled", "actions"):
        torch.testing.assert_close(
            theirs[key][..., : ours[key].shape[-1]],
            ours[key],
            atol=1e-4,
            rtol=1e-5,
            msg=lambda text, k=key: f"{k}: {text}",
        )


def test_lerobot_computes_the_same_with_our_checkpoint(exchange):
    folder, pair = exchange
    assert_same(load_file(folder / "ours.safetensors"), answers(pair))


def test_we_compute_the_same_with_lerobots_checkpoint(exchange):
    folder, pair = exchange
    theirs = load_checkpoint(folder / "theirs")
    assert not theirs[0].model.state_proj.weight.equal(pair[0].model.state_proj.weight)
    assert_same(load_file(folder / "theirs.safetensors"), answers(theirs))


def test_lerobots_checkpoint_has_our_tensor_names(exchange):
    folder, pair = exchange
    theirs = {name: tensor.shape for name, tensor in load_file(folder / "theirs" / "model.safetensors").items()}
    assert theirs == {name: tensor.shape for name, tensor in pair[0].state_dict().items()}


@pytest.mark.manual
def test_full_size_is_the_same_both_ways(lerobot, tmp_path):
    """All 500 tensors of the published architecture, random weights: `make parity-full`, about 5 GiB and some minutes."""
    cameras = {f"{IMAGES}.{name}": (3, 480, 640) for name in ("top", "wrist")}
    config = base_450m(cameras, vlm_model_name=BUNDLED_VLM, load_vlm_weights=False)
    statistics = {"mean": torch.full((6,), 2.0), "std": torch.full((6,), 3.0)}
    tokenizer = train_tokenizer(["press the button", "open the drawer"])
    torch.manual_seed(0)
    policy = SmolVLAPolicy(config, published_vlm_config()).eval()
    pair = policy, Processors(config, tokenizer, {"action": statistics, "observation.state": statistics})
    assert len(policy.state_dict()) == 500
    generator = torch.Generator().manual_seed(4)
    raw = {
        f"{IMAGES}.top": torch.rand(2, 3, 480, 640, generator=generator),
        f"{IMAGES}.wrist": torch.rand(2, 3, 360, 270, generator=generator),
        "observation.state": 3 + 2 * torch.randn(2, 6, generator=generator),
        "action": 5 * torch.randn(2, 50, 6, generator=generator),
        "noise": torch.randn(2, 50, 32, generator=generator),
        "time": torch.tensor([0.05, 0.95]),
    }
    save_checkpoint(tmp_path / "ours", *pair)
    save_file(raw, tmp_path / "inputs.safetensors", metadata={"tasks": json.dumps(TASKS[:2])})
    ask(lerobot, [tmp_path], threads=os.cpu_count() or 1)
    raw |= {"task": TASKS[:2]}
    assert_same(load_file(tmp_path / "ours.safetensors"), answers(pair, raw))
    theirs = load_checkpoint(tmp_path / "theirs")
    assert theirs[0].state_dict().keys() == policy.state_dict().keys()
    assert_same(load_file(tmp_path / "theirs.safetensors"), answers(theirs, raw))
