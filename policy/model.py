"""SmolVLAPolicy: a batch in, losses or actions out. All values are normalised; `policy.processors` does that.

A batch is a dict of tensors under LeRobot's names, batch first:

    observation.images.<camera>           float (B, 3, H, W) in [0, 1]; any key of `config.camera_keys`
    observation.images.<camera>.features  instead of pixels: what `embed_images` made of them before
    <camera>_padding_mask                 bool (B,), optional: false where a sample lacks this image
    observation.state                     float (B, state_dim)
    observation.language.tokens           int (B, L);  observation.language.attention_mask  bool (B, L)
    action, action_is_pad                 float (B, chunk, action_dim), bool (B, chunk): training only
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from data_contracts.errors import PolicyError
from policy.configuration import ACTION, STATE, SmolVLAConfig
from policy.flow_matching import FlowMatching, draw_time
from policy.images import tower_pixels
from policy.vlm import SmolVLMConfig, image_features, image_tokens, read_vlm_config
from policy.vlm_with_expert import PrefixMemory

TOKENS = "observation.language.tokens"
TOKENS_MASK = "observation.language.attention_mask"
ACTION_IS_PAD = "action_is_pad"
FEATURES_SUFFIX = ".features"

Batch = Mapping[str, Tensor]


class Losses(NamedTuple):
    """`elementwise` (batch, chunk, action_dim) before any masking; `mean` over what is not padding, a scalar."""

    elementwise: Tensor
    mean: Tensor


class SmolVLAPolicy(nn.Module):
    """SmolVLA with LeRobot's tensor names. Fresh weights are random: load a checkpoint or train.

    Args:
        architecture: of the vision-language model; by default what `config.vlm_model_name` stands for.
    """

    def __init__(self, config: SmolVLAConfig, architecture: SmolVLMConfig | None = None) -> None:
        super().__init__()
        self.config = config
        self.architecture = architecture or read_vlm_config(config.vlm_model_name)
        self.model = FlowMatching(config, self.architecture)

    @property
    def device(self) -> torch.device:
        return self.model.state_proj.weight.device

    def forward(
        self, batch: Batch, noise: Tensor | None = None, time: Tensor | None = None, flow_samples: int = 1
    ) -> Losses:
        """Returns the flow-matching losses of the batch's actions.

        Args:
            noise: (B * flow_samples, chunk, max_action_dim), drawn from N(0, 1) when None.
            time: (B * flow_samples,), drawn from `draw_time` when None.
            flow_samples: draws of noise and time per observation; the observation is read once, losses are their mean.
        """
        actions = _padded(self._required(batch, ACTION), self.config.max_action_dim)
        if actions.shape[1] != self.config.chunk_size:
            raise PolicyError(f"'action' has {actions.shape[1]} steps, a chunk has {self.config.chunk_size}.")
        memory = self.remember(batch).repeated(flow_samples)
        actions = actions.repeat_interleave(flow_samples, dim=0)
        noise = torch.randn_like(actions) if noise is None else noise
        time = draw_time(len(actions), actions.device) if time is None else time
        losses = self.model.losses(actions, memory, noise, time)[..., : self.config.action_dim]
        losses = losses.unflatten(0, (-1, flow_samples)).mean(dim=1)
        return Losses(losses, reduce_losses(losses, batch.get(ACTION_IS_PAD)))

    @torch.no_grad()
    def sample_actions(self, batch: Batch, noise: Tensor | None = None) -> Tensor:
        """Returns normalised action chunks (B, chunk, action_dim).

        Args:
            noise: (B, chunk, max_action_dim), drawn from N(0, 1) when None.
        """
        memory = self.remember(batch)
        if noise is None:
            shape = (len(memory.valid), self.config.chunk_size, self.config.max_action_dim)
            noise = torch.randn(shape, device=self.device)
        return self.model.sample(memory, noise)[..., : self.config.action_dim]

    def embed_images(self, pixels_B3HW: Tensor) -> Tensor:
        """Returns what `camera_weights` make of images in [0, 1], (B, tokens, features), to be cached where these are frozen.

        Handed in as `<camera>.features`, they stand for the pixels: losses and actions are the same.
        """
        vlm = self.model.vlm_with_expert.vlm
        features = image_features(vlm, tower_pixels(pixels_B3HW, self.config.resize_imgs_with_padding))
        return image_tokens(vlm, features) if self.config.train_expert_only else features

    def camera_weights(self) -> dict[str, Tensor]:
        """Returns the weights behind `embed_images`, by name: the vision tower's, and the connector's where it is frozen too."""
        vlm = self.model.vlm_with_expert.vlm.model
        parts = {"vision_model": vlm.vision_model} | (
            {"connector": vlm.connector} if self.config.train_expert_only else {}
        )
        return {
            f"{part}.{name}": tensor for part, module in parts.items() for name, tensor in module.state_dict().items()
        }

    def remember(self, batch: Batch) -> PrefixMemory:
        """Returns what the vision-language model makes of the batch's observations."""
        features, masks = self._cameras(batch)
        state = self._required(batch, STATE)
        state = _padded(state[:, -1] if state.ndim > 2 else state, self.config.max_state_dim)
        tokens, valid = self._required(batch, TOKENS), self._required(batch, TOKENS_MASK)
        return self.model.remember(features, masks, tokens, valid.bool(), state)

    def _cameras(self, batch: Batch) -> tuple[list[Tensor], list[Tensor]]:
        """Returns features and masks per slot: cameras of the batch in configured order, then masked fillers.

        A filler's features are zeros: nothing ever looks at them.
        """
        keys = self.config.camera_keys
        present = [key for key in keys if key in batch or key + FEATURES_SUFFIX in batch]
        if not present:
            raise PolicyError(
                f"The batch has none of the cameras {', '.join(keys)}.", hint="Rename or add one of them."
            )
        features = [self._features_of(batch, key) for key in present]
        masks = [self._mask_of(batch, key, len(feature)) for key, feature in zip(present, features, strict=True)]
        for _ in range(min(len(keys) - len(present), self.config.empty_cameras)):
            features.append(torch.zeros_like(features[-1]))
            masks.append(torch.zeros_like(masks[-1]))
        return features, masks

    def _features_of(self, batch: Batch, key: str) -> Tensor:
        cached = batch.get(key + FEATURES_SUFFIX)
        if cached is not None:
            return cached
        pixels = batch[key]
        return self.embed_images(pixels[:, -1] if pixels.ndim == 5 else pixels)

    def _mask_of(self, batch: Batch, key: str, size: int) -> Tensor:
        mask = batch.get(f"{key}_padding_mask")
        return torch.ones(size, dtype=torch.bool, device=self.device) if mask is None else mask.bool()

    def _required(self, batch: Batch, key: str) -> Tensor:
        if key not in batch:
            raise PolicyError(f"The batch has no {key!r}.", hint=f"It has: {', '.join(sorted(batch))}.")
        return batch[key]


def reduce_losses(losses_BTA: Tensor, is_pad_BT: Tensor | None) -> Tensor:
    """Returns the mean loss over actions that are not padding: their sum / (their number * action_dim)."""
    if is_pad_BT is None:
        return losses_BTA.mean()
    counted = (~is_pad_BT).unsqueeze(-1)
    return (losses_BTA * counted).sum() / (counted.sum() * losses_BTA.shape[-1]).clamp(min=1)


def _padded(vector: Tensor, size: int) -> Tensor:
    return F.pad(vector, (0, max(0, size - vector.shape[-1])))
