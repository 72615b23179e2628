"""What a parquet table promises: its columns with type, unit and meaning, its key, and the rules that each row keeps.

`TableContract` is the mechanism; the tables themselves are declared in `data_contracts.catalogue`. One declaration yields
the check (`split`), the parquet footer (`write`, `read`), the column schema that Dagster shows, and the page in
docs/contracts/. What does not belong here: rules over several tables (a stage checks those).

Change rule: a new nullable column keeps the version; anything else is a new version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from data_contracts.errors import ContractError

BROKEN_RULES = "broken_rules"


@dataclass(frozen=True)
class Column:
    """One column. `unit` is empty for text, flags and counts; the name ends in it otherwise."""

    name: str
    dtype: Any
    meaning: str
    unit: str = ""
    is_nullable: bool = False


@dataclass(frozen=True)
class Rule:
    """A named claim about each row. A row for which it is false or null is rejected."""

    name: str
    meaning: str
    holds: Callable[[], pl.Expr]


@dataclass(frozen=True)
class Verdict:
    """Rows that keep the contract, and rows that do not with the names of the rules they break."""

    accepted: pl.DataFrame
    rejected: pl.DataFrame


@dataclass(frozen=True)
class TableContract:
    """The promise of one table."""

    name: str
    version: int
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = field(default=())

    @property
    def schema(self) -> dict[str, Any]:
        """Column name to polars type, in the declared order."""
        return {column.name: column.dtype for column in self.columns}

    def frame(self, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
        """Returns rows as a frame with exactly this table's columns; an absent value is null.

        Raises:
            ContractError: a row names a column that the table does not have, or a value of another type.
        """
        rows = list(rows)
        unknown = sorted({name for row in rows for name in row} - set(self.schema))
        if unknown:
            raise ContractError(
                f"Table {self.name} has no column {unknown}.", hint=f"Its columns: {list(self.schema)}."
            )
        try:
            return pl.DataFrame(rows, schema=self.schema)
        except (TypeError, pl.exceptions.PolarsError) as error:
            raise ContractError(
                f"Rows do not fit table {self.name}: {error}.", hint="Compare with docs/contracts/."
            ) from error

    def split(self, frame: pl.DataFrame) -> Verdict:
        """Sorts rows into those that keep the contract and those that do not.

        The rejected rows carry `broken_rules`: names of rules, `<column>_is_given` for a missing value and `key_is_unique`
        for every row of a repeated key.

        Raises:
            ContractError: a column is missing, additional, or cannot be cast to its type. That is a fault of the writer, not
                of a row.
        """
        frame = self._cast(frame)
        checks: dict[str, pl.Expr] = {
            f"{column.name}_is_given": pl.col(column.name).is_not_null()
            for column in self.columns
            if not column.is_nullable
        }
        if self.key:
            checks["key_is_unique"] = ~pl.struct(self.key).is_duplicated()
        checks |= {rule.name: rule.holds() for rule in self.rules}
        broken = pl.concat_list(
            [pl.when(holds.fill_null(False)).then(None).otherwise(pl.lit(name)) for name, holds in checks.items()]
        ).list.drop_nulls()
        judged = frame.with_columns(broken.alias(BROKEN_RULES))
        is_kept = pl.col(BROKEN_RULES).list.len() == 0
        return Verdict(judged.filter(is_kept).drop(BROKEN_RULES), judged.filter(~is_kept))

    def check(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Returns the frame if every row keeps the contract, otherwise raises ContractError naming rules and a row."""
        verdict = self.split(frame)
        if verdict.rejected.height:
            first = verdict.rejected.row(0, named=True)
            raise ContractError(
                f"{verdict.rejected.height} of {frame.height} rows break the contract of table {self.name}: "
                f"{sorted(set(verdict.rejected[BROKEN_RULES].explode().to_list()))}; the first: "
                f"{ {name: first[name] for name in self.key} }.",
                hint="The stage that wrote them is at fault.",
            )
        return verdict.accepted

    def write(self, frame: pl.DataFrame, path: Path) -> None:
        """Writes checked rows, sorted by the key, atomically, with the contract's name and version in the footer."""
        frame = self.check(frame)
        if self.key:
            frame = frame.sort(self.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.partial")
        frame.write_parquet(temporary, metadata={"contract": self.name, "contract_version": str(self.version)})
        temporary.replace(path)

    def read(self, path: Path) -> pl.DataFrame:
        """Reads a table that was written under this contract.

        Raises:
            ContractError: the file is missing, unreadable, or was written under another contract or version.
        """
        try:
            footer = pl.read_parquet_metadata(path)
            frame = pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise ContractError(
                f"Table {self.name} cannot be read from {path}: {error}.", hint="Run its stage again."
            ) from error
        written = (footer.get("contract"), footer.get("contract_version"))
        if written != (self.name, str(self.version)):
            raise ContractError(
                f"{path} was written as {written[0]} version {written[1]}; this code reads {self.name} version {self.version}.",
                hint="Run its stage again.",
            )
        return self._cast(frame)

    def markdown(self) -> str:
        """Returns the page of docs/contracts/ that describes this table."""
        lines = [
            f"# Table `{self.name}` (version {self.version})",
            "",
            self.meaning,
            "",
            f"Key: {', '.join(self.key) or 'none'}.",
            "",
        ]
        lines += ["| column | type | unit | may be null | meaning |", "|---|---|---|---|---|"]
        lines += [
            f"| `{c.name}` | {_type_name(c.dtype)} | {c.unit} | {'yes' if c.is_nullable else ''} | {c.meaning} |"
            for c in self.columns
        ]
        if self.rules:
            lines += ["", "Rules:", "", *(f"- `{rule.name}`: {rule.meaning}" for rule in self.rules)]
        return "\n".join(lines) + "\n"

    def _cast(self, frame: pl.DataFrame) -> pl.DataFrame:
        missing = [c.name for c in self.columns if c.name not in frame.columns and not c.is_nullable]
        extra = sorted(set(frame.columns) - set(self.schema))
        if missing or extra:
            raise ContractError(
                f"Table {self.name} lacks columns {missing} and has additional ones {extra}.",
                hint=f"Its columns: {list(self.schema)}.",
            )
        absent = [pl.lit(None, dtype=c.dtype).alias(c.name) for c in self.columns if c.name not in frame.columns]
        try:
            return frame.with_columns(absent).select(*self.schema).cast(pl.Schema(self.schema))
        except pl.exceptions.PolarsError as error:
            raise ContractError(
                f"Columns of table {self.name} have other types: {error}.", hint="See docs/contracts/."
            ) from error


def _type_name(dtype: Any) -> str:
    return str(dtype).replace("|", "\\|")
