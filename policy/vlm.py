"""The vision-language model under SmolVLA: transformers' SmolVLM, cut to its first layers.

Which architecture a `vlm_model_name` stands for, the published one and the small one, and the two calls that the policy
needs of it. Nothing is ever downloaded here: the published architecture is written down, any other comes from a folder.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from data_contracts.errors import PolicyError
from policy.configuration import PUBLISHED_VLM
from policy.torchvision_on_cpu import let_torchvision_import

let_torchvision_import()
from transformers import AttentionInterface, SmolVLMConfig, SmolVLMForConditionalGeneration  # noqa: E402


def published_vlm_config() -> SmolVLMConfig:
    """Returns the architecture of SmolVLM2-500M: SigLIP-base at 512 pixels, 32 Llama layers of width 960."""
    text = {
        "model_type": "llama", "vocab_size": 49280, "hidden_size": 960, "intermediate_size": 2560,
        "num_hidden_layers": 32, "num_attention_heads": 15, "num_key_value_heads": 5, "head_dim": 64,
        "rms_norm_eps": 1e-5, "max_position_embeddings": 8192, "pad_token_id": 2, "tie_word_embeddings": False,
    }  # fmt: skip
    vision = {
        "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
        "image_size": 512, "patch_size": 16,
    }  # fmt: skip
    return SmolVLMConfig(
        text_config=text, vision_config=vision, scale_factor=4, image_token_id=49190, tie_word_embeddings=False
    )


def small_vlm_config(vocab_size: int, image_token_id: int, pad_token_id: int, num_layers: int = 4) -> SmolVLMConfig:
    """Returns an architecture that trains on a CPU: 64x64 images in 8x8 patches give 16 tokens; Llama layers of width 128.

    The spread of the initial weights is chosen for these widths: the published 0.02 suits a width of 960.
    """
    text = {
        "model_type": "llama", "vocab_size": vocab_size, "hidden_size": 128, "intermediate_size": 256,
        "num_hidden_layers": num_layers, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
        "rms_norm_eps": 1e-5, "max_position_embeddings": 512, "pad_token_id": pad_token_id, "bos_token_id": None,
        "eos_token_id": None, "tie_word_embeddings": False, "initializer_range": 0.06,
    }  # fmt: skip
    vision = {
        "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
        "image_size": 64, "patch_size": 8, "initializer_range": 0.06,
    }  # fmt: skip
    return SmolVLMConfig(
        text_config=text, vision_config=vision, scale_factor=2, image_token_id=image_token_id,
        pad_token_id=pad_token_id, tie_word_embeddings=False,
    )  # fmt: skip


def read_vlm_config(name: str, beside: Path | None = None) -> SmolVLMConfig:
    """Returns the architecture that `vlm_model_name` stands for.

    Args:
        name: the published model's id, or a folder that holds SmolVLM's config.json.
        beside: the checkpoint folder, against which a relative folder is resolved.
    """
    folder = (beside or Path()) / name
    if (folder / "config.json").is_file():
        try:
            return SmolVLMConfig.from_pretrained(folder)
        except (OSError, ValueError) as error:
            raise PolicyError(f"{folder}/config.json is not SmolVLM's configuration: {error}") from error
    if name == PUBLISHED_VLM:
        return published_vlm_config()
    raise PolicyError(
        f"vlm_model_name is {name!r}: {folder} holds no config.json.",
        hint=f"Point it at a folder with SmolVLM's configuration, or use {PUBLISHED_VLM!r}.",
    )


HEADS_AT_ONCE = 3
"""Of 1024 patches: 6 MiB of scores."""


def tower_attention(
    module: nn.Module,
    query_BHLD: Tensor,
    key_BHLD: Tensor,
    value_BHLD: Tensor,
    mask: Tensor | None,
    scaling: float,
    **_: Any,
) -> tuple[Tensor, None]:
    """Returns the vision tower's attention, (B, L, H, D).

    Fused, save in bfloat16 on a CPU: there torch's fused kernel takes three times as long as two matrix products and a softmax
    (torch 2.13), a few heads at a time, whose scores stay in the processor's cache.
    """
    is_plain = query_BHLD.device.type == "cpu" and query_BHLD.dtype == torch.bfloat16 and mask is None
    if not is_plain or query_BHLD.requires_grad:
        out = F.scaled_dot_product_attention(query_BHLD, key_BHLD, value_BHLD, mask, scale=scaling)
        return out.transpose(1, 2), None
    query, key, value = (x.flatten(0, 1) for x in (query_BHLD * scaling, key_BHLD, value_BHLD))
    out = torch.empty_like(value)
    scores = query.new_empty(HEADS_AT_ONCE, query.shape[1], key.shape[1])
    for start in range(0, len(query), HEADS_AT_ONCE):
        part = slice(start, start + HEADS_AT_ONCE)
        of_part = torch.matmul(query[part], key[part].mT, out=scores[: len(query[part])])
        torch.matmul(torch.softmax(of_part, -1, out=of_part), value[part], out=out[part])
    return out.view_as(value_BHLD).transpose(1, 2), None


AttentionInterface.register("deftworks", tower_attention)


def build_vlm(architecture: SmolVLMConfig, num_layers: int) -> SmolVLMForConditionalGeneration:
    """Returns the model with fresh float32 weights and only the first `num_layers` text layers (all when <= 0)."""
    cut = copy.deepcopy(architecture)
    available = cut.text_config.num_hidden_layers
    if num_layers > available:
        raise PolicyError(f"num_vlm_layers is {num_layers}, the vision-language model has {available} layers.")
    if num_layers > 0:
        cut.text_config.num_hidden_layers = num_layers
    for part in (cut, cut.text_config, cut.vision_config):
        part.dtype = None
        part.tie_word_embeddings = False
    cut.vision_config._attn_implementation = "deftworks"
    vlm = SmolVLMForConditionalGeneration(cut)
    vlm.model.text_model.rotary_emb = None  # `policy.attention` rotates
    # transposed as they are, every layer norm would copy them
    vlm.model.vision_model.embeddings.register_forward_hook(lambda _module, _inputs, patches: patches.contiguous())
    return vlm


def image_features(vlm: SmolVLMForConditionalGeneration, pixels_B3HW: Tensor) -> Tensor:
    """Returns what the vision tower sees, pixel-shuffled: (images, tokens, vision width * scale_factor ** 2).

    This is everything before the first weight outside the tower, so it can be cached while the tower is frozen.
    """
    tower = vlm.model.vision_model
    patches = tower(pixel_values=pixels_B3HW.to(tower.dtype), patch_attention_mask=None).last_hidden_state
    return vlm.model.connector.pixel_shuffle(patches, vlm.model.connector.scale_factor)


def image_tokens(vlm: SmolVLMForConditionalGeneration, features_BNF: Tensor) -> Tensor:
    """Returns the connector's projection of `image_features`: (images, tokens, text width)."""
    projection = vlm.model.connector.modality_projection
    return projection(features_BNF.to(projection.proj.weight.dtype))
