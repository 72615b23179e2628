"""Frozen bfloat16 layers on a CPU: weights laid out once as oneDNN multiplies them, instead of again at every call.

The same products; for few rows (action tokens, one state) they take two thirds of the time. The layouts lie beside the weights,
which stay what is saved.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

ROWS = 64
"""What the layout is chosen for; any number of rows may come."""


def pack_linears(module: nn.Module) -> None:
    """Gives each frozen bfloat16 linear layer on the CPU a packed forward, which in the vision tower's MLPs takes GELU along."""
    before_gelu = set()
    for part in module.modules():
        is_gelu = getattr(getattr(part, "config", None), "hidden_act", None) == "gelu_pytorch_tanh"
        if is_gelu and hasattr(part, "fc1") and _can_be_packed(part.fc1):
            before_gelu.add(part.fc1)
            part.activation_fn = nn.Identity()
        if isinstance(part, nn.Linear) and _can_be_packed(part):
            part.forward = _packed(part, "gelu" if part in before_gelu else "none")  # type: ignore[method-assign]


def _can_be_packed(linear: nn.Linear) -> bool:
    weight = linear.weight
    return weight.device.type == "cpu" and weight.dtype == torch.bfloat16 and not weight.requires_grad


def _packed(linear: nn.Linear, activation: str) -> Callable[[Tensor], Tensor]:
    weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), ROWS)

    def forward(x: Tensor) -> Tensor:
        if x.requires_grad or not x.is_cpu:
            out = F.linear(x, linear.weight, linear.bias)
            return F.gelu(out, approximate="tanh") if activation == "gelu" else out
        return torch.ops.mkldnn._linear_pointwise(x.to(torch.bfloat16), weight, linear.bias, activation, [], "tanh")

    return forward
