"""The statistics that a source publishes: read as they are, to be carried over or judged, never recomputed here.

v2.0 and v3.0 keep one set for the dataset (`meta/stats.json`); v2.1 one per episode (`meta/episodes_stats.jsonl`); v3.0
also one per episode, in the columns `stats/<feature>/<statistic>` of the episode table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from data_contracts.errors import DatasetUnreadable
from data_contracts.findings import Finding
from data_contracts.lerobot.files import DatasetFiles
from data_contracts.lerobot.json_files import read_json_lines, read_json_object, whole_number
from data_contracts.lerobot.parquet_files import read_footer, read_table

STATS = "meta/stats.json"
EPISODES_STATS = "meta/episodes_stats.jsonl"


@dataclass(frozen=True)
class SourceStatistics:
    """`dataset`: feature -> statistic -> value; `episodes`: the same per episode. Either may be empty."""

    dataset: dict[str, Any] = field(default_factory=dict)
    episodes: dict[int, dict[str, Any]] = field(default_factory=dict)
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
    episodes: dict[int, dict[str, Any]] = {}
    if EPISODES_STATS in files:
        rows, odd = read_json_lines(files.path(EPISODES_STATS), EPISODES_STATS)
        findings += odd
        for row in rows:
            index, stats = whole_number(row.get("episode_index")), row.get("stats")
            if index is not None and isinstance(stats, dict):
                episodes[index] = stats
    elif version == "v3.0":
        episodes = _table_statistics(files)
    return SourceStatistics(dataset, episodes, findings)


def _table_statistics(files: DatasetFiles) -> dict[int, dict[str, Any]]:
    episodes: dict[int, dict[str, Any]] = {}
    for name in sorted(files.sizes):
        if not (name.startswith("meta/episodes/chunk-") and name.endswith(".parquet")):
            continue
        try:
            columns = [c for c in read_footer(files.path(name))[0].names if c.startswith("stats/")]
            rows = read_table(files.path(name), ["episode_index", *columns]).to_pylist()
        except DatasetUnreadable:
            continue  # reading the episode table has reported it
        for row in rows:
            index = whole_number(row.pop("episode_index", None))
            if index is not None and index not in episodes:
                episodes[index] = _nested(row)
    return episodes


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    stats: dict[str, Any] = {}
    for column, value in row.items():
        feature, _, statistic = column.removeprefix("stats/").rpartition("/")
        if value is not None:
            stats.setdefault(feature, {})[statistic] = value
    return stats
