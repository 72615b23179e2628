"""Rows and tables that are wrong in their form: columns, numbering, lengths, tasks, episode tables, statistics."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.bench.curation.copies import (
    ACTION,
    EPISODE_LINES,
    STATE,
    STATISTICS_LINES,
    TASK_LINES,
    TASK_TABLE,
    read_lines,
    replace_table,
    rewrite,
    write_lines,
)  # fmt: skip
from tests.bench.curation.injection import DoesNotFit, Target
from tests.bench.curation.structure_forms import of_dataset, of_episode, with_values
from tests.bench.curation.subjects import has_two_tasks, is_v2, is_v3

STATISTICS = "meta/stats.json"


# --- rows -----------------------------------------------------------------------------------------------------------


def _drop_column(target: Target, key: str, *, everywhere: bool) -> None:
    copy = target.copy
    paths = (copy.root / "data").rglob("*.parquet") if everywhere else [copy.data_file(target.episode)]
    for path in list(paths):
        replace_table(path, pq.read_table(path).drop_columns([key]))


def _add_column(target: Target) -> None:
    for path in list((target.copy.root / "data").rglob("*.parquet")):
        table = pq.read_table(path)
        replace_table(path, table.append_column("next.reward", pa.array(np.zeros(table.num_rows, np.float32))))


def _widen_rows(target: Target) -> None:
    """The state of the episode has one value more than is declared."""
    path = target.copy.data_file(target.episode)
    table = pq.read_table(path)
    values = [[*row, 0.0] for row in table[STATE].to_pylist()]
    column = pa.array(values, pa.list_(pa.float32(), len(values[0])))
    replace_table(path, table.set_column(table.schema.get_field_index(STATE), STATE, column))


def _float_column(target: Target, key: str) -> None:
    for path in list((target.copy.root / "data").rglob("*.parquet")):
        table = pq.read_table(path)
        place = table.schema.get_field_index(key)
        replace_table(path, table.set_column(place, key, table[key].cast(pa.float64())))


def _repeat_column(target: Target) -> None:
    """The table of the rows has two columns of the same name."""
    for path in list((target.copy.root / "data").rglob("*.parquet")):
        table = pq.read_table(path)
        replace_table(path, table.append_column("timestamp", table["timestamp"]))


def _fractional_fps(target: Target) -> None:
    """The rate of television, declared as it is."""
    target.copy.info["fps"] = target.copy.info["fps"] * 1000 / 1001
    target.copy.write_info()


def _gap_in_index(target: Target) -> None:
    """`frame_index` leaves out a number in the middle."""
    rows = target.rows()
    numbers = rows["frame_index"] + (np.arange(len(rows["frame_index"])) > len(rows["frame_index"]) // 2)
    target.set_rows(rows | {"frame_index": numbers})


def _index_from_zero(target: Target) -> None:
    """`index` begins anew in the episode."""
    if target.episode == 0:
        raise DoesNotFit("the first episode begins at 0")
    rows = target.rows()
    target.set_rows(rows | {"index": rows["frame_index"]})


def _unknown_task(target: Target) -> None:
    rows = target.rows()
    target.set_rows(rows | {"task_index": np.full(len(rows["task_index"]), 99)})


def _length(target: Target, by: int) -> None:
    target.copy.episodes[target.episode]["length"] += by
    target.copy.write_episodes()


def _lose_last_rows(target: Target) -> None:
    """Rows at the end of the episode are gone; tables and videos still count them."""
    path = target.copy.data_file(target.episode)
    table = pq.read_table(path)
    replace_table(path, table.slice(0, table.num_rows - 5))


# --- tables ---------------------------------------------------------------------------------------------------------


def _two_tasks_for_one_number(target: Target) -> None:
    path = target.copy.root / TASK_LINES
    lines = read_lines(path)
    write_lines(path, [*lines, lines[0] | {"task": "Do something else entirely"}])


def _other_task_listed(target: Target) -> None:
    """The episode table and the rows' task_index name different tasks."""
    texts = _task_texts(target)
    if len(texts) < 2:
        raise DoesNotFit("one task only")
    row = target.copy.episodes[target.episode]
    row["tasks"] = [next(text for text in texts if text not in row["tasks"])]
    target.copy.write_episodes()


def _task_texts(target: Target) -> list[str]:
    root = target.copy.root
    if target.copy.is_v3:
        return pq.read_table(root / TASK_TABLE)["task"].to_pylist()
    return [line["task"] for line in read_lines(root / TASK_LINES)]


def _second_table(target: Target) -> None:
    """An older episode table lies beside the one in use."""
    table = pq.read_table(target.copy.episode_table)
    replace_table(
        target.copy.root / "meta" / "episodes" / "chunk-000" / "file-001.parquet", table.slice(0, table.num_rows - 2)
    )


def _second_table_of_v2(target: Target) -> None:
    """Line-wise episode table of the old format and a table of the new one, which differ."""
    lines = [
        {"episode_index": row["episode_index"], "tasks": row["tasks"], "length": row["length"]}
        for row in target.copy.episodes
    ]
    write_lines(target.copy.root / EPISODE_LINES, lines[:-2])


def _lose_statistics(target: Target) -> None:
    found = [path for path in (target.copy.root / STATISTICS, target.copy.root / STATISTICS_LINES) if path.is_file()]
    for path in found:
        path.unlink()


def _lose_statistics_of_state(target: Target) -> None:
    _change_statistics(target, lambda stats: {key: value for key, value in stats.items() if key != STATE})


def _camera_without_prefix(target: Target) -> None:
    """Statistics are kept under `observation.<camera>`."""
    camera = target.copy.video_keys[0]
    short = camera.replace("observation.images.", "observation.")
    _change_statistics(target, lambda stats: {short if key == camera else key: value for key, value in stats.items()})


def _change_statistics(target: Target, change) -> None:  # type: ignore[no-untyped-def]
    root = target.copy.root
    if (root / STATISTICS).is_file():
        rewrite(root / STATISTICS, json.dumps(change(json.loads((root / STATISTICS).read_text(encoding="utf-8")))))
    if (root / STATISTICS_LINES).is_file():
        lines = read_lines(root / STATISTICS_LINES)
        write_lines(root / STATISTICS_LINES, [line | {"stats": change(line["stats"])} for line in lines])


INJECTIONS = (
    of_episode("length_mismatch", "table says three more", with_values(_length, 3)),
    of_episode("length_mismatch", "table says one less", with_values(_length, -1)),
    of_episode("length_mismatch", "last rows gone", _lose_last_rows, fits=is_v2),
    of_dataset("missing_column", "no action", with_values(_drop_column, ACTION, everywhere=True)),
    of_dataset("missing_column", "no timestamp", with_values(_drop_column, "timestamp", everywhere=True)),
    of_episode(
        "missing_column", "no action in an episode", with_values(_drop_column, ACTION, everywhere=False), fits=is_v2
    ),
    of_dataset("repeated_column", "two clocks", _repeat_column),
    of_dataset("fractional_fps", "a thousandth slower", _fractional_fps),
    of_dataset("undeclared_column", "a reward", _add_column),
    of_episode("shape_mismatch", "one value too many in an episode", _widen_rows, fits=is_v2),
    of_dataset("missing_stats", "no file", _lose_statistics),
    of_dataset("missing_stats", "without the state", _lose_statistics_of_state),
    of_dataset("wrong_stats_key", "camera without its prefix", _camera_without_prefix),
    of_dataset("index_as_float", "task_index", with_values(_float_column, "task_index")),
    of_dataset("index_as_float", "frame_index", with_values(_float_column, "frame_index")),
    of_episode("index_not_dense", "frame_index leaves out a number", _gap_in_index),
    of_episode("index_not_dense", "index begins anew", _index_from_zero),
    of_episode("task_out_of_range", "task 99", _unknown_task),
    of_dataset("two_episode_tables", "an older table beside it", _second_table, fits=is_v3),
    of_dataset("two_episode_tables", "the old format's table beside it", _second_table_of_v2, fits=is_v3),
    of_dataset("task_conflict", "two texts for a number", _two_tasks_for_one_number, fits=is_v2),
    of_episode("task_conflict", "episode table names another task", _other_task_listed, fits=has_two_tasks),
)
