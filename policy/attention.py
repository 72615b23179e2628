"""Attention as SmolVLA computes it: rotary positions, which token sees which, and grouped-query attention.

Positions and masks are worked out once for a sequence and used by every layer. No weights live here.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

ROPE_BASE = 10_000
"""Hard-coded in the reference, whatever the theta of the vision-language model's own configuration."""


class Rotation(NamedTuple):
    """Cosines and sines of one sequence's positions, each float32 (batch, tokens, 1, head_dim / 2)."""

    cos: Tensor
    sin: Tensor


def rotation(positions_BL: Tensor, head_dim: int) -> Rotation:
    """Returns the rotary embedding of integer positions (RoFormer, arXiv 2104.09864), half-split as in Llama."""
    half = torch.arange(head_dim // 2, dtype=torch.float32, device=positions_BL.device)
    timescale = ROPE_BASE ** (2.0 / head_dim * half)
    radians = (positions_BL[..., None].to(torch.float32) / timescale)[:, :, None, :]
    return Rotation(torch.cos(radians), torch.sin(radians))


def rotate(x_BLHD: Tensor, by: Rotation) -> Tensor:
    """Returns `x` rotated, computed in float32 and cast back."""
    first, second = x_BLHD.float().chunk(2, dim=-1)
    turned = torch.cat([first * by.cos - second * by.sin, second * by.cos + first * by.sin], dim=-1)
    return turned.to(x_BLHD.dtype)


def positions_of(valid_BL: Tensor) -> Tensor:
    """Returns the position of each token; masked tokens use none up."""
    return torch.cumsum(valid_BL, dim=1) - 1


def additive(allowed_BLS: Tensor) -> Tensor:
    """Returns 0 where a token is seen and float32's lowest number elsewhere.

    The lowest number and not -inf: a row that sees nothing then averages everything, instead of spreading NaN.
    """
    bias = torch.zeros(allowed_BLS.shape, dtype=torch.float32, device=allowed_BLS.device)
    return bias.masked_fill_(~allowed_BLS, torch.finfo(torch.float32).min)


def attend(query_BLHD: Tensor, key_BSGD: Tensor, value_BSGD: Tensor, bias_BLS: Tensor) -> Tensor:
    """Returns softmax(q k^T / sqrt(d) + bias) v, shape (batch, tokens, heads * head_dim), in the values' dtype.

    Scores and softmax are float32. Consecutive query heads share one key head: they are stacked along the token axis, so
    that keys and values are not copied for each.
    """
    batch, tokens, heads, width = query_BLHD.shape
    groups = key_BSGD.shape[2]
    shared = heads // groups
    query = query_BLHD.float().view(batch, tokens, groups, shared, width) * width**-0.5
    query = query.permute(0, 2, 3, 1, 4).reshape(batch, groups, shared * tokens, width)
    scores = torch.matmul(query, key_BSGD.float().permute(0, 2, 3, 1))
    scores = scores.view(batch, groups, shared, tokens, -1) + bias_BLS[:, None, None]
    weights = torch.softmax(scores.float(), dim=-1).to(value_BSGD.dtype)
    mixed = torch.matmul(weights.view(batch, groups, shared * tokens, -1), value_BSGD.transpose(1, 2))
    mixed = mixed.view(batch, groups, shared, tokens, width).permute(0, 3, 1, 2, 4)
    return mixed.reshape(batch, tokens, heads * width)
