"""Statistics that normalise: a mean and a standard deviation per value of each feature, and what is done with them.

They travel as safetensors under `<feature>.<statistic>`, as LeRobot writes them, and may hold more than is used (min, max,
quantiles, cameras). Computing them from data belongs to the datasets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from data_contracts.errors import PolicyError

EPSILON = 1e-8

Statistics = dict[str, dict[str, Tensor]]


def statistics_of(values: Mapping[str, Mapping[str, Any]]) -> Statistics:
    """Returns float32 statistics from nested arrays or lists, such as a dataset's meta/stats.json."""
    return {
        feature: {name: torch.as_tensor(value, dtype=torch.float32) for name, value in entries.items()}
        for feature, entries in values.items()
    }


def flat(statistics: Statistics) -> dict[str, Tensor]:
    """Returns `<feature>.<statistic>` -> tensor."""
    return {f"{feature}.{name}": value for feature, entries in statistics.items() for name, value in entries.items()}


def nested(tensors: Mapping[str, Tensor]) -> Statistics:
    """Returns what `flat` was given."""
    statistics: Statistics = {}
    for key, value in tensors.items():
        feature, _, name = key.rpartition(".")
        statistics.setdefault(feature, {})[name] = value.float()
    return statistics


def require(statistics: Statistics, dimensions: Mapping[str, int], where: str) -> None:
    """Makes sure that each feature has finite statistics of its size under exactly its own name.

    LeRobot passes a feature through unchanged when its name is missing, and the robot gets normalised numbers for degrees:
    the published base does so, whose statistics are named after datasets. Nothing here acts or saves without them.
    """
    for feature, size in dimensions.items():
        entries = statistics.get(feature, {})
        for name in ("mean", "std"):
            value = entries.get(name)
            if value is None:
                raise PolicyError(
                    f"{where} has no {name} for exactly {feature!r} (it has: {', '.join(sorted(statistics)) or 'none'}).",
                    hint="Supply the training data's statistics; without them actions are not in the robot's units.",
                )
            if tuple(value.shape) != (size,) or not bool(torch.isfinite(value).all()):
                raise PolicyError(
                    f"{where}: {feature}.{name} has shape {tuple(value.shape)} or non-finite values, expected ({size},).",
                    hint="Compute the statistics again from the training data.",
                )


def normalise(value: Tensor, entries: Mapping[str, Tensor]) -> Tensor:
    """Returns (value - mean) / (std + 1e-8) over the last axis."""
    mean, std = (entries[name].to(value.device, value.dtype) for name in ("mean", "std"))
    return (value - mean) / (std + EPSILON)


def unnormalise(value: Tensor, entries: Mapping[str, Tensor]) -> Tensor:
    """Returns value * std + mean over the last axis; as in the reference no epsilon, so this is not an exact inverse."""
    mean, std = (entries[name].to(value.device, value.dtype) for name in ("mean", "std"))
    return value * std + mean
