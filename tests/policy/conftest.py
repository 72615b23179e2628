"""A SmolVLA of a few thousand parameters, with its processors and a batch, for every test of the policy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from policy.configuration import BUNDLED_VLM, IMAGES, small
from policy.model import SmolVLAPolicy
from policy.processors import Processors
from policy.statistics import statistics_of
from policy.tokenizer import train_tokenizer
from policy.vlm import SmolVLMConfig

TOP, WRIST = f"{IMAGES}.top", f"{IMAGES}.wrist"
SENTENCES = ["press the button", "open the drawer", "reach the red goal"]


def tiny_architecture(tokenizer) -> SmolVLMConfig:
    text = {
        "model_type": "llama", "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 48,
        "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
        "rms_norm_eps": 1e-5, "pad_token_id": 0, "bos_token_id": None, "eos_token_id": None, "initializer_range": 0.2,
    }  # fmt: skip
    vision = {
        "hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 16, "patch_size": 4, "initializer_range": 0.2,
    }  # fmt: skip
    return SmolVLMConfig(
        text_config=text, vision_config=vision, scale_factor=2, image_token_id=1, pad_token_id=0,
        tie_word_embeddings=False,
    )  # fmt: skip


def tiny_policy(**changes) -> tuple[SmolVLAPolicy, Processors]:
    sizes = {
        "chunk_size": 6, "n_action_steps": 4, "max_state_dim": 8, "max_action_dim": 8, "num_steps": 4,
        "resize_imgs_with_padding": (16, 16), "vlm_model_name": BUNDLED_VLM,
    }  # fmt: skip
    config = small({TOP: (3, 16, 16), WRIST: (3, 16, 16)}, state_dim=5, action_dim=3, **(sizes | changes))
    tokenizer = train_tokenizer(SENTENCES)
    torch.manual_seed(0)
    policy = SmolVLAPolicy(config, tiny_architecture(tokenizer)).eval()
    return policy, Processors(config, tokenizer, tiny_statistics())


def tiny_statistics():
    return statistics_of(
        {
            "action": {"mean": [10.0, -20.0, 0.5], "std": [3.0, 5.0, 0.1], "min": [0.0, 0.0, 0.0]},
            "observation.state": {"mean": [1.0, 2.0, 3.0, 4.0, 5.0], "std": [1.0, 2.0, 1.0, 2.0, 1.0]},
        }
    )


def tiny_batch(processors: Processors, size: int = 3) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    statistics = processors.statistics["action"]
    raw = {
        TOP: torch.rand(size, 3, 12, 20, generator=generator),
        WRIST: torch.rand(size, 3, 16, 16, generator=generator),
        "observation.state": 3 + 2 * torch.randn(size, 5, generator=generator),
        "action": statistics["mean"] + statistics["std"] * torch.randn(size, 6, 3, generator=generator),
        "task": (SENTENCES * size)[:size],
    }
    return processors.preprocess(raw)


def observation(seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        TOP: random.integers(0, 255, (12, 20, 3), dtype=np.uint8),
        WRIST: random.integers(0, 255, (16, 16, 3), dtype=np.uint8),
        "observation.state": random.normal(size=5).astype(np.float32),
    }


@pytest.fixture
def tiny() -> tuple[SmolVLAPolicy, Processors]:
    return tiny_policy()


@pytest.fixture
def policy(tiny) -> SmolVLAPolicy:
    return tiny[0]


@pytest.fixture
def processors(tiny) -> Processors:
    return tiny[1]


@pytest.fixture
def batch(processors) -> dict[str, torch.Tensor]:
    return tiny_batch(processors)


@pytest.fixture
def noise(policy) -> torch.Tensor:
    return torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def make_policy():
    return tiny_policy


@pytest.fixture
def make_batch():
    return tiny_batch


@pytest.fixture
def make_observation():
    return observation
