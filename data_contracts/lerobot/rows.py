"""The rows of one episode, whole: read from its file, with the default columns that are missing made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from data_contracts.errors import DatasetUnreadable
from data_contracts.lerobot.episodes import EpisodeRecord
from data_contracts.lerobot.features import DEFAULT_FEATURES
from data_contracts.lerobot.images import is_image_column
from data_contracts.lerobot.parquet_files import ShardReader, read_footer, read_table


def read_episode_rows(
    reader: ShardReader, path: Path, record: EpisodeRecord, *, is_shard: bool, first_row: int, has_images: bool
) -> pa.Table:
    """Returns the rows of an episode as its file holds them.

    Args:
        is_shard: the file may hold other episodes too; otherwise all of its rows are taken.
        first_row: global number of the file's first row, for shards without an `episode_index` column.
        has_images: image columns are left out otherwise.

    Raises:
        DatasetUnreadable: the file cannot be read, or does not say which rows are the episode's.
    """
    columns = None if has_images else columns_without_images(path)
    if not is_shard:
        return read_table(path, columns)
    rows = reader.episode_rows(path, record.index, columns)
    if rows is not None:
        return rows
    if record.rows is None:
        raise DatasetUnreadable(
            f"{path} has no episode_index, and the episode table has no row range for episode {record.index}.",
            hint="One of them must say which rows belong to the episode.",
        )
    start, stop = (max(row - first_row, 0) for row in record.rows)
    return read_table(path, columns).slice(start, max(stop - start, 0))


def columns_without_images(path: Path) -> list[str]:
    """Returns the columns of a data file that hold no images. Raises DatasetUnreadable."""
    schema, _ = read_footer(path)
    return [field.name for field in schema if not is_image_column(field.type)]


def with_default_columns(rows: pa.Table, record: EpisodeRecord, fps: float, task_index: int) -> pa.Table:
    """Returns the rows with every default column that they lack: frame numbers, times at a steady rate, one task."""
    frames = np.arange(rows.num_rows)
    start = record.rows[0] if record.rows else 0
    made_up = {
        "timestamp": frames / fps,
        "frame_index": frames,
        "episode_index": np.full(len(frames), record.index),
        "index": start + frames,
        "task_index": np.full(len(frames), task_index),
    }
    for name, dtype in DEFAULT_FEATURES.items():
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.array(made_up[name].astype(dtype)))
    return rows
