"""Processors on disk, in LeRobot's layout: one JSON per pipeline, one safetensors file per step that has a state.

policy_preprocessor.json        policy_preprocessor_step_5_normalizer_processor.safetensors
policy_postprocessor.json       policy_postprocessor_step_0_unnormalizer_processor.safetensors
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from data_contracts.errors import PolicyError
from data_contracts.stages import write_json
from policy.configuration import ACTION, SmolVLAConfig
from policy.processors import MODES, Processors, pipeline_documents
from policy.statistics import EPSILON, Statistics, flat, nested
from policy.tokenizer import load_tokenizer

_STATEFUL = ("normalizer_processor", "unnormalizer_processor")


def save_processors(folder: Path, processors: Processors, tokenizer_name: str) -> None:
    """Writes both pipelines. Refuses to without statistics for `action` and `observation.state`."""
    processors.require_statistics("What is to be saved")
    tensors = {key: value.clone().contiguous() for key, value in flat(processors.statistics).items()}  # none shared
    for pipeline, steps in pipeline_documents(processors, tokenizer_name).items():
        entries = []
        for index, (name, config) in enumerate(steps):
            entry: dict[str, Any] = {"registry_name": name, "config": config}
            if name in _STATEFUL:
                entry["state_file"] = f"{pipeline}_step_{index}_{name}.safetensors"
                save_file(tensors, folder / entry["state_file"])
            entries.append(entry)
        write_json(folder / f"{pipeline}.json", {"name": pipeline, "steps": entries})


def has_processors(folder: Path) -> bool:
    """Returns whether the checkpoint holds processor files: those of LeRobot before 0.4 do not."""
    return (folder / "policy_preprocessor.json").is_file()


def load_processors(folder: Path, config: SmolVLAConfig, for_training: bool = False) -> Processors:
    """Returns the processors of a checkpoint.

    Args:
        for_training: accept missing statistics, which must be supplied before anything acts or is saved.

    Raises:
        PolicyError: other steps than SmolVLA's, or statistics that are missing or differ between the pipelines.
    """
    before, after = _read(folder, "policy_preprocessor"), _read(folder, "policy_postprocessor")
    words = before["tokenizer_processor"]["config"]
    config = replace(config, tokenizer_max_length=words["max_length"], pad_language_to=words["padding"])
    statistics = _statistics(folder, before["normalizer_processor"])
    processors = Processors(
        config=config,
        tokenizer=load_tokenizer(words["tokenizer_name"], beside=folder),
        statistics=statistics,
        rename_map=dict(before["rename_observations_processor"]["config"].get("rename_map") or {}),
    )
    if not for_training:
        processors.require_statistics(f"{folder}")
        _require_same_action(folder, statistics, _statistics(folder, after["unnormalizer_processor"]))
    return processors


def _read(folder: Path, pipeline: str) -> dict[str, dict[str, Any]]:
    """Returns the steps of a pipeline by registry name, having checked that they are SmolVLA's, in order."""
    path = folder / f"{pipeline}.json"
    try:
        steps = {step["registry_name"]: step for step in json.loads(path.read_text(encoding="utf-8"))["steps"]}
    except FileNotFoundError as error:
        raise PolicyError(
            f"{path} is missing.", hint="Checkpoints older than LeRobot 0.4 need its migration."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise PolicyError(f"{path} is not a processor pipeline: {error!r}.") from error
    expected = _ORDER[pipeline]
    if tuple(steps) != expected:
        raise PolicyError(f"{path} has the steps {', '.join(steps)}.", hint=f"SmolVLA's are {', '.join(expected)}.")
    for name in _STATEFUL:
        found = steps.get(name, {}).get("config", {})
        if found and (found["norm_map"] != MODES or found["eps"] != EPSILON):
            raise PolicyError(f"{path}: {name} normalises with {found['norm_map']}, eps {found['eps']}.")
    return steps


def _statistics(folder: Path, step: dict[str, Any]) -> Statistics:
    if "state_file" not in step:
        return {}
    path = folder / Path(step["state_file"]).name
    try:
        return nested(load_file(path))
    except (OSError, SafetensorError) as error:
        raise PolicyError(
            f"{path} cannot be read: {error}", hint="The checkpoint is incomplete: get it again."
        ) from error


def _require_same_action(folder: Path, before: Statistics, after: Statistics) -> None:
    for name in ("mean", "std"):
        theirs = after.get(ACTION, {}).get(name)
        if theirs is None or not before[ACTION][name].equal(theirs):
            raise PolicyError(
                f"{folder}: the unnormaliser's {ACTION}.{name} is not the normaliser's.",
                hint="Both files must hold the statistics that the policy was trained with.",
            )


_ORDER = {
    "policy_preprocessor": (
        "rename_observations_processor", "to_batch_processor", "smolvla_new_line_processor", "tokenizer_processor",
        "device_processor", "normalizer_processor",
    ),
    "policy_postprocessor": ("unnormalizer_processor", "device_processor"),
}  # fmt: skip
