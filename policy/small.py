"""A SmolVLA small enough to learn from scratch on a CPU: the same architecture and files, with about 1.5 M parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from policy.configuration import small
from policy.model import SmolVLAPolicy
from policy.processors import Processors
from policy.statistics import Statistics
from policy.tokenizer import train_tokenizer
from policy.vlm import small_vlm_config


def new_small_policy(
    cameras: Mapping[str, tuple[int, int, int]],
    state_dim: int,
    action_dim: int,
    sentences: Iterable[str],
    statistics: Statistics | None = None,
    seed: int = 0,
    **changes: Any,
) -> tuple[SmolVLAPolicy, Processors]:
    """Returns a policy with fresh weights and its processors.

    Args:
        cameras: shape (3, height, width) by key, in slot order.
        sentences: tasks that the tokenizer learns as whole words; other words are spelt out.
        statistics: of the training data (`policy.statistics.statistics_of`); may be supplied later.
        seed: decides the weights.
        changes: fields of `SmolVLAConfig` to set otherwise.
    """
    config = small(cameras, state_dim, action_dim, **changes)
    tokenizer = train_tokenizer(sentences)
    architecture = small_vlm_config(
        len(tokenizer), tokenizer.image_token_id, tokenizer.pad_token_id, num_layers=config.num_vlm_layers
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = SmolVLAPolicy(config, architecture)
    return policy, Processors(config, tokenizer, statistics or {})
