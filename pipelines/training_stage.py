"""How training becomes a stage. `training.train` resumes by itself and puts its result in place whole; here it gets its mixture."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.errors import TrainingError
from data_contracts.layout import Lake
from data_contracts.manifests import CorpusManifest, TrainingRun
from data_contracts.stages import folder_digest
from pipelines.progress import is_worth_telling

if TYPE_CHECKING:
    from training.recipes import Recipe
    from training.train import Progress

CPU_POLICY = "small"


@dataclass(frozen=True)
class TrainedStage:
    """A finished training; `is_cached` when it had been finished before."""

    run: TrainingRun
    is_cached: bool


def train_stage(
    folder: Path,
    recipe: Recipe,
    episodes: pl.DataFrame,
    lake: Lake,
    base: Path | None,
    approved_budget_hours: float,
    tell: Callable[[str], None],
) -> TrainedStage:
    """Makes sure that `folder` holds what the recipe makes of the episodes; goes on where a stopped training left off.

    Raises:
        TrainingError: the recipe is for a GPU and nobody approved its hours.
    """
    from training.mixture import open_mixture
    from training.train import train

    if recipe.policy != CPU_POLICY and approved_budget_hours <= 0:
        raise TrainingError(
            f"Recipe {recipe.name} trains {recipe.policy}, which needs a GPU, and no hours were approved.",
            hint="Launch it with the run configuration approved_budget_hours: N.",
        )
    corpus_hash = CorpusManifest.read(lake.corpus / "manifest.json").digest()
    mixture = open_mixture(episodes, lake, recipe, corpus_hash)
    before = folder_digest(folder)
    run = train(recipe, mixture, folder, base, on_progress=_reporter(tell))
    return TrainedStage(run, is_cached=before is not None and before == folder_digest(folder))


def read_losses(folder: Path) -> list[float]:
    """Returns the losses of a training in the order in which they were logged."""
    path = folder / "metrics.jsonl"
    return [json.loads(line)["loss"] for line in path.read_text().splitlines()] if path.exists() else []


def _reporter(tell: Callable[[str], None]) -> Callable[[Progress], None]:
    told = ""

    def report(progress: Progress) -> None:
        nonlocal told
        where = f"{progress.stage} {progress.done} of {progress.total}"
        # Reading rows takes a moment; decoding pictures and training take minutes.
        if progress.stage == "reading" or where == told or not is_worth_telling(progress.done, progress.total):
            return
        told = where
        tell(where if progress.loss is None else f"{where}, loss {progress.loss:.3f}")

    return report
