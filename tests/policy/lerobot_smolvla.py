"""Runs LeRobot 0.4.4's SmolVLA for `test_peer.py`, in LeRobot's own interpreter: nothing of Deftworks is imported here.

    python lerobot_smolvla.py <folder> ...

Each folder holds a checkpoint (`ours/`) and `inputs.safetensors`. Loads the checkpoint strictly and writes what it computes
(`ours.safetensors`); then builds a policy of its own with other weights, saves it (`theirs/`) and writes what that computes
(`theirs.safetensors`).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import torch
from lerobot.policies.factory import make_pre_post_processors
from lerobot.policies.smolvla.modeling_smolvla import SmolVLAPolicy
from lerobot.policies.smolvla.processor_smolvla import make_smolvla_pre_post_processors
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers.models.smolvlm.modeling_smolvlm import SmolVLMVisionEmbeddings


def place_patches(embeddings: torch.nn.Module, pixel_values: torch.Tensor, patch_attention_mask: torch.Tensor):
    """Adds the position embedding of patch k to patch k.

    transformers 4.55 to 4.57 (its issue 41190) multiply coordinates by 1 - 1e-6 before looking up their bucket. In float32 that gives patch k the
    position of patch k - 1 along both axes; in bfloat16, which the published weights were trained in, the factor rounds to
    1. transformers 5 and earlier releases of 4 place patches as here in every precision.
    """
    patches = embeddings.patch_embedding(pixel_values).flatten(2).transpose(1, 2)
    return patches + embeddings.position_embedding.weight


def answer(output: Path) -> None:
    checkpoint, inputs = output / "ours", output / "inputs.safetensors"
    os.chdir(checkpoint)  # vlm_model_name is "vlm", which LeRobot resolves against the working directory
    with safe_open(inputs, "pt") as file:
        tasks = json.loads(file.metadata()["tasks"])
    tensors = load_file(inputs)
    policy = SmolVLAPolicy.from_pretrained(checkpoint, strict=True)
    processors = make_pre_post_processors(policy.config, pretrained_path=str(checkpoint))
    save_file(compute(policy, processors, tensors, tasks), output / "ours.safetensors")

    statistics = processors[0].steps[-1].stats
    torch.manual_seed(7)
    fresh = SmolVLAPolicy(replace(policy.config, vlm_model_name=str(checkpoint / "vlm"))).eval()
    processors = make_smolvla_pre_post_processors(fresh.config, dataset_stats=statistics)
    fresh.save_pretrained(output / "theirs")
    for pipeline in processors:
        pipeline.save_pretrained(output / "theirs")
    save_file(compute(fresh, processors, tensors, tasks), output / "theirs.safetensors")


def compute(policy, processors, tensors: dict, tasks: list[str]) -> dict:
    """Returns elementwise losses, normalised actions and actions in the robot's units for fixed noise and time."""
    before, after = processors
    raw = {key: value for key, value in tensors.items() if key not in ("noise", "time")}
    batch = before(raw | {"task": tasks})
    images, masks = policy.prepare_images(batch)
    tokens, valid = batch["observation.language.tokens"], batch["observation.language.attention_mask"]
    state, actions = policy.prepare_state(batch), policy.prepare_action(batch)
    noise, time = tensors["noise"], tensors["time"]
    with torch.no_grad():
        losses = policy.model.forward(images, masks, tokens, valid, state, actions, noise, time)
        sampled = policy.predict_action_chunk(dict(batch), noise=noise.clone())
    return {
        "losses": losses.contiguous(),
        "sampled": sampled.contiguous(),
        "actions": after(sampled).contiguous(),
        "tokens": tokens.contiguous(),
        "state": batch["observation.state"].contiguous(),
    }


if __name__ == "__main__":
    SmolVLMVisionEmbeddings.forward = place_patches
    for argument in sys.argv[1:]:
        answer(Path(argument).absolute())
