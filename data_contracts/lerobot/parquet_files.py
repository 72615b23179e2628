"""Parquet files, read so that nothing in them is executed or trusted: plain pyarrow, no pandas, no pickled types."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_contracts.errors import DatasetUnreadable
from data_contracts.lerobot.json_files import brief

EPISODE_INDEX = "episode_index"
BROKEN = (OSError, ValueError, KeyError, OverflowError, RecursionError, pa.ArrowException)
"""What pyarrow raises for damaged files; names that are not UTF-8 or come twice are among them."""

MAX_VALUES = 2**26
"""That one reading takes into memory, half a gigabyte of int64: several times what a shard of LeRobot's 100 MB holds. Runs of
equal values take no room in a file, so a few kilobytes may hold billions of them."""
MAX_BYTES = 2**30
"""The same for images, texts and lists of varying length, whose size is known when they are read: some rows at a time."""
ROWS_WITH_BYTES, ROWS_WITH_LISTS = 64, 8192
THREADS_FROM = 2**20
"""Values: below, one thread reads a file."""

FETCH_AGAIN = "Fetch the file again; a recorder that was not finalised leaves such files too."


def read_table(path: Path, columns: Sequence[str] | None = None, row_groups: Sequence[int] | None = None) -> pa.Table:
    """Returns the table in `path`, or some of its columns and row groups.

    Of columns that share a name the first is kept; extension types are replaced by what they are stored as.

    Raises:
        DatasetUnreadable: the file cannot be opened or decoded.
    """
    footer = _footer(path)
    try:
        with pq.ParquetFile(path, metadata=footer.metadata) as file:
            groups = list(range(file.num_row_groups) if row_groups is None else row_groups)
            names = footer.schema.names if columns is None else columns
            if footer.num_values(groups, names) > MAX_VALUES:
                raise ValueError(f"it holds more than {MAX_VALUES:,} values")
            batch_rows = footer.batch_rows(names)
            if batch_rows is not None:
                return _plain(_read_batches(file, groups, columns, batch_rows))
            # Threads take longer to wake than an episode takes to read.
            is_large = footer.num_values(groups, names) > THREADS_FROM
            return _plain(file.read_row_groups(groups, columns=columns, use_threads=is_large))
    except BROKEN as error:
        raise DatasetUnreadable(f"{path} cannot be read as parquet: {brief(error)}.", hint=FETCH_AGAIN) from error


def read_footer(path: Path) -> tuple[pa.Schema, int]:
    """Returns schema and number of rows, without reading any. Of columns that share a name the first is kept.

    Raises:
        DatasetUnreadable: there is no readable footer.
    """
    footer = _footer(path)
    return footer.schema, footer.metadata.num_rows


def repeated_columns(path: Path) -> list[str]:
    """Returns the names that more than one column of the file has. Raises DatasetUnreadable."""
    counts = Counter(_footer(path).metadata.schema.to_arrow_schema().names)
    return sorted(name for name, count in counts.items() if count > 1)


@dataclass(frozen=True)
class _Footer:
    schema: pa.Schema
    metadata: pq.FileMetaData

    @cached_property
    def group_rows(self) -> list[int]:
        """Rows of each row group. More is not asked of row groups: pyarrow aborts the process where the footer of a column in
        one is damaged (`RowGroupMetaData.column`, pyarrow 26), and raises only while reading.
        """
        return [self.metadata.row_group(number).num_rows for number in range(self.metadata.num_row_groups)]

    def num_values(self, groups: Sequence[int], names: Sequence[str]) -> int:
        """Returns how many values these columns have in these row groups, a list of varying length counted as one."""
        width = sum(_width(self.schema.field(name).type) for name in names if name in self.schema.names)
        return width * sum(self.group_rows[group] for group in groups)

    def batch_rows(self, names: Sequence[str]) -> int | None:
        """Returns how many rows to read at a time, or None where `num_values` says all about the size of these columns."""
        kinds = [self.schema.field(name).type for name in names if name in self.schema.names]
        if any(_holds_bytes(kind) for kind in kinds):
            return ROWS_WITH_BYTES
        return ROWS_WITH_LISTS if any(_width(kind, of_list=0) == 0 for kind in kinds) else None


def _footer(path: Path) -> _Footer:
    try:
        status = path.stat()
        return _read_footer(path, status.st_mtime_ns, status.st_size)
    except BROKEN as error:
        raise DatasetUnreadable(f"{path} has no readable footer: {brief(error)}.", hint=FETCH_AGAIN) from error


@lru_cache(maxsize=8)
def _read_footer(path: Path, _changed_ns: int, _size: int) -> _Footer:
    """Parsing the footer of a shard with a thousand row groups takes longer than reading one of them."""
    with pq.ParquetFile(path) as file:
        fields = {field.name: field for field in reversed(file.schema_arrow)}
        return _Footer(pa.schema(reversed(fields.values())), file.metadata)


def _read_batches(file: pq.ParquetFile, groups: list[int], columns: Sequence[str] | None, batch_rows: int) -> pa.Table:
    """Returns rows as they are read in small batches, so that reading can stop. Raises ValueError beyond MAX_BYTES."""
    batches, size_bytes = [], 0
    for batch in file.iter_batches(batch_rows, row_groups=groups, columns=columns):
        size_bytes += batch.nbytes
        if size_bytes > MAX_BYTES:
            raise ValueError(f"its rows take more than {MAX_BYTES:,} bytes")
        batches.append(batch)
    if not batches:
        return file.read_row_groups(groups, columns=columns)
    return pa.Table.from_batches(batches)


def _width(kind: pa.DataType, of_list: int = 1) -> int:
    """Returns how many values a row of a column has, with `of_list` for every list whose length varies."""
    if isinstance(kind, pa.BaseExtensionType):
        return _width(kind.storage_type, of_list)
    if not pa.types.is_nested(kind):
        return 1
    if pa.types.is_fixed_size_list(kind):
        return kind.list_size * _width(kind.value_type, of_list)
    if pa.types.is_struct(kind):
        return sum(_width(kind.field(place).type, of_list) for place in range(kind.num_fields))
    return of_list


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return any(_holds_bytes(kind.field(place).type) for place in range(kind.num_fields))
    if isinstance(kind, pa.BaseExtensionType):
        return _holds_bytes(kind.storage_type)
    return not pa.types.is_primitive(kind) or pa.types.is_fixed_size_binary(kind)


class ShardReader:
    """Reads the rows of one episode out of a file that holds several.

    Row groups that do not hold the episode are skipped. The last ones read are kept, because older
    files hold all episodes in one row group and would otherwise be decoded once per episode.
    """

    def __init__(self) -> None:
        self._ranges: dict[Path, list[tuple[int, int, int]]] = {}
        self._last: OrderedDict[tuple[Path, tuple[str, ...] | None, tuple[int, ...]], _NumberedRows] = OrderedDict()

    def episode_rows(self, path: Path, episode_index: int, columns: Sequence[str] | None = None) -> pa.Table | None:
        """Returns the rows whose `episode_index` is this one; None where the file has no such column."""
        if path not in self._ranges:
            self._ranges[path] = _episode_ranges(path)
        ranges = self._ranges[path]
        if not ranges:
            return None
        groups = tuple(group for group, low, high in ranges if low <= episode_index <= high)
        wanted = None if columns is None else [*dict.fromkeys((*columns, EPISODE_INDEX))]
        rows = self._read(path, wanted, groups).of_episode(episode_index)
        return rows if columns is None else rows.select(list(columns))

    def _read(self, path: Path, columns: list[str] | None, groups: tuple[int, ...]) -> _NumberedRows:
        key = (path, None if columns is None else tuple(columns), groups)
        if key not in self._last:
            self._last[key] = _numbered(read_table(path, columns, groups))
            while len(self._last) > 2:
                self._last.popitem(last=False)
        return self._last[key]


class _NumberedRows(NamedTuple):
    """Rows with the episode that each belongs to, float64 (T,). Searched by halves where they are in order: a mask over a
    shard of a thousand episodes, once per episode, takes longer than reading it."""

    table: pa.Table
    episodes_T: np.ndarray
    is_ordered: bool

    def of_episode(self, episode_index: int) -> pa.Table:
        if not self.is_ordered:
            return self.table.filter(pa.array(self.episodes_T == episode_index, pa.bool_()))
        start, stop = np.searchsorted(self.episodes_T, (episode_index, episode_index + 1))
        return self.table.slice(start, stop - start)


def _numbered(table: pa.Table) -> _NumberedRows:
    episodes_T = number_column(table[EPISODE_INDEX], EPISODE_INDEX)
    is_ordered = bool((episodes_T[1:] >= episodes_T[:-1]).all() and (episodes_T == np.floor(episodes_T)).all())
    return _NumberedRows(table, episodes_T, is_ordered)


def column_array(column: pa.ChunkedArray, name: str) -> np.ndarray:
    """Returns a column as an array of its own type, shape (T, ...): lists become axes, nulls NaN.

    Raises:
        DatasetUnreadable: the lists of the column differ in length.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], array.type)
    return _array(array, name)


def number_column(column: pa.ChunkedArray, name: str) -> np.ndarray:
    """Returns a column of one number per row as float64 (T,), nulls NaN. Raises DatasetUnreadable for any other column."""
    try:
        return column_array(column, name).astype(np.float64).reshape(len(column))
    except (TypeError, ValueError) as error:
        raise DatasetUnreadable(
            f"Column {name!r} does not hold one number per row.", hint="Leave the episode out."
        ) from error


def _array(array: pa.Array, name: str) -> np.ndarray:
    kind = array.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        return _scalars(array)
    if array.null_count:
        width = kind.list_size if pa.types.is_fixed_size_list(kind) else pc.max(pc.list_value_length(array)).as_py()
        return _with_nan_rows(array, width or 0, name)
    shortest, width = _list_lengths(array)
    if shortest != width:
        raise DatasetUnreadable(
            f"Column {name!r} holds lists of {shortest} to {width} values.", hint="Its rows must be equally long."
        )
    values = _array(array.flatten(), name)
    return values.reshape(len(array), width, *values.shape[1:])


def _scalars(array: pa.Array) -> np.ndarray:
    """Returns what `to_numpy` does. That imports pandas, which takes 50 MiB; numbers are had without."""
    kind = array.type
    if array.null_count or not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        return array.to_numpy(zero_copy_only=False)
    if pa.types.is_boolean(kind):
        return np.from_dlpack(array.cast(pa.uint8())).astype(bool)
    return np.from_dlpack(array)


def _list_lengths(array: pa.Array) -> tuple[int, int]:
    """Returns the shortest and the longest list of a column without nulls."""
    if pa.types.is_fixed_size_list(array.type):
        return array.type.list_size, array.type.list_size
    lengths = np.diff(np.from_dlpack(array.offsets))
    return (int(lengths.min()), int(lengths.max())) if len(lengths) else (0, 0)


def _with_nan_rows(array: pa.Array, width: int, name: str) -> np.ndarray:
    present = _array(array.drop_null(), name)
    if present.ndim != 2:
        raise DatasetUnreadable(f"Column {name!r} has rows without a value.", hint="Record it again, or drop it.")
    rows = np.full((len(array), width), np.nan, dtype=np.result_type(present.dtype, np.float32))
    rows[np.asarray(array.is_valid())] = present
    return rows


def _plain(table: pa.Table) -> pa.Table:
    first = {name: position for position, name in reversed(list(enumerate(table.column_names)))}
    table = table.select(sorted(first.values())) if len(first) < table.num_columns else table
    for position, column in enumerate(table.schema):
        if isinstance(column.type, pa.BaseExtensionType):
            stored = table.column(position).cast(column.type.storage_type)
            table = table.set_column(position, column.name, stored)
    return table


def _episode_ranges(path: Path) -> list[tuple[int, int, int]]:
    """Returns (row group, lowest, highest episode index); nothing where there is no such column."""
    schema, _ = read_footer(path)
    if EPISODE_INDEX not in schema.names:
        return []
    values = number_column(read_table(path, [EPISODE_INDEX])[EPISODE_INDEX], EPISODE_INDEX)
    ranges, first = [], 0
    for group, num_rows in enumerate(_footer(path).group_rows):
        known = values[first : first + num_rows]
        low, high = (np.nanmin(known), np.nanmax(known)) if np.isfinite(known).any() else (0.0, -1.0)
        ranges.append((group, int(low), int(high)))
        first += num_rows
    return ranges
