"""Table contracts: rows are sorted into kept and rejected with reasons; files say what they are."""

import polars as pl
import pytest

from data_contracts.catalogue import FINGERPRINTS, TABLES
from data_contracts.errors import ContractError
from data_contracts.tables import Column, Rule, TableContract

HASH = "sha256:" + "0" * 64
POSITIVE = Rule("n_is_positive", "", lambda: pl.col("n") > 0)
SMALL = TableContract(
    "small", 1, "For tests.", ("name",),
    (Column("name", pl.String, ""), Column("n", pl.Int64, ""), Column("remark", pl.String, "", is_nullable=True)), (POSITIVE,),
)  # fmt: skip


def rows(*pairs):
    return SMALL.frame([{"name": name, "n": n} for name, n in pairs])


def test_rows_are_sorted_into_accepted_and_rejected_with_reasons():
    verdict = SMALL.split(rows(("a", 1), ("b", 0), ("c", None), ("d", 2), ("d", 3)))
    assert verdict.accepted["name"].to_list() == ["a"]
    reasons = list(zip(verdict.rejected["name"], verdict.rejected["broken_rules"].to_list(), strict=True))
    assert reasons == [
        ("b", ["n_is_positive"]),
        ("c", ["n_is_given", "n_is_positive"]),
        ("d", ["key_is_unique"]),
        ("d", ["key_is_unique"]),
    ]


def test_a_null_verdict_of_a_rule_counts_as_broken():
    verdict = SMALL.split(rows(("a", None)))
    assert "n_is_positive" in verdict.rejected["broken_rules"].to_list()[0]


def test_a_written_table_reads_back_and_is_sorted_by_its_key(tmp_path):
    SMALL.write(rows(("b", 2), ("a", 1)), tmp_path / "t.parquet")
    assert SMALL.read(tmp_path / "t.parquet")["name"].to_list() == ["a", "b"]


def test_breaking_rows_are_never_written(tmp_path):
    with pytest.raises(ContractError, match=r"1 of 1 rows.*n_is_positive.*'b'"):
        SMALL.write(rows(("b", 0)), tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_contract_or_version_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    SMALL.write(rows(("a", 1)), path)
    newer = TableContract(SMALL.name, 2, SMALL.meaning, SMALL.key, SMALL.columns)
    with pytest.raises(ContractError, match="small version 1; this code reads small version 2"):
        newer.read(path)
    with pytest.raises(ContractError, match="reads fingerprints"):
        FINGERPRINTS.read(path)
    path.write_bytes(b"not parquet")
    with pytest.raises(ContractError, match="cannot be read"):
        SMALL.read(path)


def test_missing_and_additional_columns_are_the_writers_fault():
    with pytest.raises(ContractError, match="lacks columns"):
        SMALL.split(pl.DataFrame({"name": ["a"]}))
    with pytest.raises(ContractError, match="additional ones"):
        SMALL.split(rows(("a", 1)).with_columns(more=1))
    assert SMALL.split(pl.DataFrame({"name": ["a"], "n": [1]})).accepted["remark"].to_list() == [None]


def test_an_unknown_key_in_a_row_is_named():
    with pytest.raises(ContractError, match="hash_of"):
        FINGERPRINTS.frame([{"dataset_id": "a__b", "hash_of": HASH}])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_is_sound(table, tmp_path):
    """Declared rules must at least run, an empty table must be writable, and units must end the column's name."""
    empty = table.frame([])
    assert table.split(empty).accepted.is_empty()
    table.write(empty, tmp_path / "t.parquet")
    assert table.read(tmp_path / "t.parquet").schema == empty.schema
    for column in table.columns:
        assert column.meaning
        if column.unit in {"s", "px", "bytes", "minor"}:
            assert column.name.endswith(f"_{column.unit}")
