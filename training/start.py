"""The policy that a run starts from: fresh weights, or a base made to fit the mixture's robots and cameras.

Belongs here: from recipe, mixture and base to (policy, processors). Not here: anything that changes weights.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from data_contracts.errors import TrainingError
from policy.checkpoint import load_checkpoint
from policy.configuration import ACTION, STATE, Feature, SmolVLAConfig, base_450m
from policy.model import SmolVLAPolicy
from policy.processors import Processors
from policy.small import new_small_policy
from policy.statistics import Statistics
from policy.tokenizer import load_tokenizer
from training.batches import camera_key
from training.mixture import Mixture
from training.recipes import Recipe

PRETRAINED_MODEL = "pretrained_model"


def base_folder(recipe: Recipe, base: Path | None) -> Path | None:
    """Returns the checkpoint to start from, or None for fresh weights. A training run's folder stands for its result."""
    folder = base if base is not None else None if recipe.policy in ("small", "base_450m") else Path(recipe.policy)
    if folder is None:
        return None
    folder = folder / PRETRAINED_MODEL if (folder / PRETRAINED_MODEL).is_dir() else folder
    if not folder.is_dir():
        raise TrainingError(f"There is no base policy at {folder}.", hint="Run the pretraining first.")
    return folder


def start_policy(
    recipe: Recipe, mixture: Mixture, base: Path | None, state_dim: int, action_dim: int, statistics: Statistics
) -> tuple[SmolVLAPolicy, Processors]:
    """Returns the policy with what the recipe freezes frozen, and processors with the mixture's statistics.

    Args:
        base: a `pretrained_model` folder, or None.
        state_dim, action_dim: the widest of the mixture.

    Raises:
        PolicyError: the base cannot be read, or takes shorter vectors than the mixture has.
        TrainingError: an override is no field of SmolVLAConfig.
    """
    cameras = {camera_key(slot): (3, *_camera_shape(mixture, slot)) for slot in mixture.used_slots}
    changes = recipe.policy_overrides | {
        "freeze_vision_encoder": recipe.freeze_vision,
        "train_expert_only": recipe.freeze_vlm,
    }
    try:
        if base is not None:
            return _adapted(base, cameras, state_dim, action_dim, statistics, changes)
        if recipe.policy == "small":
            return new_small_policy(
                cameras, state_dim, action_dim, mixture.labels, statistics, seed=recipe.seed, **changes
            )
        return _fresh_450m(cameras, state_dim, action_dim, statistics, recipe.seed, changes)
    except TypeError as error:
        raise TrainingError(
            f"Recipe {recipe.name}: policy_overrides do not fit: {error}.", hint="They are fields of SmolVLAConfig."
        ) from error


def _adapted(
    folder: Path,
    cameras: dict[str, tuple[int, int, int]],
    state_dim: int,
    action_dim: int,
    statistics: Statistics,
    changes: dict[str, Any],
) -> tuple[SmolVLAPolicy, Processors]:
    """Returns the base with other features. Its weights fit any: vectors are padded, camera slots share all weights."""
    loaded, processors = load_checkpoint(folder, for_training=True)
    if broken := [name for name, value in loaded.state_dict().items() if not value.isfinite().all()]:
        raise TrainingError(
            f"The base {folder} holds values that are not finite: {broken[0]}.", hint="Get or train it again."
        )
    config = replace(
        loaded.config,
        input_features={STATE: Feature("STATE", (state_dim,))}
        | {key: Feature("VISUAL", shape) for key, shape in cameras.items()},
        output_features={ACTION: Feature("ACTION", (action_dim,))},
        **changes,
    )
    policy = SmolVLAPolicy(config, loaded.architecture)
    policy.load_state_dict(loaded.state_dict())
    return policy, Processors(config, processors.tokenizer, statistics)


def _fresh_450m(
    cameras: dict[str, tuple[int, int, int]],
    state_dim: int,
    action_dim: int,
    statistics: Statistics,
    seed: int,
    changes: dict[str, Any],
) -> tuple[SmolVLAPolicy, Processors]:
    """Returns the published architecture: an expert with fresh weights beside the published SmolVLM2's."""
    config = base_450m(cameras, state_dim, action_dim, **changes)
    tokenizer = load_tokenizer(config.vlm_model_name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = SmolVLAPolicy(config)
    if config.load_vlm_weights:
        load_vlm_weights(policy, config)
    return policy, Processors(config, tokenizer, statistics)


def load_vlm_weights(policy: SmolVLAPolicy, config: SmolVLAConfig) -> None:
    """Gives the policy's vision-language model the weights that `config.vlm_model_name` names: a folder, or a Hub id.

    Raises:
        TrainingError: they cannot be had, or lack a tensor of the policy's model.
    """
    from transformers import SmolVLMForConditionalGeneration

    own = policy.model.vlm_with_expert.vlm
    try:
        published = SmolVLMForConditionalGeneration.from_pretrained(config.vlm_model_name, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"The weights of {config.vlm_model_name!r} cannot be had: {str(error).splitlines()[0]}",
            hint=f"Fetch them once: hf download {config.vlm_model_name}.",
        ) from error
    weights = published.state_dict()
    if missing := sorted(set(own.state_dict()) - set(weights)):
        raise TrainingError(f"{config.vlm_model_name!r} lacks {len(missing)} tensors, the first: {missing[0]}.")
    own.load_state_dict({name: weights[name] for name in own.state_dict()})


def _camera_shape(mixture: Mixture, slot: int) -> tuple[int, int]:
    first = next(episode for episode in mixture.episodes if episode.cameras[slot])
    return first.dataset.camera_shapes[str(first.cameras[slot])]
