"""Damage to parquet files: of their bytes, and of the table that they hold."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Callable
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz.mutate_text import HOSTILE_NAMES, flipped, nested, short

MAX_ROWS = 5_000


def mutate_parquet_bytes(rng: Random, path: Path) -> str:
    """The file is cut, emptied, or some of its bytes are others."""
    content = path.read_bytes()
    size = len(content)
    how = rng.choice(("flip", "flip", "flip", "footer", "footer", "cut", "empty", "zeros", "length", "head", "twice"))
    at = rng.randrange(max(size - 8, 1))
    changed = {
        "flip": lambda: flipped(rng, content),
        "footer": lambda: content[: size // 2] + flipped(rng, content[size // 2 :]),
        "cut": lambda: content[:at],
        "empty": lambda: b"",
        "zeros": lambda: content[:at] + bytes(min(rng.choice((1, 16, 400)), size - at)) + content[at + 400 :],
        "length": lambda: content[:-8] + rng.choice((0, 1, 2**31 - 1, 2**32 - 1, size)).to_bytes(4, "little") + b"PAR1",
        "head": lambda: b"PAR1" + rng.randbytes(60) + b"PAR1",
        "twice": lambda: content + content,
    }[how]()
    path.write_bytes(changed)
    return f"{path.name}: bytes, {how}"


def read_small(path: Path) -> pa.Table:
    """Returns a table. Raises ValueError where an earlier mutation made it a bomb: the fuzzer must not fall for its own."""
    file = pq.ParquetFile(path)
    if file.metadata.num_rows > MAX_ROWS:
        raise ValueError(f"{path} has too many rows to be changed.")
    return file.read()


def mutate_table(rng: Random, path: Path) -> str:
    """A column of the table is of another type, absent, doubled, or holds what nobody expects."""
    table = read_small(path)
    if not table.num_columns:
        return f"{path.name}: nothing to change"
    column = rng.choice(table.column_names)
    how = rng.choice(tuple(_CHANGES))
    try:
        changed = _CHANGES[how](rng, table, column)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):  # this column cannot be changed in this way
        how, changed = "emptied", table.slice(0, 0)
    options = {
        "row_group_size": rng.choice((1, 7, 10_000)),
        "compression": rng.choice(("snappy", "zstd", "none", "gzip")),
    }
    try:
        pq.write_table(changed, path, **options)
    except (pa.ArrowException, ValueError):  # no parquet type, or a name that cannot be written
        pq.write_table(table.drop_columns([column]), path)
        how = "dropped"
    return f"{path.name}: {short(column)} {how}"


def _cells(make: Callable[[Random, int], object]) -> Callable[[Random, pa.Table, str], pa.Table]:
    """Returns a change that fills a column with what `make` gives for each row."""

    def change(rng: Random, table: pa.Table, column: str) -> pa.Table:
        return _set(table, column, pa.array([make(rng, row) for row in range(table.num_rows)]))

    return change


def _set(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, values)


def _some_null(rng: Random, table: pa.Table, column: str) -> pa.Table:
    values = table[column].to_pylist()
    for row in range(0, len(values), rng.choice((1, 2, 5))):
        values[row] = None
    return _set(table, column, pa.array(values, table.schema.field(column).type))


def _some_broken(rng: Random, table: pa.Table, column: str) -> pa.Table:
    bad = rng.choice((math.nan, math.inf, -math.inf, 1e39, 1e308, -1e308))

    def broken(value: object) -> object:
        if isinstance(value, list):
            return [bad, *value[1:]]
        return bad if isinstance(value, (int, float)) else value

    values = [broken(value) for value in table[column].to_pylist()]
    kind = pa.list_(pa.float64()) if values and isinstance(values[0], list) else None
    return _set(table, column, pa.array(values, kind))


def _ragged(rng: Random, table: pa.Table, column: str) -> pa.Table:
    return _set(
        table, column, pa.array([[1.0] * rng.randrange(5) for _ in range(table.num_rows)], pa.list_(pa.float32()))
    )


def _renamed(rng: Random, table: pa.Table, column: str) -> pa.Table:
    name = rng.choice([name for name in HOSTILE_NAMES if name != "\ud800"])
    return table.rename_columns([name if known == column else known for known in table.column_names])


def _extension(rng: Random, table: pa.Table, column: str) -> pa.Table:
    length = table.num_rows
    made = rng.choice((
        lambda: pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.float32(), [3]), pa.array([[1.0, 2.0, 3.0]] * length, pa.list_(pa.float32(), 3))),
        lambda: pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16] * length, pa.binary(16))),
        lambda: pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"] * length)),
    ))()  # fmt: skip
    return _set(table, column, made)


def _metadata(rng: Random, table: pa.Table, column: str) -> pa.Table:
    value = rng.choice(
        (b"", b"\xff\xfe", b"{", b"[]", b"null", b'{"index_columns": [{"kind": "range", "stop": 1e99}]}', b"x" * 10**6)
    )
    return table.replace_schema_metadata({rng.choice((b"pandas", b"huggingface", b"ARROW:schema")): value})


def _cast(rng: Random, table: pa.Table, column: str) -> pa.Table:
    kinds = (pa.float64(), pa.float16(), pa.int8(), pa.uint64(), pa.string(), pa.large_string(), pa.binary(), pa.bool_(), pa.decimal128(38, 10), pa.timestamp("ns"), pa.duration("us"), pa.date32(), pa.null(), pa.list_(pa.float64()), pa.large_list(pa.float64()), pa.list_view(pa.float32()), pa.string_view())  # fmt: skip
    return _set(table, column, table[column].cast(rng.choice(kinds), safe=False).combine_chunks())


def _numbered(rng: Random, table: pa.Table, column: str) -> pa.Table:
    start = rng.choice((-(2**63), -1, 1, 5, 2**31, 2**53, 2**62, 10**12))
    return _set(table, column, pa.array([start + row for row in range(table.num_rows)], pa.int64()))


_CHANGES: dict[str, Callable[[Random, pa.Table, str], pa.Table]] = {
    "dropped": lambda rng, table, column: table.drop_columns([column]),
    "renamed": _renamed,
    "doubled": lambda rng, table, column: table.append_column(column, table[column]),
    "of texts": _cells(lambda rng, row: rng.choice(("", "x", "1", "nan", "\0", "é" * 100))),
    "of bytes": _cells(lambda rng, row: rng.choice((b"", b"\xff", b"x" * 2_000))),
    "of truth": _cells(lambda rng, row: rng.random() < 0.5),
    "of decimals": _cells(lambda rng, row: decimal.Decimal(row) / 7),
    "of times": _cells(lambda rng, row: datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=row)),
    "of durations": _cells(lambda rng, row: datetime.timedelta(seconds=row)),
    "of structs": _cells(lambda rng, row: {"bytes": b"x", "path": "../outside/victim.txt", "z": row}),
    "of image paths": _cells(lambda rng, row: {"bytes": None, "path": rng.choice(("../outside/victim.txt", "/etc/passwd", "\0", "meta/info.json"))}),
    "of maps": lambda rng, table, column: _set(table, column, pa.array([[("a", 1)]] * table.num_rows, pa.map_(pa.string(), pa.int64()))),
    "of nothing": _cells(lambda rng, row: None),
    "of deep lists": _cells(lambda rng, row: nested(40)),
    "of wide lists": _cells(lambda rng, row: [0.5] * 3_000),
    "of empty lists": lambda rng, table, column: _set(table, column, pa.array([[]] * table.num_rows, pa.list_(pa.float32()))),
    "of matrices": _cells(lambda rng, row: [[1.0, 2.0], [3.0, 4.0]]),
    "of lists with holes": _cells(lambda rng, row: [1.0, None, 3.0]),
    "of steps": _numbered,
    "ragged": _ragged,
    "with holes": _some_null,
    "with broken numbers": _some_broken,
    "as a dictionary": lambda rng, table, column: _set(table, column, table[column].combine_chunks().dictionary_encode()),
    "of an extension type": _extension,
    "with other metadata": _metadata,
    "cast": _cast,
    "emptied": lambda rng, table, column: table.slice(0, 0),
    "of one row": lambda rng, table, column: table.slice(0, 1),
    "repeated": lambda rng, table, column: pa.concat_tables([table] * rng.choice((2, 60))),
    "reversed": lambda rng, table, column: table.take(list(reversed(range(table.num_rows)))),
    "shuffled": lambda rng, table, column: table.take(rng.sample(range(table.num_rows), table.num_rows)),
    "among many": lambda rng, table, column: pa.table({**{n: table[n] for n in table.column_names}, **{f"c{n}": table[column] for n in range(700)}}),
    "alone": lambda rng, table, column: table.select([column]),
    "without any other": lambda rng, table, column: table.select([]),
}  # fmt: skip
