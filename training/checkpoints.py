"""Checkpoints of a run, in LeRobot's folders, each written whole or not at all.

    checkpoints/<step>/pretrained_model/   the averaged weights, ready to act with
    checkpoints/<step>/adapter/            its adapters alone, of a LoRA fine-tune
    checkpoints/<step>/training_state/     what goes on from here: weights, their average, the optimiser, the step
    checkpoints/last                       link to the newest
    checkpoints/best-<step>/               the policy (and adapter) with the lowest validation loss, where the recipe is patient

Batches, noise and times are functions of the step, so there is no random state to keep.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from data_contracts.errors import TrainingError
from data_contracts.stages import remove_folder, replace_folder, write_json
from training.out_folder import flush_to_disk, saving
from training.run import Run

FOLDER, LAST, STATE = "checkpoints", "last", "training_state"
BEST = "best-"
MOMENTS = ("exp_avg", "exp_avg_sq", "step")

Named = dict[str, Tensor]


def save(run: Run, out: Path, step: int, digest: str) -> None:
    """Writes the checkpoint after `step` steps, points `last` at it and removes all but the newest that the recipe keeps.

    Args:
        digest: of everything that went into the run; only the same run may go on from here.

    Raises:
        TrainingError: it cannot be written, for want of room mostly; `last` is then what it was.
    """
    folder = out / FOLDER / f"{step:06d}"
    scratch = folder.with_name(f".{folder.name}.partial")
    try:
        with saving(folder):
            remove_folder(scratch)
            _write(run, scratch, step, digest)
            flush_to_disk(scratch)
            replace_folder(folder, scratch)
            _point(out / FOLDER / LAST, folder.name)
    finally:
        remove_folder(scratch)
    for old in _steps(out)[: -run.recipe.keep_checkpoints]:
        shutil.rmtree(out / FOLDER / f"{old:06d}")


def save_best(run: Run, out: Path, step: int) -> None:
    """Writes the averaged weights after `step` steps as the best so far. Those before stay until the next checkpoint is written,
    because a run that is killed goes back behind this step.

    Raises:
        TrainingError: they cannot be written.
    """
    with saving(best_folder(out, step)):
        run.save_policy(best_folder(out, step))


def best_folder(out: Path, step: int) -> Path:
    """Returns where the weights of the best validation are kept."""
    return out / FOLDER / f"{BEST}{step:06d}"


def forget_other_bests(out: Path, step: int) -> None:
    """Removes all best weights but those of `step`."""
    for folder in (out / FOLDER).glob(f"{BEST}*"):
        if folder != best_folder(out, step):
            shutil.rmtree(folder)


def num_bytes(run: Run) -> int:
    """Returns about how much one checkpoint takes."""
    policy = sum(value.nbytes for value in run.policy.state_dict().values())
    return policy + 4 * sum(parameter.nbytes for parameter in run.parameters.values())


def _write(run: Run, folder: Path, step: int, digest: str) -> None:
    state = folder / STATE
    state.mkdir(parents=True)
    run.save_policy(folder)
    _save(state / "weights.safetensors", run.parameters)
    if run.average.decay:
        _save(state / "average.safetensors", dict(zip(run.parameters, run.average.weights, strict=True)))
    moments = {
        f"{name}.{moment}": run.optimiser.state[parameter][moment]
        for name, parameter in run.parameters.items()
        for moment in MOMENTS
        if parameter in run.optimiser.state
    }
    _save(state / "optimizer_state.safetensors", moments)
    write_json(state / "training_step.json", {"step": step, "digest": digest})


def resumable_step(out: Path, digest: str) -> int:
    """Returns how many steps the last checkpoint of this very run has done; 0 where there is none."""
    path = out / FOLDER / LAST / STATE / "training_step.json"
    if not path.exists():
        return 0
    found = json.loads(path.read_text(encoding="utf-8"))
    return int(found["step"]) if found["digest"] == digest else 0


def restore(run: Run, out: Path) -> None:
    """Puts the last checkpoint's weights, average and optimiser state in place.

    Raises:
        TrainingError: a file is missing or does not fit.
    """
    state = out / FOLDER / LAST / STATE
    try:
        weights, moments = (load_file(state / f"{name}.safetensors") for name in ("weights", "optimizer_state"))
        averaged = load_file(state / "average.safetensors") if run.average.decay else weights
        with torch.no_grad():
            for target, (name, parameter) in zip(run.average.weights, run.parameters.items(), strict=True):
                parameter.copy_(weights[name])
                target.copy_(averaged[name])
                if f"{name}.step" in moments:
                    run.optimiser.state[parameter] = _moments(moments, name, parameter)
        run.settle()
    except (OSError, KeyError, RuntimeError, SafetensorError) as error:
        raise TrainingError(
            f"The checkpoint {state} cannot be resumed: {error}.", hint=f"Remove {out / FOLDER} to start over."
        ) from error


def discard(out: Path) -> None:
    """Removes the checkpoints of a run with other inputs: nothing can go on from them."""
    remove_folder(out / FOLDER)


def _moments(moments: Named, name: str, parameter: Tensor) -> dict[str, Tensor]:
    """AdamW keeps its step where the weights are, because it is fused."""
    return {moment: moments[f"{name}.{moment}"].to(parameter.device) for moment in MOMENTS}


def _save(path: Path, tensors: Named) -> None:
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path)


def _point(link: Path, target: str) -> None:
    fresh = link.with_name(f".{link.name}.partial")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


def _steps(out: Path) -> list[int]:
    return sorted(int(path.name) for path in (out / FOLDER).iterdir() if path.name.isdigit())
