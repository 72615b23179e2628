"""The tables of a v3.0 dataset as they are written: data shards, tasks, episodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.lerobot.schema import column_of, tasks_table, texts
from data_contracts.lerobot.statistics import Statistics
from data_contracts.lerobot.video_shards import CHUNKS_SIZE, VideoPlace

DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
DATA_FILE_MB = 100
GROUP_ROWS, GROUP_BYTES = 2000, 2**20
"""A row group takes whole episodes until it has this many rows or bytes: a group costs more to write and to find than the rows
of a short episode, and what reads one episode reads its group."""
EPISODE_FILE = ("meta/episodes/chunk_index", "meta/episodes/file_index")
"""The table is one file, so both are 0."""


@dataclass
class WrittenEpisode:
    """What the episode table says of an episode. `statistics` by feature; `videos`, by camera, are known at the end."""

    index: int
    task: str
    length: int
    first_row: int
    data: tuple[int, int]
    statistics: dict[str, Statistics]
    videos: dict[str, VideoPlace] = field(default_factory=dict)


class DataShards:
    """Writes the data files: whole episodes to a row group, a new file once the rows of one take DATA_FILE_MB unpacked."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._folder = folder
        self._schema = schema
        self._number = -1
        self._size_bytes = 0
        self._file: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._waiting_rows = self._waiting_bytes = 0

    def append(self, rows: pa.Table) -> tuple[int, int]:
        """Appends the rows of an episode and returns (chunk, file) of where they went."""
        if self._file is None or self._size_bytes + rows.nbytes > DATA_FILE_MB * 1024**2:
            self.close()
            self._number += 1
            self._size_bytes = 0
            chunk, file = divmod(self._number, CHUNKS_SIZE)
            self._file = open_parquet(self._folder / DATA_PATH.format(chunk_index=chunk, file_index=file), self._schema)
        size_bytes = rows.nbytes
        self._waiting.append(rows)
        self._waiting_rows += rows.num_rows
        self._waiting_bytes += size_bytes
        self._size_bytes += size_bytes
        if self._waiting_rows >= GROUP_ROWS or self._waiting_bytes >= GROUP_BYTES:
            self._write_group()
        return divmod(self._number, CHUNKS_SIZE)

    def close(self) -> None:
        """Writes what waits, and the footer, of the file that is open."""
        if self._file is not None:
            self._write_group()
            self._file.close()
            self._file = None

    def _write_group(self) -> None:
        if self._file is not None and self._waiting:
            rows = pa.concat_tables(self._waiting)
            self._file.write_table(rows, row_group_size=max(rows.num_rows, 1))
            self._waiting.clear()
            self._waiting_rows = self._waiting_bytes = 0


def open_parquet(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Returns a writer with LeRobot's settings: snappy, dictionary encoding."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return pq.ParquetWriter(path, schema, compression="snappy", use_dictionary=True)


def write_tasks(folder: Path, tasks: Sequence[str]) -> None:
    """Writes `meta/tasks.parquet`: row k is task k."""
    table = tasks_table(list(tasks))
    with open_parquet(folder / "meta/tasks.parquet", table.schema) as file:
        file.write_table(table)


def write_episodes(folder: Path, episodes: Sequence[WrittenEpisode], fps: int) -> None:
    """Writes the episode table: row k is episode k."""
    first = episodes[0]
    columns = {name: _column(name, [value(episode) for episode in episodes]) for name, value in _values(first, fps)}
    for key, statistics in first.statistics.items():
        for name in statistics:
            columns[f"stats/{key}/{name}"] = _statistic(key, name, episodes)
    columns |= {name: _column(name, [0] * len(episodes)) for name in EPISODE_FILE}
    table = pa.table(columns)
    with open_parquet(folder / EPISODES_PATH.format(chunk_index=0, file_index=0), table.schema) as file:
        file.write_table(table)


def _values(first: WrittenEpisode, fps: int) -> Iterator[tuple[str, Callable[[WrittenEpisode], Any]]]:
    """Yields each column's name, and how its value is found in an episode: all columns at once would be many small lists."""
    yield "episode_index", lambda episode: episode.index
    yield "tasks", lambda episode: episode.task
    yield "length", lambda episode: episode.length
    yield "data/chunk_index", lambda episode: episode.data[0]
    yield "data/file_index", lambda episode: episode.data[1]
    yield "dataset_from_index", lambda episode: episode.first_row
    yield "dataset_to_index", lambda episode: episode.first_row + episode.length
    for key in first.videos:
        yield from _places(key, fps)


def _places(key: str, fps: int) -> Iterator[tuple[str, Callable[[WrittenEpisode], Any]]]:
    yield f"videos/{key}/chunk_index", lambda episode: episode.videos[key].chunk
    yield f"videos/{key}/file_index", lambda episode: episode.videos[key].file
    yield f"videos/{key}/from_timestamp", lambda episode: episode.videos[key].first_frame / fps
    yield (
        f"videos/{key}/to_timestamp",
        lambda episode: (episode.videos[key].first_frame + episode.videos[key].num_frames) / fps,
    )


def _column(name: str, values: list[Any]) -> pa.Array:
    if name == "tasks":  # one text per episode, in a list of its own
        ends = column_of(np.arange(len(values) + 1, dtype=np.int32), pa.int32())
        return pa.ListArray.from_arrays(ends, texts(values))
    dtype = np.float64 if name.endswith("_timestamp") else np.int64
    return column_of(np.array(values, dtype), pa.from_numpy_dtype(dtype))


def _statistic(key: str, name: str, episodes: Sequence[WrittenEpisode]) -> pa.Array:
    """Returns one statistic of every episode as lists of its shape, null where an episode lacks it."""
    dtype = np.int64 if name == "count" else np.float64
    found = [episode.statistics[key].get(name) for episode in episodes]
    kind = pa.from_numpy_dtype(dtype)
    for _ in episodes[0].statistics[key][name].shape:
        kind = pa.list_(kind)
    known = [value for value in found if value is not None]
    if len(known) < len(found):
        return pa.array([None if value is None else value.astype(dtype).tolist() for value in found], type=kind)
    return column_of(np.stack(known).astype(dtype), kind)


def info_json(
    *,
    fps: int,
    robot_type: str | None,
    features: Mapping[str, Any],
    num_episodes: int,
    num_frames: int,
    num_tasks: int,
    video_path: str | None,
    video_file_mb: int = 200,
) -> dict[str, Any]:
    """Returns `meta/info.json` of a v3.0 dataset."""
    return {
        "codebase_version": "v3.0",
        "robot_type": robot_type,
        "total_episodes": num_episodes,
        "total_frames": num_frames,
        "total_tasks": num_tasks,
        "chunks_size": CHUNKS_SIZE,
        "data_files_size_in_mb": DATA_FILE_MB,
        "video_files_size_in_mb": video_file_mb,
        "fps": fps,
        "splits": {"train": f"0:{num_episodes}"},
        "data_path": DATA_PATH,
        "video_path": video_path,
        "features": dict(features),
    }
