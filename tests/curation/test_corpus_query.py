"""SQL over the lake's tables: what it answers, and that it reaches nothing else."""

from __future__ import annotations

import pytest

from curation.corpus_query import TABLE_NAMES, query
from data_contracts.errors import ContractError


@pytest.fixture
def lake(tiny_lake):
    tiny_lake.add("ada__push", ["p1", "p2"], warned={"motion.tremor": [1]})
    tiny_lake.add("bob__copy", ["p1"])
    tiny_lake.write_corpus()
    return tiny_lake.lake


@pytest.mark.parametrize("table", sorted(TABLE_NAMES))
def test_every_table_can_be_asked(lake, table):
    assert query(lake, f"SELECT count(*) AS n FROM {table}")["n"][0] >= 0


def test_answers_join_tables_and_come_as_plain_numbers(lake):
    answer = query(lake, "SELECT state, sum(num_episodes_kept) AS kept FROM datasets GROUP BY state ORDER BY state")
    assert answer.to_dicts() == [{"state": "accepted", "kept": 2}, {"state": "rejected", "kept": 0}]
    joined = "SELECT f.code FROM findings f JOIN episodes e USING (dataset_id) WHERE e.copy_of IS NOT NULL ORDER BY 1"
    assert query(lake, joined)["code"].to_list() == ["duplicate.cross_contributor", "duplicate.exact_copy"]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT * FROM read_csv('/etc/hostname')", "disabled by configuration"),
        ("SELECT * FROM '/etc/hostname'", "does not exist"),
        ("COPY (SELECT 1) TO 'leak.csv'", "disabled by configuration"),
        ("ATTACH 'other.db'", "disabled by configuration"),
        ("SET enable_external_access = true", "locked"),
        ("SELECT * FROM tiny_lake", "does not exist"),
        ("SELEC", "syntax error"),
    ],
)
def test_a_query_reaches_nothing_but_the_tables(lake, sql, says):
    tiny_lake = lake  # noqa: F841 (a variable of this process that DuckDB would otherwise find)
    with pytest.raises(ContractError, match=says):
        query(lake, sql)


def test_a_table_of_another_version_has_no_rows(lake):
    path = lake.findings("ada__push") / "joint_ranges.parquet"
    path.write_bytes(b"not parquet")
    assert query(lake, "SELECT DISTINCT dataset_id FROM joint_ranges")["dataset_id"].to_list() == ["bob__copy"]
