"""Which of the listed episodes a recipe wants, which it holds out, and how much each weighs.

Soft filtering: the corpus says what it found, the recipe decides what that means. Nothing here opens an episode.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from data_contracts.catalogue import CORPUS_EPISODES, FINDINGS, SKILL_INDEX
from data_contracts.errors import TrainingError, did_you_mean
from data_contracts.layout import Lake
from training.recipes import Recipe

Key = tuple[str, int]
"""Dataset, and the episode as its source numbers it."""
QUERIED_TABLE = "corpus_episodes"


@dataclass(frozen=True)
class Choice:
    """`reasons`: why an episode is left out. `weights`: factor on the chance of an episode where it is not 1."""

    reasons: dict[Key, str]
    weights: dict[Key, float]
    held_out: frozenset[Key]


def choose(episodes: pl.DataFrame, lake: Lake, recipe: Recipe) -> Choice:
    """Returns what the recipe makes of a table with the columns of SKILL_INDEX. An episode has one reason, the first that applies.

    Raises:
        TrainingError: `where` is no condition, or a weight is of a dataset or skill that is not there.
        ContractError: the recipe needs the lake's corpus, findings or skill index, and they cannot be read.
    """
    keys = sorted(set(episodes.select("dataset_id", "episode_index").iter_rows()))
    weights = _skill_weights(episodes, lake, recipe)
    reasons = {key: "weight 0" for key in keys if not _weight(key, recipe, weights)}
    if recipe.where:
        wanted = _meeting(recipe.where, lake)
        reasons |= {key: "does not meet `where`" for key in keys if key not in wanted}
    named = _named(sorted({dataset for dataset, _ in keys}), lake, recipe.exclude_warnings)
    for key in keys:
        if code := named.get(key) or named.get((key[0], None)):
            reasons[key] = code
    held_out = _evaluation_split(lake) if recipe.validate_every else frozenset()
    return Choice(reasons, weights, held_out)


def _weight(key: Key, recipe: Recipe, weights: dict[Key, float]) -> float:
    return recipe.dataset_weights.get(key[0], 1.0) * weights.get(key, 1.0)


def _skill_weights(episodes: pl.DataFrame, lake: Lake, recipe: Recipe) -> dict[Key, float]:
    """Returns the largest weight of the skills that each episode teaches, where one of them is named."""
    _require_known("dataset_weights", recipe.dataset_weights, set(episodes["dataset_id"]))
    if not recipe.skill_weights:
        return {}
    index = SKILL_INDEX.read(lake.skill_index / "skill_index.parquet")
    _require_known("skill_weights", recipe.skill_weights, set(index["skill_id"]))
    weights: dict[Key, float] = {}
    for skill, *key in index.select("skill_id", "dataset_id", "episode_index").iter_rows():
        dataset, episode = key
        weight = recipe.skill_weights.get(skill, 1.0)
        weights[dataset, episode] = max(weight, weights.get((dataset, episode), 0.0))
    return weights


def _require_known(field: str, named: Iterable[str], known: set[str]) -> None:
    if unknown := sorted(set(named) - known):
        raise TrainingError(
            f"{field} names {unknown[0]!r}, and no episode belongs to it.", hint=did_you_mean(unknown[0], known)
        )


def _meeting(condition: str, lake: Lake) -> frozenset[Key]:
    """Returns the episodes of the corpus that meet an SQL condition, in a database that can reach no file and no network."""
    import duckdb

    closed = {"enable_external_access": "false", "python_enable_replacements": "false"}
    connection = duckdb.connect(":memory:", config=closed)
    try:
        connection.register(QUERIED_TABLE, _corpus(lake).to_arrow())
        connection.execute("SET lock_configuration = true")
        # An expression, not text pasted into a statement: "a) OR (b" and "a; DROP ..." are syntax errors here.
        answer = connection.table(QUERIED_TABLE).filter(duckdb.SQLExpression(condition)).pl()
    except duckdb.Error as error:
        raise TrainingError(
            f"`where` is not a condition over {QUERIED_TABLE}: {str(error).strip()}",
            hint=f"Its columns are {', '.join(CORPUS_EPISODES.schema)}.",
        ) from error
    finally:
        connection.close()
    return _keys(answer)


def _evaluation_split(lake: Lake) -> frozenset[Key]:
    """Returns the episodes whose whole cluster of copies is for evaluation, so that no copy of one is trained on."""
    return _keys(_corpus(lake).filter(split="evaluation"))


def _corpus(lake: Lake) -> pl.DataFrame:
    return CORPUS_EPISODES.read(lake.corpus / "episodes.parquet")


def _keys(episodes: pl.DataFrame) -> frozenset[Key]:
    return frozenset(episodes.select("dataset_id", "episode_index").iter_rows())


def _named(datasets: list[str], lake: Lake, codes: tuple[str, ...]) -> dict[tuple[str, int | None], str]:
    """Returns (dataset, episode, or None for the whole dataset) -> the excluded code that names it."""
    named: dict[tuple[str, int | None], str] = {}
    for dataset in datasets if codes else ():
        findings = FINDINGS.read(lake.findings(dataset) / "findings.parquet")
        for code, episodes in findings.filter(pl.col("code").is_in(codes)).select("code", "episodes").iter_rows():
            named |= {(dataset, index): code for index in ([None] if episodes is None else episodes)}
    return named
