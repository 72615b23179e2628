"""Checkpoints of LeRobot up to 0.3.3, which kept statistics among the weights and had no processor files.

    normalize_inputs.buffer_observation_state.{mean,std}     unnormalize_outputs.buffer_action.{mean,std}
    normalize_targets.buffer_action.{mean,std}

Later releases ask for a migration; here they are read as they are, and saved in today's layout. Several robots' buffers
(`so100_buffer_action`, as in the first published base) keep their names and are nobody's `action`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from policy.configuration import SmolVLAConfig
from policy.processors import Processors
from policy.statistics import Statistics
from policy.tokenizer import load_tokenizer

PARTS = ("normalize_inputs.", "normalize_targets.", "unnormalize_targets.", "unnormalize_outputs.")
COMPILED = "_orig_mod."
"""What torch.compile leaves in names."""


def split_weights(tensors: Mapping[str, Tensor], config: SmolVLAConfig) -> tuple[dict[str, Tensor], Statistics]:
    """Returns the weights under their names of today, and the statistics that lay among them, {} in a checkpoint of today.

    Where inputs' and outputs' statistics of one feature differ the outputs' win: they make the robot's units.
    """
    features = {key.replace(".", "_"): key for key in config.input_features | config.output_features}
    weights: dict[str, Tensor] = {}
    statistics: Statistics = {}
    for name, tensor in tensors.items():
        part = next((part for part in PARTS if name.startswith(part)), None)
        if part is None:
            weights[name.replace(COMPILED, "")] = tensor
            continue
        buffer, _, statistic = name.removeprefix(part).rpartition(".")
        feature = features.get(buffer.removeprefix("buffer_"), buffer)
        if part == "unnormalize_outputs." or statistic not in statistics.get(feature, {}):
            statistics.setdefault(feature, {})[statistic] = tensor.float()
    return weights, statistics


def old_processors(folder: Path, config: SmolVLAConfig, statistics: Statistics) -> Processors:
    """Returns the processors that those releases built from the configuration alone."""
    return Processors(config, load_tokenizer(config.vlm_model_name, beside=folder), statistics)
