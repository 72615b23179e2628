"""Which numbers a policy computes with: float32 throughout, or bfloat16 where LeRobot's published weights are bfloat16.

The five projections, the flow's state and the weights that are trained stay float32. What bfloat16 costs in accuracy is measured
by `make bench-training` (docs/evidence/training_speed.md).
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from policy.model import SmolVLAPolicy
from policy.packing import pack_linears


def lower_towers(policy: SmolVLAPolicy) -> SmolVLAPolicy:
    """Turns both towers into bfloat16, for acting. Returns the policy."""
    policy.requires_grad_(False).model.vlm_with_expert.to(torch.bfloat16)
    return _packed(policy)


def lower_frozen(policy: SmolVLAPolicy) -> SmolVLAPolicy:
    """Turns a vision-language model that is not trained into bfloat16, for training. Returns the policy.

    The expert is then trained beside the very numbers that are saved. A VLM that is trained in part stays float32.
    """
    if policy.config.train_expert_only:
        policy.model.vlm_with_expert.vlm.to(torch.bfloat16)
    return _packed(policy)


def mixed(device: torch.device, enabled: bool = True) -> AbstractContextManager[None]:
    """Returns the context in which float32 weights are multiplied in bfloat16, for training."""
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def is_bfloat16_fast(device: torch.device) -> bool:
    """Returns whether the device multiplies bfloat16 matrices faster than float32 ones."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    can = torch.cpu.get_capabilities()
    return bool(can["avx512_bf16"] or can["amx_bf16"])


def _packed(policy: SmolVLAPolicy) -> SmolVLAPolicy:
    if policy.device.type == "cpu" and is_bfloat16_fast(policy.device):
        towers = policy.model.vlm_with_expert
        for part in (towers.vlm.model, towers.lm_expert):  # nothing ever asks lm_head
            pack_linears(part)
    return policy
