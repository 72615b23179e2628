"""The run: from a recipe, a mixture and perhaps a base to a policy. Can be stopped at any moment and goes on where it was.

    <out>/checkpoints/       while it runs (training.checkpoints)
    <out>/metrics.jsonl      loss, learning rate, gradient norm, validation loss (training.metrics)
    <out>/pretrained_model/  the result: averaged weights in LeRobot's layout, the best ones where the recipe is patient
    <out>/adapter/           the adapters alone, of a LoRA fine-tune (training.lora)
    <out>/stage.json         digest of everything that went in
    <out>/training_run.json  how it came to be (TrainingRun); written last

On a CPU with the same number of threads, an interrupted run ends in the same bytes as an uninterrupted one.
"""

from __future__ import annotations

import math
import shutil
import time
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import torch

from data_contracts import stages
from data_contracts.errors import TrainingError
from data_contracts.manifests import TrainingRun
from data_contracts.stages import digest_of, file_sha256, folder_digest, remove_folder, replace_folder, write_json
from training import checkpoints
from training.batches import Share
from training.camera_cache import DEFAULT_BUDGET_BYTES
from training.frame_encoders import PIXELS
from training.lora import FOLDER as ADAPTER
from training.memory import keep_freed_memory
from training.metrics import Metrics
from training.mixture import Mixture
from training.optimiser import learning_rate
from training.out_folder import folder_bytes, only_training, require_room, saving
from training.processes import join_processes
from training.read_ahead import read_ahead
from training.recipes import Recipe
from training.run import OnProgress, Progress, Run, prepare
from training.start import PRETRAINED_MODEL, base_folder
from training.step import take_step
from training.stopping import VALIDATION_LOSS, best_validation, has_stalled, require_convergence
from training.validation import validation_loss

CODE_VERSION = "training-2"
"""Raised when the same inputs would give other weights."""
RUN_FILE = "training_run.json"


def train(
    recipe: Recipe,
    mixture: Mixture,
    out: Path,
    base: Path | None = None,
    *,
    on_progress: OnProgress | None = None,
    max_steps: int | None = None,
    device: str | None = None,
    cache_budget_bytes: int = DEFAULT_BUDGET_BYTES,
) -> TrainingRun:
    """Makes sure that `out` holds what this recipe makes of this mixture, and returns how it came to be.

    A finished run with the same inputs is returned as it is; an unfinished one goes on; anything else in `out` is replaced,
    though a finished result only at the end.

    Args:
        base: a training run's folder or a `pretrained_model`; its weights are the start, in place of `recipe.policy`.
        on_progress: called at every episode read and every step; what it raises stops the run, which can then be resumed.
        max_steps: stop after so many of the recipe's steps with a checkpoint and a result. The schedule stays the recipe's.
        device: "cpu" or "cuda"; by default a GPU where there is one.

    Raises:
        TrainingError: the loss explodes or is no number any more (names the step), the mixture does not fit the disk budget, a
            checkpoint cannot be written, another training writes into `out`, ...
        PolicyError: the base cannot be read or does not fit.
    """
    folder = base_folder(recipe, base)
    inputs = _inputs(recipe, mixture, folder)
    digest = digest_of(inputs)
    num_steps = max(min(recipe.steps, max_steps or recipe.steps), checkpoints.resumable_step(out, digest))
    if folder_digest(out) == digest and (finished := _finished(out)) and _is_enough(finished, num_steps):
        return finished
    report = on_progress or (lambda progress: None)
    device = choose_device(device)
    processes, device = join_processes(device)
    keep_freed_memory()
    with only_training(out) if processes.is_first else nullcontext():
        run = prepare(recipe, mixture, folder, device, cache_budget_bytes, report, processes)
        with closing(run):
            _require_room(run, out)
            metrics = _train(run, out, digest, num_steps, report)
        with processes.first_before_others():
            return _finish(run, out, inputs, metrics) if processes.is_first else TrainingRun.read(out / RUN_FILE)


def digest_of_run(recipe: Recipe, mixture: Mixture, base: Path | None) -> str:
    """Returns the digest of everything that decides a run's weights. A run in a folder with another one is not gone on with."""
    return digest_of(_inputs(recipe, mixture, base_folder(recipe, base)))


def choose_device(wanted: str | None) -> str:
    """Returns the device that is asked for, or a GPU where there is one, or the CPU.

    Raises:
        TrainingError: there is no such device here.
    """
    has_gpu = torch.cuda.is_available()
    if wanted and not (wanted == "cpu" or (wanted.split(":")[0] == "cuda" and has_gpu)):
        raise TrainingError(
            f"There is no device {wanted!r} here.", hint=f"There is cpu{' and cuda' if has_gpu else ''}."
        )
    return wanted or ("cuda" if has_gpu else "cpu")


def _inputs(recipe: Recipe, mixture: Mixture, base: Path | None) -> dict[str, Any]:
    """Returns what decides the weights. How often checkpoints are written does not, and may change between runs; nor does a
    field at its default, so that a new one makes no run anew."""
    settings = recipe.model_dump(mode="json", exclude={"save_every", "keep_checkpoints"}, exclude_defaults=True)
    stored = {} if recipe.cache_image_tokens else {"pixels": PIXELS}
    return stored | {
        "recipe": settings,
        "mixture": mixture.digest(),
        "base": file_sha256(base / "model.safetensors") if base else None,
        "code": CODE_VERSION,
    }


def _is_enough(finished: TrainingRun, num_steps: int) -> bool:
    return finished.num_steps >= num_steps or finished.has_stalled


def _finished(out: Path) -> TrainingRun | None:
    return TrainingRun.read(out / RUN_FILE) if (out / RUN_FILE).exists() else None


def _require_room(run: Run, out: Path) -> None:
    """All checkpoints that are kept, one more while it is written, and the result (and the best weights) beside what it replaces."""
    needed = (run.recipe.keep_checkpoints + 1) * checkpoints.num_bytes(run)
    needed += (4 if run.recipe.patience else 2) * sum(value.nbytes for value in run.policy.state_dict().values())
    require_room(out, max(needed - folder_bytes(out), 0))


def _train(run: Run, out: Path, digest: str, num_steps: int, report: OnProgress) -> Metrics:
    """Takes the steps that are left, and returns the metrics of all. The run ends early when its validation has stalled."""
    recipe = run.recipe
    done = _resume(run, out, digest)
    metrics = Metrics(out, resumed_at=done, writes=run.processes.is_first)
    if has_stalled(recipe, metrics.lines):
        return metrics
    started = time.perf_counter()
    share = Share(run.processes.rank, run.processes.count, recipe.accumulate)
    for step, parts in read_ahead((step, run.batches.parts(step, share)) for step in range(done, num_steps)):
        loss, norm = take_step(run, step, parts)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise TrainingError(
                f"Training {recipe.name} diverged: the loss at step {step + 1} is {loss}, its gradient's norm {norm}.",
                hint=f"Lower learning_rate, or look at the data; {out / checkpoints.FOLDER} holds the last checkpoint, if any.",
            )
        metrics.add(loss)
        is_last = step + 1 == num_steps
        if (step + 1) % recipe.log_every == 0 or is_last:
            step_ms = 1000 * (time.perf_counter() - started) / (step + 1 - done)
            values = {"learning_rate": learning_rate(recipe, step), "gradient_norm": norm, "step_ms": round(step_ms, 1)}
            metrics.log(step + 1, **values, **_validate(run, step + 1))
            require_convergence(recipe, metrics.lines)
        has_ended = is_last or has_stalled(recipe, metrics.lines)
        if run.processes.is_first:
            _keep(run, out, step + 1, digest, metrics, has_ended=has_ended)
        report(Progress("training", step + 1, num_steps, loss, learning_rate(recipe, step), done))
        if has_ended:
            break
    return metrics


def _resume(run: Run, out: Path, digest: str) -> int:
    """Puts the last checkpoint in place, if it is of this very run, and returns how many steps it has done."""
    done = checkpoints.resumable_step(out, digest)
    run.processes.wait()
    if done:
        checkpoints.restore(run, out)
    elif run.processes.is_first:
        checkpoints.discard(out)
    return done


def _validate(run: Run, step: int) -> dict[str, float]:
    every = run.recipe.validate_every
    is_due = every and (step % every == 0 or step == run.recipe.steps)
    return {VALIDATION_LOSS: validation_loss(run)} if is_due else {}


def _keep(run: Run, out: Path, step: int, digest: str, metrics: Metrics, *, has_ended: bool) -> None:
    """Writes what a step leaves behind: the best weights where they are, and a checkpoint where one is due."""
    best = best_validation(metrics.lines) if run.recipe.patience else None
    if best and best["step"] == step:
        checkpoints.save_best(run, out, step)
    if step % run.recipe.save_every == 0 or has_ended:
        checkpoints.save(run, out, step, digest)
        if best:
            checkpoints.forget_other_bests(out, best["step"])


def _finish(run: Run, out: Path, inputs: dict[str, Any], metrics: Metrics) -> TrainingRun:
    """Puts the result in place. `training_run.json` goes first and comes back last, so it never stands beside other weights."""
    (out / RUN_FILE).unlink(missing_ok=True)
    best = best_validation(metrics.lines)
    with saving(out / PRETRAINED_MODEL):
        remove_folder(out / ADAPTER)
        if run.recipe.patience and best:
            for part in sorted(checkpoints.best_folder(out, best["step"]).iterdir()):
                _copy(part, out / part.name)
        else:
            run.save_policy(out)
        write_json(out / stages.MANIFEST, {"digest": digest_of(inputs), "inputs": inputs})
    finished = TrainingRun(
        name=run.recipe.name,
        kind=run.recipe.kind,
        recipe=run.recipe.model_dump(mode="json"),
        corpus_hash=run.mixture.corpus_hash,
        base_digest=inputs["base"],
        episodes=tuple(sorted({episode.episode_hash for episode in run.mixture.episodes})),
        num_frames=run.mixture.num_frames,
        num_steps=metrics.lines[-1]["step"],
        first_loss=metrics.first_loss,
        final_loss=metrics.final_loss,
        held_out=tuple(sorted({episode.episode_hash for episode in run.mixture.held_out})),
        validation=tuple((line["step"], line[VALIDATION_LOSS]) for line in metrics.lines if VALIDATION_LOSS in line),
        has_stalled=has_stalled(run.recipe, metrics.lines),
        weights_sha256=file_sha256(out / PRETRAINED_MODEL / "model.safetensors"),
        code_version=CODE_VERSION,
    )
    finished.write(out / RUN_FILE)
    return finished


def _copy(source: Path, target: Path) -> None:
    scratch = target.with_name(f".{target.name}.partial")
    remove_folder(scratch)
    shutil.copytree(source, scratch)
    replace_folder(target, scratch)
