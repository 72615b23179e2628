"""SQL over everything the lake knows of its datasets: DuckDB over the parquet tables, closed to everything else.

What does not belong here: the conditions of skills (`curation.skill_index`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data_contracts.catalogue import (
    CAMERA_ROLE_TABLE,
    CORPUS_EPISODES,
    DUPLICATES,
    FINDINGS,
    JOINT_RANGES,
    SKILL_INDEX,
    TASK_LABELS,
)
from data_contracts.errors import ContractError
from data_contracts.layout import Lake
from data_contracts.manifests import CorpusManifest
from data_contracts.tables import TableContract


@dataclass(frozen=True)
class View:
    """A table as a query sees it: `contract` says what its columns mean, `files` where its rows lie."""

    contract: TableContract
    files: Callable[[Lake, Sequence[str]], list[Path]]


def _per_dataset(folder: Callable[[Lake, str], Path], name: str) -> Callable[[Lake, Sequence[str]], list[Path]]:
    return lambda lake, datasets: [folder(lake, dataset) / name for dataset in datasets]


VIEWS: dict[str, View] = {
    "episodes": View(CORPUS_EPISODES, lambda lake, _: [lake.corpus / "episodes.parquet"]),
    "findings": View(
        FINDINGS,
        lambda lake, names: [lake.corpus / "findings.parquet", *(lake.findings(n) / "findings.parquet" for n in names)],
    ),
    "joint_ranges": View(JOINT_RANGES, _per_dataset(Lake.findings, "joint_ranges.parquet")),
    "camera_roles": View(CAMERA_ROLE_TABLE, _per_dataset(Lake.camera_roles, "camera_roles.parquet")),
    "labels": View(TASK_LABELS, _per_dataset(Lake.task_labels, "task_labels.parquet")),
    "duplicates": View(DUPLICATES, lambda lake, _: [lake.duplicates / "duplicates.parquet"]),
    "skill_index": View(SKILL_INDEX, lambda lake, _: [lake.skill_index / "skill_index.parquet"]),
}
"""What a query can name, next to `datasets`: a row per dataset of the corpus manifest."""
TABLE_NAMES = {"datasets", *VIEWS}
DATASETS_SCHEMA = {
    "dataset": pl.String, "state": pl.String, "reason": pl.String, "revision": pl.String, "contributor": pl.String,
    "licence": pl.String, "robot_type": pl.String, "num_episodes": pl.Int64, "num_frames": pl.Int64,
    "num_episodes_kept": pl.Int64, "num_frames_kept": pl.Int64, "findings": pl.List(pl.String),
}  # fmt: skip


def query(lake: Lake, sql: str) -> pl.DataFrame:
    """Returns the answer of one SQL statement over `datasets` and VIEWS, as they are for the datasets of the present corpus.

    Only the tables that it names are read. The database is in memory, and the statement can reach no file, no network and no
    variable of this process.

    Raises:
        ContractError: the lake has no corpus, or DuckDB refuses the statement; the message says what it says.
    """
    import duckdb

    manifest = CorpusManifest.read(lake.corpus / "manifest.json")
    closed = {"enable_external_access": "false", "python_enable_replacements": "false"}
    connection = duckdb.connect(":memory:", config=closed)
    try:
        for name in sorted(TABLE_NAMES & set(re.findall(r"\w+", sql.lower()))):
            connection.register(name, _table(lake, name, manifest).to_arrow())
        connection.execute("SET lock_configuration = true")
        answer = connection.sql(sql)
        return pl.DataFrame() if answer is None else _plain_numbers(answer.pl())
    except duckdb.Error as error:
        raise ContractError(
            f"The query cannot be answered: {str(error).strip()}",
            hint=f"Tables: {', '.join(sorted(TABLE_NAMES))}; their columns: DESCRIBE <table>.",
        ) from error
    finally:
        connection.close()


def read_view(lake: Lake, name: str, dataset_ids: Iterable[str]) -> pl.DataFrame:
    """Returns the rows of a view for these datasets, in a fixed order.

    A dataset whose table is missing or was written by another version has no rows: the corpus says so of it (quarantined).
    """
    view = VIEWS[name]
    tables = [view.contract.frame([])]
    for path in view.files(lake, sorted(dataset_ids)):
        if path.exists() and is_current(view.contract, path):
            tables.append(view.contract.read(path))
    return pl.concat(tables)


def is_current(contract: TableContract, path: Path) -> bool:
    """True when the file can be read and was written under the contract as this code knows it."""
    try:
        footer = pl.read_parquet_metadata(path)
    except (OSError, pl.exceptions.PolarsError):
        return False
    return (footer.get("contract"), footer.get("contract_version")) == (contract.name, str(contract.version))


def _plain_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """DuckDB adds integers up in 128 bits, which arrive as decimals without places; scripts want numbers."""
    whole = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Decimal) and dtype.scale == 0]
    other = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Decimal) and dtype.scale]
    return frame.cast({**dict.fromkeys(whole, pl.Int64), **dict.fromkeys(other, pl.Float64)})


def _table(lake: Lake, name: str, manifest: CorpusManifest) -> pl.DataFrame:
    if name != "datasets":
        return read_view(lake, name, [dataset.dataset for dataset in manifest.datasets])
    rows = [dataset.model_dump(exclude={"integrity", "task_evidence"}) for dataset in manifest.datasets]
    codes = [{**dataset.integrity, **dataset.task_evidence} for dataset in manifest.datasets]
    rows = [row | {"findings": sorted(named)} for row, named in zip(rows, codes, strict=True)]
    return pl.DataFrame(rows, schema=DATASETS_SCHEMA)
