"""Every fault that was met in real datasets, made in a tiny one, with the code that it must be reported under.

A row is a fault and a function that makes it. Before the damage the dataset has none of the code (so it is the damage that is
reported), and `test_each_fault_is_missed_without_its_guard` switches checks off one at a time: exactly one hides the fault. Faults of pictures,
clocks and texts are in `tests/curation/quality`; those of one file each, in more detail, in `test_defects_of_*`.
"""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.lerobot import checks, open_dataset, reader, survey, survey_cameras, survey_data, survey_files
from data_contracts.lerobot import info as info_module
from data_contracts.lerobot.locations import Locations

CAMERA = "observation.images.front"
Damage = Callable[[Path], None]
V3_DATA, V3_EPISODES = "data/chunk-000/file-000.parquet", "meta/episodes/chunk-000/file-000.parquet"


def v2_data(episode: int) -> str:
    return f"data/chunk-000/episode_{episode:06d}.parquet"


def v2_video(episode: int) -> str:
    return f"videos/chunk-000/{CAMERA}/episode_{episode:06d}.mp4"


def rows(name: str, change: Callable[[pa.Table], pa.Table]) -> Damage:
    """Damage to the table in one parquet file."""
    return lambda folder: pq.write_table(change(pq.ParquetFile(folder / name).read()), folder / name)


def column(name: str, key: str, values: object) -> Damage:
    return rows(name, lambda t: t.set_column(t.column_names.index(key), key, pa.array(values)))


def info(**changes: object) -> Damage:
    def change(folder: Path) -> None:
        path = folder / "meta/info.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def feature(key: str, **changes: object) -> Damage:
    def change(folder: Path) -> None:
        features = json.loads((folder / "meta/info.json").read_text())["features"]
        features[key] = features.get(key, {}) | changes
        info(features=features)(folder)

    return change


def without_feature(key: str) -> Damage:
    def change(folder: Path) -> None:
        features = json.loads((folder / "meta/info.json").read_text())["features"]
        features.pop(key)
        info(features=features)(folder)

    return change


def lines(name: str, change: Callable[[list[dict]], list[dict]]) -> Damage:
    """Damage to the rows of a JSON lines file."""

    def write(folder: Path) -> None:
        made = change([json.loads(line) for line in (folder / name).read_text().splitlines()])
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in made))

    return write


def content(name: str, made: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(made)


def removed(name: str) -> Damage:
    def remove(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return remove


def copied(name: str, to: str) -> Damage:
    def copy(folder: Path) -> None:
        (folder / to).parent.mkdir(parents=True, exist_ok=True)
        path = folder / name
        shutil.copytree(path, folder / to) if path.is_dir() else shutil.copy(path, folder / to)

    return copy


def plain_tasks(folder: Path) -> None:
    pq.write_table(
        pa.table({"task_index": [0, 1], "task": ["Pick up the cube", "Open the drawer"]}), folder / "meta/tasks.parquet"
    )


def shuffled_tasks(folder: Path) -> None:
    index = pd.Index(["Open the drawer", "Pick up the cube"], name="task")
    pd.DataFrame({"task_index": [1, 0]}, index=index).to_parquet(folder / "meta/tasks.parquet")


def renamed_statistic(folder: Path) -> None:
    path = folder / "meta/stats.json"
    stats = json.loads(path.read_text())
    path.write_text(json.dumps({key.replace(".images", ""): value for key, value in stats.items()}))


def long_video(table: pa.Table) -> pa.Table:
    for name, ends in (("from_timestamp", [0.0, 0.8, 1100.0]), ("to_timestamp", [0.8, 1.4, 1101.0])):
        key = f"videos/{CAMERA}/{name}"
        table = table.set_column(table.column_names.index(key), key, pa.array(ends))
    return table


NESTED = [["shoulder.pos", "elbow.pos", "gripper.pos"]]
SWAPPED = "data/chunk-{episode_index:03d}/episode_{episode_chunk:06d}.parquet"
EVERY = (0, 1, 2)

# fault, version, damage, code, episodes (None: the whole dataset)
FAULTS: list[tuple[str, str, Damage, str, tuple[int, ...] | None]] = [
    # traps (what makes LeRobot read something else than what is there)
    ("rows out of index order", "v3.0", rows(V3_DATA, lambda t: t.take([*range(8, 24), *range(8)])), "index_not_dense", None),
    ("row ranges with a gap", "v3.0", column(V3_EPISODES, "dataset_from_index", [0, 9, 14]), "index_not_dense", (1,)),
    ("tasks.parquet without pandas metadata", "v3.0", plain_tasks, "unreadable_metadata", None),
    ("tasks.parquet in another order", "v3.0", shuffled_tasks, "index_not_dense", None),
    ("a missing column", "v2.1", rows(v2_data(1), lambda t: t.drop_columns(["action"])), "missing_column", (1,)),
    ("an undeclared column", "v2.1", rows(v2_data(2), lambda t: t.append_column("next.done", pa.array([False] * 10))), "undeclared_column", (2,)),
    ("a default column that is not declared", "v2.1", without_feature("index"), "undeclared_column", None),
    ("a language column that is not declared", "v3.0", rows(V3_DATA, lambda t: t.append_column("language_events", pa.array([[{"role": "user", "content": "x"}]] * 24))), "undeclared_column", None),
    ("a subtask column that is not declared", "v3.0", rows(V3_DATA, lambda t: t.append_column("subtask_index", pa.array([0] * 24))), "undeclared_column", None),
    ("one column twice", "v2.1", rows(v2_data(0), lambda t: t.append_column("action", t["action"])), "repeated_column", (0,)),
    ("a camera without names", "v2.1", feature(CAMERA, names=None), "names_missing", None),
    ("a rate of 29.97", "v2.1", info(fps=29.97), "fractional_fps", None),
    ("a rate below one", "v2.1", info(fps=0.5), "fractional_fps", None),
    ("episodes beyond 17 minutes of a file", "v3.0", rows(V3_EPISODES, long_video), "long_shard", (2,)),
    ("a recorder that was not finalised", "v3.0", content(V3_DATA, b"PAR1" + bytes(400)), "undecodable_parquet", None),
    ("an upload that broke off", "v2.1", content(v2_data(1), b""), "undecodable_parquet", (1,)),
    ("statistics without the images segment", "v2.0", renamed_statistic, "wrong_stats_key", None),
    ("an impossible chunks_size", "v2.1", info(chunks_size=0), "unreadable_metadata", None),
    # met in the wild
    ("no statistics", "v2.0", removed("meta/stats.json"), "missing_stats", None),
    ("no statistics per episode", "v2.1", removed("meta/episodes_stats.jsonl"), "missing_stats", None),
    ("statistics of some episodes", "v2.1", lines("meta/episodes_stats.jsonl", lambda all_: all_[:2]), "missing_stats", (2,)),
    ("videos twice, in a tree of other names", "v2.1", copied(f"videos/chunk-000/{CAMERA}", "videos/chunk-000/front_flat"), "stray_files", None),
    ("backups of metadata", "v2.1", copied("meta/episodes.jsonl", "meta/episodes.jsonl.bak"), "stray_files", None),
    ("videos of a camera that is not declared", "v2.1", copied(f"videos/chunk-000/{CAMERA}", "videos/chunk-000/observation.images.side"), "files_without_declared_camera", None),
    ("a camera whose folder differs by one letter", "v2.1", feature("observation.images.frnt", dtype="video", shape=[32, 48, 3], names=["height", "width", "channels"]), "declared_camera_without_files", None),
    ("a video that is missing", "v2.1", removed(v2_video(1)), "missing_video", (1,)),
    ("no videos at all", "v2.1", removed("videos"), "missing_video", None),
    ("data that is missing", "v2.1", removed(v2_data(2)), "missing_data", (2,)),
    ("pointers of Git LFS", "v2.1", content(v2_video(0), b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), "lfs_pointer", (0,)),
    ("names one list too deep", "v2.1", feature("observation.state", names=NESTED), "names_nested", None),
    ("a path template with its parts swapped", "v2.1", info(data_path=SWAPPED), "path_template", None),
    ("split 0:100 of three episodes", "v2.1", info(splits={"train": "0:100"}), "split_out_of_range", None),
    ("totals of another dataset", "v2.1", info(total_frames=999), "count_mismatch", None),
    ("no frame_index", "v2.1", rows(v2_data(0), lambda t: t.drop_columns(["frame_index"])), "missing_column", (0,)),
    ("lengths as floats", "v2.1", lines("meta/episodes.jsonl", lambda all_: [row | {"length": float(row["length"])} for row in all_]), "index_as_float", None),
    ("task numbers as floats", "v2.1", lines("meta/tasks.jsonl", lambda all_: [row | {"task_index": float(row["task_index"])} for row in all_]), "index_as_float", None),
    ("row numbers as floats", "v2.1", column(v2_data(1), "index", np.arange(8.0, 14.0)), "index_as_float", (1,)),
    ("two episode tables", "v3.0", copied(V3_EPISODES, "meta/episodes/episodes.parquet"), "two_episode_tables", None),
    ("episodes that are not numbered from 0", "v2.1", lines("meta/episodes.jsonl", lambda all_: all_[1:]), "index_not_dense", None),
    ("rows of another length than listed", "v2.1", rows(v2_data(0), lambda t: t.slice(0, 5)), "length_mismatch", (0,)),
    ("two episodes that share frames", "v3.0", column(V3_EPISODES, f"videos/{CAMERA}/from_timestamp", [0.0, 0.3, 1.4]), "length_mismatch", (0, 1)),
    ("frames that are not counted up", "v2.1", column(v2_data(0), "frame_index", [0, 1, 2, 4, 5, 6, 7, 8]), "index_not_dense", (0,)),
    ("tasks that nobody listed", "v2.1", column(v2_data(2), "task_index", [7] * 10), "task_out_of_range", (2,)),
    ("a task other than the one listed", "v2.1", column(v2_data(0), "task_index", [1] * 8), "task_conflict", (0,)),
    ("a shape with channels first", "v2.1", feature(CAMERA, shape=[3, 32, 48]), "image_shape_order", None),
    ("a width other than declared", "v2.1", feature("observation.state", shape=[7], names=None), "shape_mismatch", EVERY),
    ("vectors of differing length", "v2.1", column(v2_data(1), "observation.state", [[1.0]] * 5 + [[1.0, 2.0]]), "shape_mismatch", (1,)),
    ("a state declared as text", "v2.1", feature("observation.state", dtype="string"), "shape_mismatch", None),
    ("keys of another stack", "v2.1", feature("wrist_image", dtype="video", shape=[32, 48, 3]), "nonstandard_feature_name", None),
    ("keys with a slash", "v2.1", feature("observation/image", dtype="video", shape=[32, 48, 3]), "nonstandard_feature_name", None),
    ("broken lines of JSON", "v2.1", lambda folder: (folder / "meta/episodes.jsonl").open("a").write("{"), "unreadable_metadata", None),
]  # fmt: skip
IDS = [fault for fault, *_ in FAULTS]


def found(folder: Path) -> dict[str, set]:
    """Returns code -> what each finding of it names."""
    dataset = open_dataset(folder)
    codes: dict[str, set] = {}
    for finding in [*dataset.findings, *(f for i in dataset.episode_indices for f in dataset.check_episode(i))]:
        named = codes.setdefault(finding.code.removeprefix("structure."), set())
        named |= {None} if finding.episodes is None else set(finding.episodes)
    return codes


@pytest.mark.parametrize(("fault", "version", "damage", "code", "episodes"), FAULTS, ids=IDS)
def test_each_fault_is_reported_under_its_code(tiny, fault, version, damage, code, episodes) -> None:
    folder = tiny(version)
    before = found(folder).get(code, set())
    damage(folder)
    assert before == set()
    named = found(folder).get(code, set())
    assert None in named if episodes is None else named == set(episodes)


def nothing(*_: object) -> list:
    return []


def silent(read: Callable) -> Callable:
    """Returns a reader that reads as before and says nothing about it."""

    def quiet(*arguments: object, **options: object) -> object:
        made = read(*arguments, **options)
        return replace(made, findings=[]) if isinstance(made, Locations) else (made[0], [])

    return quiet


GUARDS: list[list[tuple[ModuleType, str]]] = [
    *([(survey_data, name)] for name in ("_columns", "_missing", "_row_order", "_row_ranges", "_types")),
    *([(survey_cameras, name)] for name in ("_missing", "_absent", "_lfs_pointers", "_shared_frames", "_long_shards")),
    *([(survey_files, name)] for name in ("_leftovers", "_undeclared_cameras")),
    *([(survey, name)] for name in ("survey_counts", "survey_splits", "survey_statistics")),
    *([(checks, name)] for name in ("_shapes", "_numbering", "_length", "_tasks")),
    *([(reader, name)] for name in ("read_tasks", "read_episodes", "locate")),
    [(info_module, "parse_features")],
]
"""Each check on its own, by module and name."""


def speaks_of(guard: list[tuple[ModuleType, str]], code: str) -> bool:
    """True where the code stands in the source of a check, or in the module of a reader: others cannot be the one."""
    for module, name in guard:
        function = getattr(module, name)
        source = inspect.getsource(inspect.getmodule(function) if module in (reader, info_module, survey) else function)
        if f'"{code}"' in source:
            return True
    return False


def is_found_without(folder: Path, guard: list[tuple[ModuleType, str]], code: str) -> bool:
    with pytest.MonkeyPatch.context() as patched:
        for module, name in guard:
            is_reader = module in (reader, info_module)
            patched.setattr(module, name, silent(getattr(module, name)) if is_reader else nothing)
        return code in found(folder)


@pytest.mark.parametrize(("fault", "version", "damage", "code", "episodes"), FAULTS, ids=IDS)
def test_each_fault_is_missed_without_its_guard(tiny, fault, version, damage, code, episodes) -> None:
    """One check alone stands behind each row: switched off, the fault passes."""
    folder = tiny(version)
    damage(folder)
    candidates = [guard for guard in GUARDS if speaks_of(guard, code)]
    guards = [guard for guard in candidates if not is_found_without(folder, guard, code)]
    assert len(guards) == (0 if fault in SAID_TWICE else 1)


SAID_TWICE = ("a recorder that was not finalised", "row ranges with a gap")
"""By two checks that look at different things: the footer and its rows, the table of episodes and the rows' own index."""
