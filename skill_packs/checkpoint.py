"""What a checkpoint folder in LeRobot's layout (`pretrained_model/`) must be before it may be sold, and what it says.

Read from file headers and JSON only: neither torch nor the model is needed. Loading and running a policy is `policy`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.errors import PackError
from skill_packs.layout import CONFIG, README, WEIGHTS, walk

if TYPE_CHECKING:
    import numpy as np

ACTION = "action"
STATE = "observation.state"
PREPROCESSOR = "policy_preprocessor.json"
POSTPROCESSOR = "policy_postprocessor.json"
ALLOWED_SUFFIXES = (".json", ".safetensors", ".txt")
"""Data only. Pickles, code and templates run something on the buyer's machine; none is ever packed."""
FORBIDDEN_KEYS = ("auto_map", "trust_remote_code", "chat_template")
"""JSON entries by which Transformers runs code or a template that travels with the model."""


@dataclass(frozen=True)
class Checkpoint:
    """`files` are the relative paths to pack. `statistics` are those that actions are un-normalised with."""

    folder: Path
    files: tuple[str, ...]
    num_parameters: int
    weights_bytes: int
    statistics: dict[str, np.ndarray]
    input_cameras: tuple[str, ...]
    num_action_steps: int | None


def read_checkpoint(folder: Path) -> Checkpoint:
    """Returns what a checkpoint holds.

    Raises:
        PackError: a file is missing or of a kind that is never packed, the weights are not safetensors, or statistics
            are not there under exactly `action` and `observation.state`. LeRobot passes such a feature through without
            normalising it, and the robot gets nonsense (huggingface/lerobot#4415).
    """
    if not folder.is_dir():
        raise PackError(f"There is no checkpoint at {folder}.", hint="Train the skill first.")
    files = tuple(sorted(path for path in walk(folder) if path != README and not path.endswith(".jinja")))
    for name in (CONFIG, WEIGHTS, PREPROCESSOR, POSTPROCESSOR):
        if name not in files:
            raise PackError(f"{folder} lacks {name}.", hint="Save it in LeRobot's layout (0.4 or newer).")
    for path in files:
        _check_kind(folder, path)
    config = _read_json(folder / CONFIG)
    shapes = _shapes(folder / WEIGHTS)
    return Checkpoint(
        folder=folder,
        files=files,
        num_parameters=sum(prod(shape) for shape in shapes.values()),
        weights_bytes=(folder / WEIGHTS).stat().st_size,
        statistics=read_statistics(folder),
        num_action_steps=num_action_steps(folder),
        input_cameras=tuple(
            sorted(key for key in config.get("input_features", {}) if key.startswith("observation.images."))
        ),
    )


def read_statistics(folder: Path) -> dict[str, np.ndarray]:
    """Returns the statistics that a checkpoint or pack normalises with, by `<feature>.<statistic>`.

    Raises:
        PackError: they are not there under exactly `action` and `observation.state`, before the policy and after it.
    """
    config = _read_json(folder / CONFIG)
    before = _statistics(folder, PREPROCESSOR, "normalizer_processor")
    after = _statistics(folder, POSTPROCESSOR, "unnormalizer_processor")
    _check_statistics(folder / PREPROCESSOR, before, config, (STATE, ACTION))
    _check_statistics(folder / POSTPROCESSOR, after, config, (ACTION,))
    return before


def num_action_steps(folder: Path) -> int | None:
    """Returns how many actions of a chunk a checkpoint or pack executes; None where config.json does not say."""
    steps = _read_json(folder / CONFIG).get("n_action_steps")
    return steps if isinstance(steps, int) and steps >= 1 else None


def _check_kind(folder: Path, path: str) -> None:
    if not path.endswith(ALLOWED_SUFFIXES):
        raise PackError(
            f"{path} in {folder} is none of {', '.join(ALLOWED_SUFFIXES)}.",
            hint="A pack holds data only: weights as safetensors, no pickle, no code, no template.",
        )
    if path.endswith(".json"):
        found = _find_key(_read_json(folder / path))
        if found:
            raise PackError(
                f"{path} in {folder} has the entry {found!r}.", hint="A pack brings no code and no template."
            )


def _find_key(value: Any) -> str | None:
    if isinstance(value, dict):
        for key, child in value.items():
            if key in FORBIDDEN_KEYS and child:
                return key
            if found := _find_key(child):
                return found
    elif isinstance(value, list):
        return next((found for child in value if (found := _find_key(child))), None)
    return None


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as tensors:
            return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise PackError(f"{path} is not a safetensors file: {error}.", hint="Save the weights again.") from error


def _statistics(folder: Path, pipeline: str, step_name: str) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    steps = _read_json(folder / pipeline).get("steps", [])
    names = [step.get("state_file") for step in steps if step.get("registry_name") == step_name]
    if len(names) != 1 or not names[0]:
        raise PackError(f"{folder / pipeline} has no {step_name} with statistics.", hint="Save the processors again.")
    path = folder / Path(names[0]).name
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise PackError(f"{path} cannot be read: {error}.", hint="Save the processors again.") from error


def _check_statistics(
    source: Path, statistics: dict[str, np.ndarray], config: dict[str, Any], features: tuple[str, ...]
) -> None:
    import numpy as np

    declared = {**config.get("input_features", {}), **config.get("output_features", {})}
    for feature in features:
        size = tuple(declared.get(feature, {}).get("shape", ()))
        for name in ("mean", "std"):
            value = statistics.get(f"{feature}.{name}")
            if value is None:
                raise PackError(
                    f"{source} has no statistics under exactly {feature}.{name} "
                    f"(it has: {', '.join(sorted(statistics)) or 'none'}).",
                    hint="Train with statistics of the data; without them the policy is not normalised.",
                )
            if value.shape != size or not np.isfinite(value).all():
                raise PackError(f"{source}: {feature}.{name} is not {size} finite numbers.", hint="Compute it again.")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PackError(f"{path} is not JSON: {error}.", hint="Save the checkpoint again.") from error
