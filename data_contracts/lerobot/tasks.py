"""The task table: `meta/tasks.jsonl` (v2) or `meta/tasks.parquet` (v3), whichever is there.

Pandas metadata is looked at, never trusted: the text column is found by name or type, so the tables that LeRobot itself
misreads are read here.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from data_contracts.errors import DatasetUnreadable
from data_contracts.findings import Finding
from data_contracts.lerobot.json_files import read_json_lines, whole_number
from data_contracts.lerobot.parquet_files import read_table
from data_contracts.lerobot.structure import structure

TASKS_LINES = "meta/tasks.jsonl"
TASKS_TABLE = "meta/tasks.parquet"


def read_tasks(root: Path, *, is_v3: bool) -> tuple[dict[int, str], list[Finding]]:
    """Returns task index -> text. The file of the dataset's own version is preferred, the other one serves without it."""
    for name in (TASKS_TABLE, TASKS_LINES) if is_v3 else (TASKS_LINES, TASKS_TABLE):
        if (root / name).is_file():
            return _read_table(root / name) if name == TASKS_TABLE else _read_lines(root / name)
    wanted = TASKS_TABLE if is_v3 else TASKS_LINES
    message = f"There is no {wanted}; task texts can only come from the episode table."
    return {}, [structure("unreadable_metadata", "warn", message, file=wanted)]


def _read_lines(path: Path) -> tuple[dict[int, str], list[Finding]]:
    rows, findings = read_json_lines(path, TASKS_LINES)
    pairs = [(row.get("task_index"), row.get("task")) for row in rows]
    tasks, odd = _tasks(pairs, TASKS_LINES)
    return tasks, findings + odd


def _read_table(path: Path) -> tuple[dict[int, str], list[Finding]]:
    try:
        table = read_table(path)
    except DatasetUnreadable as error:
        message = f"{TASKS_TABLE}: {error.message}"
        return {}, [structure("unreadable_metadata", "warn", message, file=TASKS_TABLE)]
    text = _text_column(table)
    if text is None:
        message = f"{TASKS_TABLE} has no column of texts (columns: {', '.join(table.column_names)})."
        return {}, [structure("unreadable_metadata", "warn", message, file=TASKS_TABLE)]
    has_index = "task_index" in table.column_names
    indices = table["task_index"].to_pylist() if has_index else list(range(table.num_rows))
    tasks, findings = _tasks(zip(indices, table[text].to_pylist(), strict=True), TASKS_TABLE)
    return tasks, findings + _upstream_misreads(table, text, indices)


def _text_column(table: pa.Table) -> str | None:
    texts = []
    for name in table.column_names:
        kind = table.schema.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            texts.append(name)
    for preferred in ("task", "__index_level_0__"):
        if preferred in texts:
            return preferred
    return texts[0] if texts else None


def _tasks(pairs: Iterable[tuple[object, object]], name: str) -> tuple[dict[int, str], list[Finding]]:
    tasks: dict[int, str] = {}
    unusable, conflicts, has_float = 0, [], False
    for index, text in pairs:
        number = whole_number(index)
        has_float |= isinstance(index, float)
        if number is None or not isinstance(text, str):
            unusable += 1
        elif tasks.setdefault(number, text) != text:
            conflicts.append(number)
    findings = []
    if unusable:
        message = f"{name}: {unusable} rows have no task index or no text and were left out."
        findings.append(structure("unreadable_metadata", "warn", message, file=name, rows=unusable))
    if conflicts:
        message = f"{name} gives task {conflicts[0]} two texts; the first is used."
        findings.append(structure("task_conflict", "warn", message, file=name, task_indices=conflicts))
    repeated = len(tasks) - len(set(tasks.values()))
    if repeated:
        message = f"{name} lists {repeated} task texts under more than one index."
        findings.append(structure("task_conflict", "note", message, file=name))
    if has_float:
        findings.append(structure("index_as_float", "note", f"{name} stores task_index as a float.", file=name))
    return tasks, findings


def _upstream_misreads(table: pa.Table, text: str, indices: list[object]) -> list[Finding]:
    """LeRobot takes the text of row k for task k, from the pandas index: without either it returns something else."""
    findings = []
    if [whole_number(index) for index in indices] != list(range(len(indices))):
        message = f"{TASKS_TABLE}: row k is not task k, and LeRobot reads tasks by row."
        findings.append(structure("index_not_dense", "warn", message, file=TASKS_TABLE))
    metadata = (table.schema.metadata or {}).get(b"pandas", b"").replace(b" ", b"")
    if b'"index_columns":["%s"]' % text.encode() not in metadata:
        message = f"{TASKS_TABLE} lacks the pandas index metadata, so LeRobot returns row numbers for task texts."
        findings.append(structure("unreadable_metadata", "note", message, file=TASKS_TABLE))
    return findings
