"""What the rows of one episode say about themselves, without decoding a frame. Motion and time belong to the detectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

import numpy as np
import pyarrow as pa

from data_contracts.errors import DatasetUnreadable
from data_contracts.findings import Finding, Severity
from data_contracts.lerobot.episodes import EpisodeRecord
from data_contracts.lerobot.features import Feature
from data_contracts.lerobot.json_files import whole_number
from data_contracts.lerobot.parquet_files import column_array, number_column
from data_contracts.lerobot.structure import structure

NEEDED = ("observation.state", "action")
NOT_NUMERIC = ("string", "language", "image", "video")


def check_rows(
    rows: pa.Table, record: EpisodeRecord, features: Mapping[str, Feature], tasks: Mapping[int, str]
) -> list[Finding]:
    """Returns what is wrong with the rows of an episode, as its file holds them."""
    if not rows.num_rows:
        return [
            structure("missing_data", "gate", "The data file holds no rows of the episode.", episodes=[record.index])
        ]
    return [
        *_length(rows, record),
        *_shapes(rows, record, features),
        *_numbering(rows, record),
        *_tasks(rows, record, tasks),
    ]


def _length(rows: pa.Table, record: EpisodeRecord) -> Iterator[Finding]:
    if record.length is not None and record.length != rows.num_rows:
        message = "The data file has another number of rows than the episode table says."
        yield _of(record, "length_mismatch", "warn", message, rows=rows.num_rows, length=record.length)


def _shapes(rows: pa.Table, record: EpisodeRecord, features: Mapping[str, Feature]) -> Iterator[Finding]:
    for key, feature in features.items():
        if key not in rows.column_names or feature.dtype in NOT_NUMERIC:
            continue
        try:
            values = column_array(rows[key], key)
        except DatasetUnreadable as error:
            yield _of(record, "shape_mismatch", "gate", error.message, feature=key)
            continue
        if values.dtype == object:
            message = f"Column {key!r} is declared as {feature.dtype} and holds no numbers."
            yield _of(record, "shape_mismatch", "gate", message, feature=key)
        elif prod(values.shape[1:]) != prod(feature.shape):
            message = f"Column {key!r} has {prod(values.shape[1:])} values per row; {prod(feature.shape)} are declared."
            severity: Severity = "gate" if key in NEEDED and not values.size else "warn"
            yield _of(record, "shape_mismatch", severity, message, feature=key, shape=values.shape[1:])
        elif key not in NEEDED and values.dtype.kind == "f" and not np.isfinite(values).all():
            message = f"Column {key!r} has values that are not finite; it cannot be learned from."
            number = int(np.count_nonzero(~np.isfinite(values)))
            evidence = {"feature": key, "num_values": number}
            yield Finding(
                code="motion.not_finite", severity="warn", episodes=(record.index,), message=message, evidence=evidence
            )


def _numbering(rows: pa.Table, record: EpisodeRecord) -> Iterator[Finding]:
    frames = np.arange(rows.num_rows)
    expected = {
        "frame_index": "0, 1, 2, ...",
        "episode_index": "the episode's number",
        "index": "consecutive numbers from where the episode table says",
    }
    for key, meaning in expected.items():
        if key not in rows.column_names:
            continue
        values = _numbers(rows, key)
        wanted = {
            "frame_index": frames,
            "episode_index": np.full(len(frames), record.index),
            "index": frames + (record.rows[0] if record.rows else values[0]),
        }[key]
        if not np.array_equal(values, wanted):
            message = f"Column {key!r} does not hold {meaning}."
            yield _of(record, "index_not_dense", "warn", message, column=key, first=values[:5].tolist())
        elif key == "index" and record.previous_row is not None and values[0] <= record.previous_row:
            message = "Column 'index' begins anew: its numbers are those of other episodes."
            yield _of(record, "index_not_dense", "warn", message, column=key, first=values[:5].tolist())


def _tasks(rows: pa.Table, record: EpisodeRecord, tasks: Mapping[int, str]) -> Iterator[Finding]:
    if "task_index" not in rows.column_names or not tasks:
        return
    used = [whole_number(value) for value in np.unique(_numbers(rows, "task_index")).tolist()]
    unknown = [number for number in used if number not in tasks]
    if unknown:
        message = "Rows carry a task index that the task table does not list."
        yield _of(record, "task_out_of_range", "warn", message, task_indices=unknown[:20], num_tasks=len(tasks))
    texts = {tasks[number] for number in used if number is not None and number in tasks}
    if record.tasks and not texts <= set(record.tasks):
        message = "The rows' task is not among those that the episode table lists."
        extra = sorted(texts - set(record.tasks))
        yield _of(record, "task_conflict", "warn", message, rows=extra[:5], listed=record.tasks[:5])


def _numbers(rows: pa.Table, key: str) -> np.ndarray:
    try:
        return number_column(rows[key], key)
    except DatasetUnreadable:
        return np.full(rows.num_rows, np.nan)


def _of(record: EpisodeRecord, name: str, severity: Severity, message: str, **evidence: object) -> Finding:
    return structure(name, severity, message, episodes=[record.index], **evidence)
