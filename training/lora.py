"""LoRA (Hu et al., arXiv 2106.09685): some matrices move by a product of two thin ones, W = W0 + scale * B @ A; nothing else moves.

The policy always holds the merged W, so that what computes with it, saves it or measures it knows nothing of adapters. The
gradients of A and B follow from that of W by the chain rule: dA = scale * B^T dW and dB = scale * dW A^T, exactly what two more
layers in the forward pass would give.

    adapter/adapter_model.safetensors, adapter_config.json    A and B under PEFT's names, for who wants to go on from them
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from data_contracts.errors import TrainingError
from data_contracts.stages import remove_folder, replace_folder, write_text
from training.recipes import Recipe

FOLDER = "adapter"
TARGETS = (
    r"model\.(vlm_with_expert\.lm_expert\.layers\.\d+\.self_attn\.(q|v)_proj"
    r"|state_proj|action_in_proj|action_out_proj|action_time_mlp_in|action_time_mlp_out)"
)
"""What LeRobot adapts in SmolVLA unless told otherwise: the expert's queries and values, and the five projections."""
PREFIX = "base_model.model."


class Adapters:
    """The adapters of a policy, whose other weights are frozen by making them.

    `parameters` holds A (rank, inputs) and B (outputs, rank) of each adapted matrix, by PEFT's names without their prefix. As in
    PEFT, A starts at random and B at zero: the policy is unchanged at first.

    Raises:
        TrainingError: the recipe's targets match no linear layer, or one that is frozen in bfloat16.
    """

    def __init__(self, policy: nn.Module, recipe: Recipe) -> None:
        self.recipe = recipe
        self.scale = recipe.lora_alpha / recipe.lora_rank
        self.targets = recipe.lora_targets or TARGETS
        policy.requires_grad_(False)
        self._weights = {
            name: module.weight
            for name, module in policy.named_modules()
            if isinstance(module, nn.Linear) and re.fullmatch(self.targets, name)
        }
        if not self._weights:
            raise TrainingError(
                f"lora_targets of recipe {recipe.name} match no linear layer: {self.targets!r}.",
                hint="It is a regular expression over whole module names, like model.state_proj.",
            )
        if lowered := [name for name, weight in self._weights.items() if weight.dtype != torch.float32]:
            raise TrainingError(
                f"lora_targets of recipe {recipe.name} name {lowered[0]}, which freeze_vlm keeps in bfloat16.",
                hint="Set freeze_vlm = false to adapt the vision-language model.",
            )
        self._start = {name: weight.detach().clone() for name, weight in self._weights.items()}
        self.parameters: dict[str, Tensor] = {}
        random = torch.Generator().manual_seed(recipe.seed)
        for name, weight in self._weights.items():
            weight.requires_grad_(True)
            outputs, inputs = weight.shape
            down = torch.empty(recipe.lora_rank, inputs)
            nn.init.kaiming_uniform_(down, a=math.sqrt(5), generator=random)
            self.parameters[f"{name}.lora_A.weight"] = down.to(weight.device).requires_grad_()
            self.parameters[f"{name}.lora_B.weight"] = torch.zeros(
                outputs, recipe.lora_rank, device=weight.device, requires_grad=True
            )

    @torch.no_grad()
    def merge(self) -> None:
        """Puts W0 + scale * B @ A into the policy."""
        for name, weight in self._weights.items():
            down, up = self._pair(name)
            torch.addmm(self._start[name], up, down, alpha=self.scale, out=weight)

    @torch.no_grad()
    def take_gradients(self) -> None:
        """Gives A and B the gradients that follow from those of the policy's matrices, which are then forgotten."""
        for name, weight in self._weights.items():
            down, up = self._pair(name)
            if weight.grad is not None:
                down.grad = self.scale * up.T @ weight.grad
                up.grad = self.scale * weight.grad @ down.T
                weight.grad = None

    def save(self, folder: Path) -> None:
        """Writes A and B as PEFT stores them, whole or not at all."""
        scratch = folder.with_name(f".{folder.name}.partial")
        remove_folder(scratch)
        scratch.mkdir(parents=True)
        tensors = {PREFIX + name: value.detach().cpu().contiguous() for name, value in self.parameters.items()}
        save_file(tensors, scratch / "adapter_model.safetensors", metadata={"format": "pt"})
        config = {
            "peft_type": "LORA", "r": self.recipe.lora_rank, "lora_alpha": self.recipe.lora_alpha, "lora_dropout": 0.0,
            "bias": "none", "target_modules": self.targets, "task_type": None, "base_model_name_or_path": None,
            "inference_mode": True,
        }  # fmt: skip
        write_text(scratch / "adapter_config.json", json.dumps(config, indent=2) + "\n")
        replace_folder(folder, scratch)

    def _pair(self, name: str) -> tuple[Tensor, Tensor]:
        return self.parameters[f"{name}.lora_A.weight"], self.parameters[f"{name}.lora_B.weight"]
