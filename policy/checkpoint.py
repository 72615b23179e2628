"""A policy on disk: LeRobot's `pretrained_model/` folder, complete and offline.

    config.json, model.safetensors          configuration and weights
    policy_preprocessor.json, ...           processors (`policy.processor_files`)
    vlm/                                    architecture and tokenizer, where they are not the published ones

`vlm_model_name` is then "vlm", relative to the folder. LeRobot resolves it against its working directory: run it inside the
folder, or override `vlm_model_name` and the tokenizer step's `tokenizer_name`. Under transformers 4.55 to 4.57 LeRobot must
also run the vision tower in bfloat16: in float32 those releases misplace patches (transformers issue 41190), and actions
differ. Optimiser states belong to training.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from data_contracts.errors import PolicyError
from data_contracts.stages import remove_folder, replace_folder, write_text
from policy.configuration import BUNDLED_VLM, PUBLISHED_VLM, SmolVLAConfig
from policy.model import SmolVLAPolicy
from policy.old_checkpoints import old_processors, split_weights
from policy.processor_files import has_processors, load_processors, save_processors
from policy.processors import Processors
from policy.vlm import read_vlm_config
from policy.vlm_files import save_vlm

CONFIG = "config.json"
WEIGHTS = "model.safetensors"


def save_checkpoint(folder: Path, policy: SmolVLAPolicy, processors: Processors) -> None:
    """Writes the folder whole or not at all, in the place of what was there.

    Raises:
        PolicyError: no statistics for `action` or `observation.state`.
    """
    folder = Path(folder)
    processors.require_statistics(f"{folder} cannot be saved: what is to be saved")
    scratch = folder.with_name(f".{folder.name}.partial")
    remove_folder(scratch)
    scratch.mkdir(parents=True)
    config = policy.config
    if config.vlm_model_name != PUBLISHED_VLM:
        config = replace(config, vlm_model_name=BUNDLED_VLM, load_vlm_weights=False)
        save_vlm(scratch / BUNDLED_VLM, policy.architecture, processors.tokenizer)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in policy.state_dict().items()}
    save_file(weights, scratch / WEIGHTS, metadata={"format": "pt"})
    save_processors(scratch, processors, tokenizer_name=config.vlm_model_name)
    write_text(scratch / CONFIG, json.dumps(config.to_json(), indent=4) + "\n")
    replace_folder(folder, scratch)


def load_checkpoint(
    folder: Path, *, device: str = "cpu", for_training: bool = False
) -> tuple[SmolVLAPolicy, Processors]:
    """Returns the policy, in evaluation mode and float32 whatever the file's types, and its processors.

    Checkpoints from before processor files are read too (`policy.old_checkpoints`).

    Args:
        for_training: accept a checkpoint without usable statistics (the published base is one); they must then be supplied
            with `Processors.with_statistics` before anything acts or is saved.

    Raises:
        PolicyError: a file is missing, a tensor is missing, unexpected or of another shape (named), or statistics for
            exactly `action` or `observation.state` are missing.
    """
    folder = Path(folder)
    config = read_config(folder)
    weights, statistics = split_weights(_read_weights(folder / WEIGHTS), config)
    if statistics and not has_processors(folder):
        processors = old_processors(folder, config, statistics)
        if not for_training:
            processors.require_statistics(str(folder / WEIGHTS))
    else:
        processors = load_processors(folder, config, for_training)
    with torch.device("meta"):
        policy = SmolVLAPolicy(config, read_vlm_config(config.vlm_model_name, beside=folder))
    _assign(policy, weights, folder / WEIGHTS)
    return policy.to(device).eval(), replace(processors, device=device)


def read_config(folder: Path) -> SmolVLAConfig:
    """Returns the configuration of a checkpoint, or raises PolicyError."""
    path = Path(folder) / CONFIG
    try:
        return SmolVLAConfig.from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise PolicyError(f"{folder} holds no {CONFIG}.", hint="Point at a pretrained_model folder.") from error
    except ValueError as error:
        raise PolicyError(f"{path} is not JSON: {error}.", hint="The checkpoint is damaged: get it again.") from error


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise PolicyError(
            f"{path} cannot be read: {error}", hint="The checkpoint is incomplete: get it again."
        ) from error


def _assign(policy: SmolVLAPolicy, weights: Mapping[str, Tensor], path: Path) -> None:
    """Gives the policy, built without storage, exactly the tensors of the file."""
    expected = policy.state_dict()
    problems = [f"missing {name}" for name in expected if name not in weights]
    problems += [f"unexpected {name}" for name in weights if name not in expected]
    problems += [
        f"{name} is {tuple(weights[name].shape)}, expected {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in weights and weights[name].shape != tensor.shape
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise PolicyError(f"{path} does not fit config.json: {'; '.join(problems[:3])}{more}.")
    policy.load_state_dict({name: tensor.float() for name, tensor in weights.items()}, assign=True)
