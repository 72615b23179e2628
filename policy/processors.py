"""What happens to values before and after the model: names, batch axis, words, device, normalisation; and back.

LeRobot's two pipelines (`policy_preprocessor`, `policy_postprocessor`) with their fixed steps in their fixed order, written
in its JSON and safetensors layout. The same object serves training and acting, so that both see the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data_contracts.errors import PolicyError
from policy.configuration import ACTION, STATE, SmolVLAConfig
from policy.images import unit_pixels
from policy.model import FEATURES_SUFFIX, TOKENS, TOKENS_MASK
from policy.statistics import EPSILON, Statistics, normalise, require, unnormalise

TASK = "task"
MODES = {"VISUAL": "IDENTITY", "STATE": "MEAN_STD", "ACTION": "MEAN_STD"}
"""The normalisation of every published SmolVLA, and the only one computed here."""


@dataclass(frozen=True)
class Processors:
    """Pre- and postprocessing of one policy.

    Args:
        config: names the features, their sizes and the padding of words.
        tokenizer: as `policy.tokenizer` gives it.
        statistics: of the training data, at least for `action` and `observation.state`; may come later for training
            (`with_statistics`), but nothing acts or is saved before.
        rename_map: the data's name -> the policy's name, cameras mostly.
        device: where batches go.
    """

    config: SmolVLAConfig
    tokenizer: Any
    statistics: Statistics = field(default_factory=dict)
    rename_map: dict[str, str] = field(default_factory=dict)
    device: str = "cpu"

    def __post_init__(self) -> None:
        if (modes := self.config.normalization_mapping) != MODES:
            raise PolicyError(f"config.json: normalization_mapping is {modes}.", hint=f"Only {MODES} is supported.")

    def with_statistics(self, statistics: Statistics) -> Processors:
        """Returns the same processors with other statistics."""
        return replace(self, statistics=statistics)

    def require_statistics(self, where: str = "The policy's statistics") -> None:
        """Raises PolicyError unless `action` and `observation.state` have their statistics."""
        require(self.statistics, {STATE: self.config.state_dim, ACTION: self.config.action_dim}, where)

    def preprocess(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Returns a batch for `SmolVLAPolicy`; what it has no use for passes through.

        Args:
            batch: under the data's names. Cameras: uint8 (H, W, 3) or float (3, H, W) in [0, 1], or cached features;
                `observation.state` and `action` in the robot's units; `task`: a string, or one per sample, unless the words
                are there already. A single sample (no batch axis) becomes a batch of one.
        """
        self.require_statistics()
        renamed = {self.rename_map.get(key, key): value for key, value in batch.items()}
        words = self._words(renamed)
        prepared = {key: self._prepare(key, value) for key, value in renamed.items() if key != TASK}
        return prepared | words

    def tokenize(self, tasks: str | list[str]) -> tuple[Tensor, Tensor]:
        """Returns token ids (B, L) and their mask, bool (B, L). A newline ends every task, as the model was trained."""
        texts = [tasks] if isinstance(tasks, str) else list(tasks)
        encoded = self.tokenizer(
            [text if text.endswith("\n") else f"{text}\n" for text in texts],
            max_length=self.config.tokenizer_max_length, truncation=True, padding=self.config.pad_language_to,
            padding_side="right", return_tensors="pt",
        )  # fmt: skip
        return encoded["input_ids"].to(self.device), encoded["attention_mask"].bool().to(self.device)

    def postprocess(self, actions: Tensor) -> Tensor:
        """Returns actions (..., action_dim) in the robot's units, on the CPU."""
        self.require_statistics()
        return unnormalise(actions.float(), self.statistics[ACTION]).cpu()

    def _words(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        if TOKENS in batch and TOKENS_MASK in batch:
            return {}
        if not batch.get(TASK):
            raise PolicyError("The batch has no 'task'.", hint="Say in words what the robot is to do.")
        tokens, mask = self.tokenize(batch[TASK])
        return {TOKENS: tokens, TOKENS_MASK: mask}

    def _prepare(self, key: str, value: Any) -> Any:
        if key in self.config.camera_keys:
            pixels = unit_pixels(value, key).to(self.device)
            return pixels[None] if pixels.ndim == 3 else pixels
        if not isinstance(value, np.ndarray | Tensor):
            return value
        tensor = torch.as_tensor(value).to(self.device)
        if key in (STATE, ACTION):
            tensor = normalise(tensor.float(), self.statistics[key])
            return tensor[None] if tensor.ndim == 1 else tensor
        if key.endswith(FEATURES_SUFFIX) and key.removesuffix(FEATURES_SUFFIX) in self.config.camera_keys:
            return tensor[None] if tensor.ndim == 2 else tensor
        return tensor


def pipeline_documents(processors: Processors, tokenizer_name: str) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Returns the steps of both pipelines as LeRobot names and configures them: pipeline -> [(registry name, config)]."""
    config = processors.config
    features = {
        key: {"type": feature.type, "shape": list(feature.shape)}
        for key, feature in (config.input_features | config.output_features).items()
    }
    words = {
        "max_length": config.tokenizer_max_length, "task_key": TASK, "padding_side": "right",
        "padding": config.pad_language_to, "truncation": True, "tokenizer_name": tokenizer_name,
    }  # fmt: skip
    actions = {key: features[key] for key in config.output_features}
    return {
        "policy_preprocessor": [
            ("rename_observations_processor", {"rename_map": processors.rename_map}),
            ("to_batch_processor", {}),
            ("smolvla_new_line_processor", {}),
            ("tokenizer_processor", words),
            ("device_processor", {"device": config.device or "cpu", "float_dtype": None}),
            ("normalizer_processor", {"eps": EPSILON, "features": features, "norm_map": MODES}),
        ],
        "policy_postprocessor": [
            ("unnormalizer_processor", {"eps": EPSILON, "features": actions, "norm_map": MODES}),
            ("device_processor", {"device": "cpu", "float_dtype": None}),
        ],
    }
