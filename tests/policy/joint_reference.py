"""SmolVLA written the slow way, to compare with: one joint sequence, one mask, every layer recomputed for every flow step.

Follows the paper's picture (arXiv 2506.01844) and LeRobot's arithmetic step by step, and shares with `policy` nothing but the
weights: no memory of the prefix, no grouped heads, its own rotation and masks.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812


def rotate(x, positions):
    half = x.shape[-1] // 2
    radians = positions[..., None, None].float() / 10_000 ** (2.0 / x.shape[-1] * torch.arange(half))
    a, b = x[..., :half], x[..., half:]
    sin, cos = radians.sin(), radians.cos()
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


def attend(query, key, value, allowed):
    shared = query.shape[2] // key.shape[2]
    key, value = key.repeat_interleave(shared, dim=2), value.repeat_interleave(shared, dim=2)
    scores = torch.einsum("blhd,bshd->bhls", query, key) / math.sqrt(query.shape[-1])
    scores = scores.masked_fill(~allowed[:, None], torch.finfo(torch.float32).min)
    return torch.einsum("bhls,bshd->blhd", scores.softmax(-1), value).flatten(2)


def velocity(policy, batch, noisy, time):
    """Returns the predicted velocity (B, chunk, max_action_dim), everything computed from scratch."""
    model, config = policy.model, policy.config
    towers = model.vlm_with_expert
    width = towers.vlm.config.text_config.hidden_size
    parts, valid, flags = [], [], []
    for key in config.camera_keys:
        if key in batch:
            tokens = towers.vlm.model.connector(
                towers.vlm.model.vision_model(pixel_values=pixels_of(batch[key], config)).last_hidden_state
            )
            mask = batch.get(f"{key}_padding_mask", torch.ones(len(tokens), dtype=torch.bool))
            parts.append(tokens * math.sqrt(width))
            valid.append(mask[:, None].expand(-1, tokens.shape[1]))
            flags += [0] * tokens.shape[1]
    words = batch["observation.language.tokens"]
    parts.append(towers.vlm.model.text_model.embed_tokens(words) * math.sqrt(width))
    valid.append(batch["observation.language.attention_mask"])
    flags += [0] * words.shape[1]
    state = F.pad(batch["observation.state"], (0, config.max_state_dim - batch["observation.state"].shape[-1]))
    parts.append(model.state_proj(state)[:, None])
    valid.append(torch.ones(len(state), 1, dtype=torch.bool))
    flags += [1]
    prefix = torch.cat(parts, dim=1)
    suffix = embed_actions(model, config, noisy, time)
    flags += [1] * suffix.shape[1]
    known = torch.cat([*valid, torch.ones(suffix.shape[:2], dtype=torch.bool)], dim=1)
    blocks = torch.tensor(flags).cumsum(0)
    allowed = (blocks[None, :] <= blocks[:, None])[None] & known[:, None, :] & known[:, :, None]
    return model.action_out_proj(towers_forward(policy, prefix, suffix, known, allowed))


def embed_actions(model, config, noisy, time):
    width = model.action_in_proj.out_features
    exponents = torch.linspace(0, 1, width // 2, dtype=torch.float64)
    period = config.min_period * (config.max_period / config.min_period) ** exponents
    angle = 2 * math.pi * time[:, None].double() / period
    when = torch.cat([angle.sin(), angle.cos()], dim=1).float()
    mixed = torch.cat([model.action_in_proj(noisy), when[:, None].expand(-1, noisy.shape[1], -1)], dim=-1)
    return model.action_time_mlp_out(F.silu(model.action_time_mlp_in(mixed)))


def pixels_of(image, config):
    from policy.images import tower_pixels  # compared with its own definition elsewhere

    return tower_pixels(image, config.resize_imgs_with_padding)


def towers_forward(policy, prefix, suffix, known, allowed):
    """Returns the expert's final hidden states after all layers of both towers."""
    towers, config = policy.model.vlm_with_expert, policy.config
    split, head_dim = prefix.shape[1], towers.vlm.config.text_config.head_dim
    positions = known.long().cumsum(1) - 1
    for index, (text, expert) in enumerate(
        zip(towers.vlm.model.text_model.layers, towers.lm_expert.layers, strict=True)
    ):
        seen, acting = text.input_layernorm(prefix), expert.input_layernorm(suffix)
        heads = [_heads(text, seen, head_dim)]
        if config.is_self_attention(index):
            heads.append(_heads(expert, acting, head_dim))
            query, key, value = (torch.cat(both, dim=1) for both in zip(*heads, strict=True))
            mixed = attend(rotate(query, positions), rotate(key, positions), value, allowed)
            from_text, from_expert = mixed[:, :split], mixed[:, split:]
        else:
            query, key, value = heads[0]
            key = rotate(key, positions[:, :split])
            from_text = attend(rotate(query, positions[:, :split]), key, value, allowed[:, :split, :split])
            query = expert.self_attn.q_proj(acting).unflatten(-1, (-1, head_dim))
            rebased = positions[:, split:] - positions[:, split:].amin(dim=1, keepdim=True)
            key = expert.self_attn.k_proj(key.flatten(2)).unflatten(-1, (-1, head_dim))
            value = expert.self_attn.v_proj(value.flatten(2)).unflatten(-1, (-1, head_dim))
            from_expert = attend(rotate(query, rebased), key, value, allowed[:, split:, :split])
        prefix, suffix = _rest(text, prefix, from_text), _rest(expert, suffix, from_expert)
    return towers.lm_expert.norm(suffix)


def _heads(layer, x, head_dim):
    attention = layer.self_attn
    return tuple(p(x).unflatten(-1, (-1, head_dim)) for p in (attention.q_proj, attention.k_proj, attention.v_proj))


def _rest(layer, hidden, mixed):
    hidden = hidden + layer.self_attn.o_proj(mixed)
    return hidden + layer.mlp(layer.post_attention_layernorm(hidden))
