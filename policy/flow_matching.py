"""Flow matching over action chunks: embed the prefix and the noisy actions, predict the velocity, integrate it.

Conditional flow matching as in SmolVLA (arXiv 2506.01844): x_t = t noise + (1 - t) actions, target noise - actions, ten
Euler steps from t = 1 to 0. What a batch looks like and how losses are reduced is `policy.model`'s.
Module names are LeRobot's, because they are the names of the tensors in a checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from policy.configuration import SmolVLAConfig
from policy.vlm import SmolVLMConfig, image_tokens
from policy.vlm_with_expert import PrefixMemory, VLMWithExpert


class FlowMatching(nn.Module):
    """The towers and the five projections between them and states, actions and time."""

    def __init__(self, config: SmolVLAConfig, architecture: SmolVLMConfig) -> None:
        super().__init__()
        self.config = config
        self.vlm_with_expert = VLMWithExpert(config, architecture)
        text, expert = self.vlm_with_expert.text_width, self.vlm_with_expert.expert_width
        self.state_proj = nn.Linear(config.max_state_dim, text)
        self.action_in_proj = nn.Linear(config.max_action_dim, expert)
        self.action_out_proj = nn.Linear(expert, config.max_action_dim)
        self.action_time_mlp_in = nn.Linear(expert * 2, expert)
        self.action_time_mlp_out = nn.Linear(expert, expert)
        self.state_proj.requires_grad_(config.train_state_proj)

    def remember(
        self, features: Sequence[Tensor], masks: Sequence[Tensor], tokens_BL: Tensor, valid_BL: Tensor, state_BS: Tensor
    ) -> PrefixMemory:
        """Returns what the VLM makes of one observation: images, words, then the state as one token.

        Args:
            features: per camera slot, what `SmolVLAPolicy.embed_images` makes of it.
            masks: per camera slot, bool (batch,): whether the sample has this image.
            state_BS: padded to max_state_dim.
        """
        seen, valid = self._embed(features, masks, tokens_BL, valid_BL)
        return self.vlm_with_expert.remember(seen, valid, self.state_proj(state_BS))

    def _embed(
        self, features: Sequence[Tensor], masks: Sequence[Tensor], tokens_BL: Tensor, valid_BL: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Returns images and words as one sequence (B, L, text width), and which of it stands for something.

        `prefix_length` asks for more masked tokens behind them: nothing looks at those, so there are none here.
        """
        vlm = self.vlm_with_expert.vlm
        scale = self.vlm_with_expert.text_width**0.5
        embeddings, valid = [], []
        for feature, mask in zip(features, masks, strict=True):
            tokens = feature if self.config.train_expert_only else image_tokens(vlm, feature)
            embeddings.append(tokens * torch.tensor(scale, dtype=tokens.dtype, device=tokens.device))
            valid.append(mask[:, None].expand(-1, tokens.shape[1]))
        embeddings.append(vlm.get_input_embeddings()(tokens_BL) * scale)
        valid.append(valid_BL)
        return torch.cat(embeddings, dim=1), torch.cat(valid, dim=1)

    def velocity(self, noisy_BTA: Tensor, time_B: Tensor, memory: PrefixMemory) -> Tensor:
        """Returns the predicted velocity at `time`, float32 (batch, chunk, max_action_dim)."""
        suffix = self.embed_actions(noisy_BTA, time_B)
        return self.action_out_proj(self.vlm_with_expert.act(suffix, memory).float())

    def embed_actions(self, noisy_BTA: Tensor, time_B: Tensor) -> Tensor:
        """Returns one token per noisy action, the time mixed into each: (batch, chunk, expert width)."""
        action = self.action_in_proj(noisy_BTA)
        width = self.vlm_with_expert.expert_width
        time = time_embedding(time_B, width, self.config.min_period, self.config.max_period).to(action.dtype)
        mixed = torch.cat([action, time[:, None, :].expand_as(action)], dim=2)
        return self.action_time_mlp_out(F.silu(self.action_time_mlp_in(mixed)))

    def losses(self, actions_BTA: Tensor, memory: PrefixMemory, noise_BTA: Tensor, time_B: Tensor) -> Tensor:
        """Returns the squared error of the velocity, elementwise, (batch, chunk, max_action_dim)."""
        time = time_B[:, None, None]
        noisy = time * noise_BTA + (1 - time) * actions_BTA
        return F.mse_loss(self.velocity(noisy, time_B, memory), noise_BTA - actions_BTA, reduction="none")

    def sample(self, memory: PrefixMemory, noise_BTA: Tensor) -> Tensor:
        """Returns normalised actions (batch, chunk, max_action_dim): Euler steps from the noise at t = 1 to t = 0."""
        step = -1.0 / self.config.num_steps
        actions = noise_BTA
        for index in range(self.config.num_steps):
            time = torch.full(noise_BTA.shape[:1], 1.0 + index * step, dtype=torch.float32, device=noise_BTA.device)
            actions = actions + step * self.velocity(actions, time, memory)
        return actions


def draw_time(batch: int, device: torch.device) -> Tensor:
    """Returns times in (0.001, 1): Beta(1.5, 1) * 0.999 + 0.001, which favours noisy actions."""
    return torch.distributions.Beta(1.5, 1.0).sample((batch,)).to(device=device, dtype=torch.float32) * 0.999 + 0.001


def time_embedding(time_B: Tensor, width: int, min_period: float, max_period: float) -> Tensor:
    """Returns sines and cosines of the time at periods spaced geometrically, float64 (batch, width)."""
    fraction = torch.linspace(0.0, 1.0, width // 2, dtype=torch.float64, device=time_B.device)
    period = min_period * (max_period / min_period) ** fraction
    angle = (1.0 / period * 2 * math.pi)[None, :] * time_B[:, None]
    return torch.cat([torch.sin(angle), torch.cos(angle)], dim=1)
