"""The episode table of the three versions, as one record per episode.

v2 lists episodes in `meta/episodes.jsonl`; v3 in parquet below `meta/episodes/`, with where each one's rows and frames lie.
Statistics columns are left to `source_statistics`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from data_contracts.errors import DatasetUnreadable
from data_contracts.findings import Finding
from data_contracts.lerobot.files import DatasetFiles
from data_contracts.lerobot.json_files import read_json_lines, whole_number
from data_contracts.lerobot.parquet_files import read_footer, read_table
from data_contracts.lerobot.structure import structure

EPISODES_LINES = "meta/episodes.jsonl"
EPISODES_FOLDER = "meta/episodes/"
_SHARD = re.compile(r"^meta/episodes/chunk-\d+/file-\d+\.parquet$")
_VIDEO_COLUMN = re.compile(r"^videos/(?P<key>.+)/(?P<what>chunk_index|file_index|from_timestamp|to_timestamp)$")


@dataclass(frozen=True)
class VideoLocation:
    """Where the frames of an episode lie in a v3 dataset: shard, and seconds inside it (None: not said)."""

    chunk: int
    file: int
    from_s: float | None
    to_s: float | None


@dataclass(frozen=True)
class EpisodeRecord:
    """One row. `rows` is the half-open range of global row numbers; it, `data` and `videos` are v3's only. `previous_row` is
    where the rows of the episode before begin by the lengths listed; None for the first one and where a length is missing."""

    index: int
    tasks: tuple[str, ...] = ()
    length: int | None = None
    data: tuple[int, int] | None = None
    rows: tuple[int, int] | None = None
    videos: Mapping[str, VideoLocation] = field(default_factory=dict)
    previous_row: int | None = None


def read_episodes(files: DatasetFiles, *, is_v3: bool) -> tuple[list[EpisodeRecord], list[Finding]]:
    """Returns the episodes in ascending order and what was odd. The first row of an index counts."""
    tables = _tables(files, is_v3=is_v3)
    if not tables:
        wanted = f"{EPISODES_FOLDER}chunk-000/file-000.parquet" if is_v3 else EPISODES_LINES
        return [], [structure("unreadable_metadata", "warn", f"There is no {wanted}.", file=wanted)]
    records: dict[int, EpisodeRecord] = {}
    sources: dict[int, str] = {}
    findings: list[Finding] = []
    for name in tables:
        rows, odd = _rows(files, name)
        findings += odd
        findings += _float_indices(rows, name)
        repeated, unusable = [], 0
        for row in rows:
            record = _record(row)
            if record is None:
                unusable += 1
            elif record.index in records:
                repeated.append(record.index)
            else:
                records[record.index], sources[record.index] = record, name
        findings += _oddities(name, repeated, unusable, sources)
    ordered = _numbered([records[index] for index in sorted(records)])
    if list(records) != list(range(len(records))) and records:
        message = f"Episodes are not numbered 0 to {len(records) - 1} in order; LeRobot reads them by position."
        findings.append(structure("index_not_dense", "note", message, indices=list(records)[:50]))
    return ordered, findings


def _numbered(records: list[EpisodeRecord]) -> list[EpisodeRecord]:
    numbered, previous, start = [], None, 0
    for record in records:
        numbered.append(replace(record, previous_row=previous))
        if record.length is None:
            return numbered + records[len(numbered) :]
        previous, start = start, start + record.length
    return numbered


def _tables(files: DatasetFiles, *, is_v3: bool) -> list[str]:
    """Returns every episode table, the one that counts first."""
    shards = [name for name in sorted(files.sizes) if name.startswith(EPISODES_FOLDER) and name.endswith(".parquet")]
    official = [name for name in shards if _SHARD.match(name)]
    lines = [EPISODES_LINES] if EPISODES_LINES in files else []
    parquet = official + [name for name in shards if name not in official]
    return parquet + lines if is_v3 else lines + parquet


def _rows(files: DatasetFiles, name: str) -> tuple[list[dict[str, Any]], list[Finding]]:
    if name == EPISODES_LINES:
        return read_json_lines(files.path(name), name)
    try:
        schema, _ = read_footer(files.path(name))
        wanted = [column for column in schema.names if not column.startswith("stats/")]
        return read_table(files.path(name), wanted).to_pylist(), []
    except DatasetUnreadable as error:
        return [], [structure("unreadable_metadata", "warn", f"{name}: {error.message}", file=name)]


def _record(row: dict[str, Any]) -> EpisodeRecord | None:
    index = whole_number(row.get("episode_index"))
    if index is None or index < 0:
        return None
    first, last = whole_number(row.get("dataset_from_index")), whole_number(row.get("dataset_to_index"))
    chunk = whole_number(_either(row, "data/chunk_index", "data_chunk_index"))
    file = whole_number(_either(row, "data/file_index", "data_file_index"))
    return EpisodeRecord(
        index=index,
        tasks=_texts(_either(row, "tasks", "task")),
        length=whole_number(row.get("length")),
        data=None if chunk is None or file is None else (chunk, file),
        rows=None if first is None or last is None else (first, last),
        videos=_video_locations(row),
    )


def _video_locations(row: dict[str, Any]) -> dict[str, VideoLocation]:
    found: dict[str, dict[str, Any]] = {}
    for column, value in row.items():
        matched = _VIDEO_COLUMN.match(column)
        if matched:
            found.setdefault(matched["key"], {})[matched["what"]] = value
    locations = {}
    for key, values in found.items():
        chunk, file = whole_number(values.get("chunk_index")), whole_number(values.get("file_index"))
        if chunk is not None and file is not None:
            start, end = values.get("from_timestamp"), values.get("to_timestamp")
            locations[key] = VideoLocation(chunk, file, _seconds(start), _seconds(end))
    return locations


def _oddities(name: str, repeated: list[int], unusable: int, sources: dict[int, str]) -> Iterable[Finding]:
    if unusable:
        message = f"{name}: {unusable} rows have no usable episode_index and were left out."
        yield structure("unreadable_metadata", "warn", message, file=name, rows=unusable)
    elsewhere = sorted({sources[index] for index in repeated} - {name})
    if elsewhere:
        message = f"{name} lists {len(repeated)} episodes that {elsewhere[0]} lists already; the latter counts."
        yield structure("two_episode_tables", "warn", message, tables=[*elsewhere, name], repeated=len(repeated))
    elif repeated:
        message = f"{name} lists episode {repeated[0]} more than once; its first row counts."
        yield structure("index_not_dense", "warn", message, episodes=repeated, file=name)


def _float_indices(rows: list[dict[str, Any]], name: str) -> Iterable[Finding]:
    columns = sorted({c for row in rows for c in ("episode_index", "length") if isinstance(row.get(c), float)})
    if columns:
        message = f"{name} stores {' and '.join(columns)} as floats."
        yield structure("index_as_float", "note", message, file=name, columns=columns)


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, (list, tuple)) else ()


def _either(row: dict[str, Any], first: str, second: str) -> Any:
    return row.get(first) if row.get(first) is not None else row.get(second)


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and value == value else None
