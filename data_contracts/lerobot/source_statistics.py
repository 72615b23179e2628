"""The statistics that a source publishes: read as they are, to be carried over or judged, never recomputed here.

v2.0 and v3.0 keep one set for the dataset (`meta/stats.json`); v2.1 one per episode (`meta/episodes_stats.jsonl`); v3.0
also one per episode, in the columns `stats/<feature>/<statistic>` of the episode table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from data_contracts.errors import DatasetUnreadable
from data_contracts.findings import Finding
from data_contracts.lerobot.files import DatasetFiles
from data_contracts.lerobot.json_files import iterate_json_lines, read_json_object, whole_number
from data_contracts.lerobot.parquet_files import read_footer, read_table

STATS = "meta/stats.json"
EPISODES_STATS = "meta/episodes_stats.jsonl"


class EpisodeStatistics(Mapping[int, dict[str, Any]]):
    """Feature -> statistic -> value per episode, kept as it is stored and made when asked for: as objects, the statistics of
    50,000 episodes take more than a gigabyte."""

    def __init__(self) -> None:
        self.features: set[str] = set()
        self._stored: dict[int, bytes | tuple[pa.Table, int]] = {}

    def add(self, index: int, stats: dict[str, Any]) -> None:
        """Adds an episode, or takes the place of what was there."""
        self.features |= stats.keys()
        self._stored[index] = json.dumps(stats).encode()

    def add_table(self, table: pa.Table) -> None:
        """Adds the rows of an episode table of v3.0 (`episode_index`, `stats/<feature>/<statistic>`) that are new."""
        for position, value in enumerate(table["episode_index"].to_pylist()):
            index = whole_number(value)
            if index is not None:
                self._stored.setdefault(index, (table, position))
        columns = (name for name in table.column_names if name.startswith("stats/"))
        self.features |= {_parts(name)[0] for name in columns if table[name].null_count < table.num_rows}

    def __getitem__(self, index: int) -> dict[str, Any]:
        stored = self._stored[index]
        if isinstance(stored, bytes):
            return json.loads(stored)
        table, position = stored
        return _nested(table.slice(position, 1).to_pylist()[0])

    def __contains__(self, index: object) -> bool:
        return index in self._stored

    def __iter__(self) -> Iterator[int]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


@dataclass(frozen=True)
class SourceStatistics:
    """`dataset`: feature -> statistic -> value; `episodes`: the same per episode. Either may be empty."""

    dataset: dict[str, Any] = field(default_factory=dict)
    episodes: EpisodeStatistics = field(default_factory=EpisodeStatistics)
    findings: list[Finding] = field(default_factory=list)

    def official(self, version: str) -> dict[str, Any]:
        """Returns the statistics that this version of the format asks for, by feature (v2.1: of its first episode)."""
        return next(iter(self.episodes.values()), {}) if version == "v2.1" else self.dataset


def read_source_statistics(files: DatasetFiles, version: str) -> SourceStatistics:
    """Returns what the source publishes; files that cannot be read are findings."""
    dataset: dict[str, Any] = {}
    findings: list[Finding] = []
    if STATS in files:
        dataset, findings = read_json_object(files.path(STATS), STATS)
    episodes = EpisodeStatistics()
    if EPISODES_STATS in files:
        for row in iterate_json_lines(files.path(EPISODES_STATS), EPISODES_STATS, findings):
            index, stats = whole_number(row.get("episode_index")), row.get("stats")
            if index is not None and isinstance(stats, dict):
                episodes.add(index, stats)
    elif version == "v3.0":
        _add_tables(files, episodes)
    return SourceStatistics(dataset, episodes, findings)


def _add_tables(files: DatasetFiles, episodes: EpisodeStatistics) -> None:
    for name in sorted(files.sizes):
        if not (name.startswith("meta/episodes/chunk-") and name.endswith(".parquet")):
            continue
        try:
            columns = [c for c in read_footer(files.path(name))[0].names if c.startswith("stats/")]
            table = read_table(files.path(name), ["episode_index", *columns])
        except DatasetUnreadable:
            continue  # reading the episode table has reported it
        if "episode_index" in table.column_names:
            episodes.add_table(table)


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    stats: dict[str, Any] = {}
    for column, value in row.items():
        if value is not None and column.startswith("stats/"):
            feature, statistic = _parts(column)
            stats.setdefault(feature, {})[statistic] = value
    return stats


def _parts(column: str) -> tuple[str, str]:
    feature, _, statistic = column.removeprefix("stats/").rpartition("/")
    return feature, statistic
