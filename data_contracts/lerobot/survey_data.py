"""Data files of a whole dataset: missing, unreadable, or with other columns than declared. Looks at footers only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from data_contracts.errors import ContractError, DatasetUnreadable
from data_contracts.findings import Finding, Severity
from data_contracts.lerobot.checks import NEEDED
from data_contracts.lerobot.features import DEFAULT_FEATURES
from data_contracts.lerobot.parquet_files import number_column, read_footer, read_table, repeated_columns
from data_contracts.lerobot.schema import written_dtype
from data_contracts.lerobot.structure import null_if_all, structure

if TYPE_CHECKING:
    from data_contracts.lerobot.reader import LeRobotDataset

INDICES = ("frame_index", "episode_index", "index", "task_index")


def survey_data(dataset: LeRobotDataset) -> list[Finding]:
    """Returns findings about the data files and their columns."""
    if not dataset.records:
        return [structure("missing_data", "gate", "The dataset lists no episodes.")]
    return [*_missing(dataset), *_types(dataset), *_columns(dataset), *_row_ranges(dataset), *_row_order(dataset)]


def _missing(dataset: LeRobotDataset) -> Iterator[Finding]:
    every = dataset.episode_indices
    missing = [index for index in every if index not in dataset.locations.data]
    if missing:
        template = dataset.info.get("data_path") or "data/"
        message = (
            f"{len(missing)} of {len(every)} episodes have no data file (data_path of meta/info.json: {template})."
        )
        yield structure("missing_data", "gate", message, episodes=null_if_all(missing, every), first=missing[0])


def _types(dataset: LeRobotDataset) -> Iterator[Finding]:
    """State and action must be numbers by their declaration too. Those declared as cameras are missing, which others say."""
    for key in NEEDED:
        feature = dataset.features.get(key)
        if feature is None or feature.is_visual:
            continue
        try:
            is_number = written_dtype(feature) != "string"
        except ContractError:
            is_number = False
        if not is_number:
            message = f"{key!r} is declared as {feature.dtype[:40]!r}, which is no type of numbers."
            yield structure("shape_mismatch", "gate", message, feature=key, dtype=feature.dtype[:40])


def _columns(dataset: LeRobotDataset) -> Iterator[Finding]:
    every = dataset.episode_indices
    lacking: dict[str, list[int]] = defaultdict(list)
    undeclared: dict[str, list[int]] = defaultdict(list)
    floating: dict[str, list[int]] = defaultdict(list)
    repeated: dict[str, list[int]] = defaultdict(list)
    for name, episodes in _episodes_of(dataset).items():
        if dataset.files.is_lfs_pointer(name):
            continue
        try:
            schema, _ = read_footer(dataset.files.path(name))
        except DatasetUnreadable as error:
            empty = "it is empty" if not dataset.files.sizes[name] else error.message
            message = f"{name} cannot be read: {empty}".rstrip(".") + "."
            whole = null_if_all(episodes, every)
            yield structure("undecodable_parquet", "gate", message, episodes=whole, file=name)
            continue
        for column in expected_columns(dataset) - set(schema.names):
            lacking[column] += episodes
        for column in set(schema.names) - set(dataset.features):
            undeclared[column] += episodes
        for column in repeated_columns(dataset.files.path(name)):
            repeated[column] += episodes
        for column in INDICES:
            if column in schema.names and pa.types.is_floating(schema.field(column).type):
                floating[column] += episodes
    for column, episodes in sorted(lacking.items()):
        made_up = column in DEFAULT_FEATURES
        message = f"The data has no column {column!r}" + ("; it is made up here." if made_up else ".")
        severity: Severity = "gate" if column in NEEDED else "warn"
        yield structure("missing_column", severity, message, episodes=null_if_all(episodes, every), column=column)
    for column, episodes in sorted(undeclared.items()):
        message = f"The data has a column {column!r} that meta/info.json does not declare; LeRobot refuses to load it."
        yield structure("undeclared_column", "warn", message, episodes=null_if_all(episodes, every), column=column)
    for column, episodes in sorted(repeated.items()):
        message = (
            f"The data has more than one column {column!r}; the first is read here, and LeRobot refuses to load it."
        )
        yield structure("repeated_column", "warn", message, episodes=null_if_all(episodes, every), column=column)
    if floating:
        episodes = sorted({episode for found in floating.values() for episode in found})
        message = f"The data stores {', '.join(sorted(floating))} as floats."
        whole = null_if_all(episodes, every)
        yield structure("index_as_float", "note", message, episodes=whole, columns=sorted(floating))


def expected_columns(dataset: LeRobotDataset) -> set[str]:
    """Returns the columns that every data file should have: features without cameras, and the default ones."""
    return {key for key, feature in dataset.features.items() if not feature.is_visual} | set(DEFAULT_FEATURES)


def _episodes_of(dataset: LeRobotDataset) -> dict[str, list[int]]:
    episodes: dict[str, list[int]] = defaultdict(list)
    for index, name in dataset.locations.data.items():
        episodes[name].append(index)
    return episodes


def _row_ranges(dataset: LeRobotDataset) -> Iterator[Finding]:
    """v3 reads rows by global position, so the ranges of the episode table must follow one another without a gap."""
    ranged = [record for record in dataset.records if record.rows]
    gaps = [b.index for a, b in pairwise(ranged) if a.rows and b.rows and a.rows[1] != b.rows[0]]
    if gaps:
        message = "The row ranges of the episode table leave gaps or overlap."
        yield structure("index_not_dense", "warn", message, episodes=gaps)
    unequal = [r.index for r in ranged if r.rows and r.length is not None and r.rows[1] - r.rows[0] != r.length]
    if unequal:
        message = "The row ranges of the episode table do not fit its lengths."
        yield structure("length_mismatch", "warn", message, episodes=unequal)


def _row_order(dataset: LeRobotDataset) -> Iterator[Finding]:
    """v3 reads row k of the sorted shards for index k: any other order gives other rows without an error."""
    if dataset.version != "v3.0":
        return
    position = 0
    for name in sorted(_episodes_of(dataset)):
        try:
            table = read_table(dataset.files.path(name), ["index"])
            index = number_column(table["index"], "index")
        except (DatasetUnreadable, KeyError):
            return  # reported as unreadable, or as a missing column
        if not np.array_equal(index, np.arange(position, position + len(index))):
            message = f"The rows of {name} are not in the order of their index, by which LeRobot finds them."
            yield structure("index_not_dense", "warn", message, file=name)
            return
        position += len(index)
