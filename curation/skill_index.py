"""Which episodes teach which skill: each skill's condition asked of the corpus, and the answer frozen.

What does not belong here: how the episodes are mixed for training (`training.mixture`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.catalogue import CORPUS_EPISODES, SKILL_INDEX
from data_contracts.errors import ContractError
from data_contracts.skills import Skill, Skills

if TYPE_CHECKING:
    import duckdb

QUERIED_TABLE = "corpus_episodes"


@dataclass(frozen=True)
class SkillIndex:
    """`frame`: table SKILL_INDEX. `empty_skills`: ids of skills that no episode teaches, for the caller to warn about."""

    frame: pl.DataFrame
    empty_skills: tuple[str, ...]


def build_skill_index(skills: Skills, episodes: pl.DataFrame) -> SkillIndex:
    """Returns the episodes of each skill, sorted by skill, dataset and episode.

    A condition is one SQL expression over the columns of `corpus_episodes`. It sees kept episodes that have a label; one
    without is never part of a skill, because nothing says what it teaches. The database is in memory, and the condition
    can reach no file, no network and no variable of this process.

    Args:
        skills: the rows of skills.toml.
        episodes: table CORPUS_EPISODES.

    Raises:
        ContractError: a condition is not valid; the message names the skill and says what DuckDB says.
    """
    teachable = CORPUS_EPISODES.check(episodes).filter(pl.col("is_kept") & pl.col("label").is_not_null())
    connection = _closed_database(teachable)
    try:
        answers = {skill.id: _ask(connection, skill) for skill in skills.skill}
    finally:
        connection.close()
    columns = [name for name in SKILL_INDEX.schema if name != "skill_id"]
    parts = [answer.select(pl.lit(name).alias("skill_id"), *columns) for name, answer in answers.items()]
    frame = SKILL_INDEX.check(pl.concat(parts)).sort(SKILL_INDEX.key)
    return SkillIndex(frame, tuple(name for name, answer in answers.items() if answer.is_empty()))


def _closed_database(episodes: pl.DataFrame) -> duckdb.DuckDBPyConnection:
    import duckdb

    closed = {"enable_external_access": "false", "python_enable_replacements": "false"}
    connection = duckdb.connect(":memory:", config=closed)
    connection.register(QUERIED_TABLE, episodes.to_arrow())
    connection.execute("SET lock_configuration = true")
    return connection


def _ask(connection: duckdb.DuckDBPyConnection, skill: Skill) -> pl.DataFrame:
    import duckdb

    try:
        # An expression, not text pasted into a statement: "a) OR (b" and "a; DROP ..." are syntax errors here.
        return connection.table(QUERIED_TABLE).filter(duckdb.SQLExpression(skill.episodes)).pl()
    except duckdb.Error as error:
        raise ContractError(
            f"The condition of skill {skill.id!r} is not valid: {str(error).strip()}",
            hint=f"Correct `episodes` of that row in skills.toml; the columns are {list(CORPUS_EPISODES.schema)}.",
        ) from error
