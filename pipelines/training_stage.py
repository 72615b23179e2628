"""How training becomes a stage. `training.train` resumes by itself and puts its result in place whole; here it gets its mixture."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.catalogue import SKILL_INDEX
from data_contracts.errors import TrainingError
from data_contracts.layout import Lake
from data_contracts.manifests import CorpusManifest, TrainingRun
from data_contracts.stages import folder_digest
from pipelines.corpus_stage import make_mixture
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
    on_progress: Callable[[Progress], None],
    cache_gib: float = 50.0,
) -> TrainedStage:
    """Makes sure that `folder` holds what the recipe makes of the episodes; goes on where a stopped training left off.

    Args:
        approved_budget_hours: what a person allowed for this launch; without any, a recipe of a small policy may take its time.
        cache_gib: how much of the lake's disk decoded frames may take, in GiB.

    Raises:
        TrainingError: the recipe is for a GPU and nobody approved its hours; or these are used up, and it can be gone on with.
    """
    from training.mixture import open_mixture
    from training.train import train

    if recipe.policy != CPU_POLICY and approved_budget_hours <= 0:
        raise TrainingError(
            f"Recipe {recipe.name} trains {recipe.policy}, which needs a GPU, and no hours were approved.",
            hint="Launch it with the run configuration approved_budget_hours: N.",
        )
    mixture = open_mixture(episodes, lake, recipe, corpus_hash(lake))
    before = folder_digest(folder)
    within = budget_kept(recipe, approved_budget_hours * 3600) if approved_budget_hours > 0 else None

    def report(progress: Progress) -> None:
        on_progress(progress)
        if within:
            within(progress)

    run = train(recipe, mixture, folder, base, on_progress=report, cache_budget_bytes=int(cache_gib * 2**30))
    return TrainedStage(run, is_cached=before is not None and before == folder_digest(folder))


def budget_kept(recipe: Recipe, budget_s: float) -> Callable[[Progress], None]:
    """Returns an `on_progress` that stops a training at the last checkpoint that fits into the budget, decoding included."""
    started = time.monotonic()
    first_step = 0.0

    def check(progress: Progress) -> None:
        nonlocal first_step
        used = time.monotonic() - started
        if progress.loss is None:
            first_step = used
            if used <= budget_s:
                return
        else:
            step_s = (used - first_step) / max(progress.done - progress.resumed_at, 1)
            is_saved = progress.done % recipe.save_every == 0 and progress.done < progress.total
            coming = min(recipe.save_every, progress.total - progress.done) * step_s
            if not is_saved or used + coming <= budget_s:
                return
        raise TrainingError(
            f"The approved {budget_s / 3600:g} hours end before the next checkpoint: {progress.stage} {progress.done} of {progress.total}.",
            hint="Approve more and launch it again: it goes on from here.",
        )

    return check


def base_episodes(lake: Lake) -> pl.DataFrame:
    """Returns the rows that the base policy learns from, out of the present corpus (made where it is not there yet).

    Raises:
        ContractError: the lake has no corpus.
    """
    make_mixture(lake)
    return SKILL_INDEX.read(lake.mixture / "mixture.parquet")


def skill_episodes(lake: Lake, skill_id: str) -> pl.DataFrame:
    """Returns the rows of the skill index that teach one skill.

    Raises:
        TrainingError: no episode of the corpus answers the skill's query.
        ContractError: the lake has no skill index.
    """
    index = SKILL_INDEX.read(lake.skill_index / "skill_index.parquet")
    episodes = index.filter(skill_id=skill_id)
    if episodes.is_empty():
        taught = sorted(set(index["skill_id"]))
        raise TrainingError(
            f"No kept episode of the corpus belongs to skill {skill_id}.",
            hint=f"Widen its `episodes` condition in skills.toml, or add datasets. Taught are: {', '.join(taught) or 'none'}.",
        )
    return episodes


def corpus_hash(lake: Lake) -> str:
    """Returns the hash of the lake's corpus.

    Raises:
        ContractError: it has none.
    """
    return CorpusManifest.read(lake.corpus / "manifest.json").digest()


def read_curve(folder: Path, name: str = "loss") -> list[float]:
    """Returns the values of a training under one name in the order in which they were logged."""
    path = folder / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line[name] for line in lines if name in line]


def line_reporter(tell: Callable[[str], None]) -> Callable[[Progress], None]:
    """Returns an `on_progress` that tells a few lines of a training, with its loss and how long it will still take."""
    told, started = "", 0.0

    def report(progress: Progress) -> None:
        nonlocal told, started
        where = f"{progress.stage} {progress.done} of {progress.total}"
        if progress.loss is None:
            started = time.monotonic()
        # Reading rows takes a moment; decoding pictures and training take minutes.
        if progress.stage == "reading" or where == told or not is_worth_telling(progress.done, progress.total):
            return
        told = where
        if progress.loss is None:
            tell(where)
            return
        left = progress.total - progress.done
        going = (time.monotonic() - started) / max(progress.done - progress.resumed_at, 1)
        tell(f"{where}, loss {progress.loss:.3f}" + (f", {in_time(left * going)} to go" if left else ""))

    return report


def in_time(seconds: float) -> str:
    """Returns a duration as people say it: 40 s, 12 min, 3.5 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
