"""The two towers of SmolVLA: the vision-language model reads the prefix, the action expert reads what it saw.

Prefix tokens never see action tokens. So the VLM's pass does not depend on the actions, and its keys and values per layer
(`PrefixMemory`) are all that the expert needs of it: computed once for a training step, or once for the flow steps of a
chunk. In the reference's words, even layers attend jointly and odd layers cross; the numbers are the same.
Module names are LeRobot's, because they are the names of the tensors in a checkpoint.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import LlamaModel

from policy.attention import Rotation, additive, attend, positions_of, rotate, rotation
from policy.configuration import SmolVLAConfig
from policy.vlm import SmolVLMConfig, build_vlm

Pair = tuple[Tensor, Tensor]
"""Keys and values of one layer."""


@dataclass(frozen=True)
class PrefixMemory:
    """What the expert reads: keys and values per layer, (batch, tokens, key heads, head_dim), and `valid` (batch, tokens).

    For even layers they are the VLM's (keys rotated), for odd ones those re-projected by the expert.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    valid: Tensor

    def repeated(self, times: int) -> PrefixMemory:
        """Returns the memory with every sample `times` in a row, for several flow samples of one observation."""
        if times == 1:
            return self
        keys = tuple(key.repeat_interleave(times, dim=0) for key in self.keys)
        values = tuple(value.repeat_interleave(times, dim=0) for value in self.values)
        return PrefixMemory(keys, values, self.valid.repeat_interleave(times, dim=0))


class VLMWithExpert(nn.Module):
    """SmolVLM and the expert: a Llama of `expert_width_multiplier` times its width and as many layers."""

    def __init__(self, config: SmolVLAConfig, architecture: SmolVLMConfig) -> None:
        super().__init__()
        self.config = config
        self.vlm = build_vlm(architecture, config.num_vlm_layers)
        self.lm_expert = _build_expert(config, self.vlm.config.text_config)
        self.head_dim = self.vlm.config.text_config.head_dim
        self.freeze()

    @property
    def text_width(self) -> int:
        return self.vlm.config.text_config.hidden_size

    @property
    def expert_width(self) -> int:
        return self.lm_expert.config.hidden_size

    def remember(self, seen_BLC: Tensor, valid_BL: Tensor, state_BC: Tensor) -> PrefixMemory:
        """Returns what the expert reads of an embedded observation.

        Images and words (`seen`) see each other and never the state, which sees them and itself. So they are read first, without
        gradients where the VLM is frozen, and the state after them as one more token: of a training step's backward pass
        through the VLM that leaves one token of hundreds.

        Args:
            valid_BL: bool, false for tokens that stand for nothing; they use up no position.
            state_BC: one token, always valid.
        """
        ones = torch.ones_like(valid_BL[:, :1])
        valid = torch.cat([valid_BL, ones], dim=1)
        turn = rotation(positions_of(valid), self.head_dim)
        of_seen, of_state = (Rotation(turn.cos[:, part], turn.sin[:, part]) for part in (slice(-1), slice(-1, None)))
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.config.train_expert_only):
            seen = self._read(seen_BLC, of_seen, additive(valid_BL[:, None, :]))
        read = self._read(state_BC[:, None, :], of_state, additive(valid[:, None, :]), before=seen)
        keys, values = zip(*(self._as_expert_reads(index, *pair) for index, pair in enumerate(read)), strict=True)
        return PrefixMemory(keys, values, valid)

    def _read(self, hidden: Tensor, turn: Rotation, bias: Tensor, before: Sequence[Pair] | None = None) -> list[Pair]:
        """Returns each VLM layer's keys (rotated) and values for these tokens, those of the tokens `before` them first.

        The last layer is left after its keys and values: nothing reads what it would put out.
        """
        layers, pairs = self.vlm.model.text_model.layers, []
        for index, layer in enumerate(layers):
            inputs = _normed(layer, hidden)
            key = rotate(self._heads(layer.self_attn.k_proj(inputs)), turn)
            value = self._heads(layer.self_attn.v_proj(inputs))
            if before is not None:
                key, value = (torch.cat(both, dim=1) for both in zip(before[index], (key, value), strict=True))
            pairs.append((key, value))
            if index + 1 < len(layers):
                query = rotate(self._heads(layer.self_attn.q_proj(inputs)), turn)
                hidden = _finish(layer, hidden, attend(query, key, value, bias))
        return pairs

    def act(self, suffix_BTC: Tensor, memory: PrefixMemory) -> Tensor:
        """Returns the expert's final hidden states (batch, actions, expert width) for embedded noisy actions.

        Even layers: actions see the prefix and the actions up to their own, and count on from the prefix. Odd layers: they
        see the prefix only, and count from 0.
        """
        batch, steps = suffix_BTC.shape[:2]
        counted = torch.arange(steps, device=suffix_BTC.device).expand(batch, -1)
        crossing = rotation(counted, self.head_dim)
        joining = rotation(counted + memory.valid.sum(dim=1, keepdim=True), self.head_dim)
        sees_prefix = memory.valid[:, None, :]
        causal = torch.ones(steps, steps, dtype=torch.bool, device=suffix_BTC.device).tril().expand(batch, -1, -1)
        crossing_bias = additive(sees_prefix)
        joining_bias = additive(torch.cat([sees_prefix.expand(-1, steps, -1), causal], dim=2))
        hidden = suffix_BTC
        for index, layer in enumerate(self.lm_expert.layers):
            key, value = memory.keys[index], memory.values[index]
            if self.config.is_self_attention(index):
                hidden = self._join(layer, hidden, key, value, joining, joining_bias)
            else:
                hidden = self._cross(layer, hidden, key, value, crossing, crossing_bias)
        return self.lm_expert.norm(hidden)

    def _as_expert_reads(self, index: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Returns a VLM layer's keys and values, projected once more (and not rotated again) where the expert crosses."""
        if self.config.is_self_attention(index):
            return key, value
        attention = self.lm_expert.layers[index].self_attn
        dtype = attention.k_proj.weight.dtype
        key, value = (x.to(dtype).flatten(2) for x in (key, value))
        return self._heads(attention.k_proj(key)), self._heads(attention.v_proj(value))

    def _join(
        self, layer: nn.Module, hidden: Tensor, key: Tensor, value: Tensor, turn: Rotation, bias: Tensor
    ) -> Tensor:
        inputs = _normed(layer, hidden)
        query = rotate(self._heads(layer.self_attn.q_proj(inputs)), turn)
        own_key = rotate(self._heads(layer.self_attn.k_proj(inputs)), turn)
        own_value = self._heads(layer.self_attn.v_proj(inputs))
        key, value = torch.cat([key, own_key], dim=1), torch.cat([value, own_value], dim=1)
        return _finish(layer, hidden, attend(query, key, value, bias))

    def _cross(
        self, layer: nn.Module, hidden: Tensor, key: Tensor, value: Tensor, turn: Rotation, bias: Tensor
    ) -> Tensor:
        query = rotate(self._heads(layer.self_attn.q_proj(_normed(layer, hidden))), turn)
        return _finish(layer, hidden, attend(query, key, value, bias))

    def _heads(self, x_BLC: Tensor) -> Tensor:
        return x_BLC.unflatten(-1, (-1, self.head_dim))

    def freeze(self) -> None:
        """Marks what the configuration leaves untrained, which includes what no gradient would ever reach.

        With `train_expert_only=False` those are lm_head, the final norm and the last text layer (LeRobot's rule since its
        fix #4019), and the vision tower when `freeze_vision_encoder`.
        """
        if self.config.freeze_vision_encoder:
            self.vlm.model.vision_model.requires_grad_(False)
        if self.config.train_expert_only:
            self.vlm.requires_grad_(False)
        else:
            text = self.vlm.model.text_model
            for part in (self.vlm.lm_head, text.norm, text.layers[-1]):
                part.requires_grad_(False)

    def train(self, mode: bool = True) -> VLMWithExpert:
        """Sets training mode; frozen parts stay in evaluation mode."""
        super().train(mode)
        if self.config.freeze_vision_encoder:
            self.vlm.model.vision_model.eval()
        if self.config.train_expert_only:
            self.vlm.eval()
        return self


def _build_expert(config: SmolVLAConfig, text_config: object) -> LlamaModel:
    shape = copy.deepcopy(text_config)
    shape.hidden_size = int(text_config.hidden_size * config.expert_width_multiplier)
    shape.intermediate_size = intermediate_size(shape.hidden_size)
    shape.vocab_size, shape.pad_token_id = 1, None  # it embeds no words
    expert = LlamaModel(shape)
    expert.embed_tokens = expert.rotary_emb = None  # `policy.attention` rotates
    key_width = shape.num_key_value_heads * shape.head_dim
    for index, layer in enumerate(expert.layers):
        if not config.is_self_attention(index):
            layer.self_attn.k_proj = nn.Linear(key_width, key_width, bias=shape.attention_bias)
            layer.self_attn.v_proj = nn.Linear(key_width, key_width, bias=shape.attention_bias)
    return expert


def intermediate_size(hidden_size: int, multiple_of: int = 256) -> int:
    """Returns the width of the expert's MLP: 8/3 of its own width, rounded up to a multiple."""
    wanted = int(2 * hidden_size / 3) * 4
    return -(-wanted // multiple_of) * multiple_of


def _normed(layer: nn.Module, hidden: Tensor) -> Tensor:
    return layer.input_layernorm(hidden).to(layer.self_attn.q_proj.weight.dtype)


def _finish(layer: nn.Module, hidden: Tensor, attended: Tensor) -> Tensor:
    """Returns the layer's output. The residual has the dtype of the weights, as the reference's in-place sums give it."""
    dtype = layer.self_attn.o_proj.weight.dtype
    hidden = (layer.self_attn.o_proj(attended.to(dtype)) + hidden).to(dtype)
    return (layer.mlp(layer.post_attention_layernorm(hidden)) + hidden).to(dtype)
