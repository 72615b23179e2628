"""Files and metadata that are wrong. Defects of the dataset as a whole, or of the rows and files of single episodes."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.bench.curation.copies import (
    ACTION,
    EPISODE_LINES,
    INFO,
    STATE,
    STATISTICS_LINES,
    TASK_LINES,
    TASK_TABLE,
    read_lines,
    replace_table,
    rewrite,
    write_lines,
)  # fmt: skip
from tests.bench.curation.injection import DoesNotFit, Target, single
from tests.bench.curation.subjects import has_two_cameras, has_two_tasks, is_v2, is_v3

STATISTICS = "meta/stats.json"


def _pointer(size: int) -> str:
    digest = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {size}\n"


# --- whether it is a dataset ----------------------------------------------------------------------------------------


def _no_info(target: Target) -> None:
    (target.copy.root / INFO).unlink()


def _cut_info(target: Target) -> None:
    text = (target.copy.root / INFO).read_text(encoding="utf-8")
    rewrite(target.copy.root / INFO, text[: len(text) // 2])


def _version(target: Target, version: str) -> None:
    target.copy.info["codebase_version"] = version
    target.copy.write_info()


def _cut_episode_lines(target: Target) -> None:
    """The last line of the episode table is half written."""
    path = target.copy.root / EPISODE_LINES
    rewrite(path, path.read_text(encoding="utf-8")[:-30])


# --- files ----------------------------------------------------------------------------------------------------------


def _lose_rows(target: Target) -> None:
    target.copy.data_file(target.episode).unlink()


def _lose_all_rows(target: Target) -> None:
    for path in (target.copy.root / "data").rglob("*.parquet"):
        path.unlink()


def _lose_video(target: Target) -> None:
    path = target.copy.video_file(target.episode, target.camera())
    assert path is not None
    path.unlink()


def _lose_cameras(target: Target) -> None:
    for path in (target.copy.root / "videos").rglob("*.mp4"):
        path.unlink()


def _cut_rows(target: Target) -> None:
    path = target.copy.data_file(target.episode)
    rewrite(path, path.read_bytes()[: path.stat().st_size // 2])


def _zero_rows(target: Target) -> None:
    """The pages of the parquet file are zeros, its footer is whole."""
    path = target.copy.data_file(target.episode)
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 4] = bytes(len(content) // 4 - 4)
    rewrite(path, bytes(content))


def _point_at_rows(target: Target) -> None:
    path = target.copy.data_file(target.episode)
    rewrite(path, _pointer(path.stat().st_size))


def _point_at_video(target: Target) -> None:
    path = target.copy.video_file(target.episode, target.camera())
    assert path is not None
    rewrite(path, _pointer(path.stat().st_size))


def _stray_tree(target: Target) -> None:
    """Another set of the same videos lies where no template leads."""
    for episode in range(3):
        camera = target.copy.video_keys[0]
        path = target.copy.video_file(episode, camera)
        if path is None:
            raise DoesNotFit("no video file of its own")
        rewrite(target.copy.root / "videos_old" / camera / f"clip_{episode}.mp4", path.read_bytes())


def _stray_pictures(target: Target) -> None:
    """The recorder's staging folder was pushed too."""
    camera = target.copy.video_keys[0]
    for frame in range(5):
        rewrite(
            target.copy.root / "images" / camera / "episode_000000" / f"frame_{frame:06d}.png",
            b"\x89PNG\r\n\x1a\n" + bytes(200),
        )


# --- cameras --------------------------------------------------------------------------------------------------------


def _declare_camera(target: Target) -> None:
    features = target.copy.info["features"]
    features["observation.images.overhead"] = json.loads(json.dumps(features[target.copy.video_keys[0]]))
    target.copy.write_info()


def _forget_camera(target: Target) -> None:
    if len(target.copy.video_keys) < 2:
        raise DoesNotFit("one camera only")
    del target.copy.info["features"][target.copy.video_keys[-1]]
    target.copy.write_info()


def _channels_first(target: Target) -> None:
    for key in target.copy.video_keys:
        feature = target.copy.info["features"][key]
        height, width, channels = feature["shape"]
        feature["shape"], feature["names"] = [channels, height, width], ["channels", "height", "width"]
    target.copy.write_info()


def _channels_first_unsaid(target: Target) -> None:
    """The shape is turned and the names still say height, width, channel."""
    feature = target.copy.info["features"][target.copy.video_keys[0]]
    height, width, channels = feature["shape"]
    feature["shape"] = [channels, height, width]
    target.copy.write_info()


# --- what info.json says --------------------------------------------------------------------------------------------


def _template(target: Target, key: str) -> None:
    target.copy.info[key] = f"records/{target.copy.info[key]}"
    target.copy.write_info()


def _template_swapped(target: Target) -> None:
    """The episode's number stands where the chunk's belongs."""
    info = target.copy.info
    info["data_path"] = info["data_path"].replace("{episode_chunk:03d}", "{episode_index:03d}")
    target.copy.write_info()


def _count(target: Target, key: str, by: int) -> None:
    target.copy.info[key] += by
    target.copy.write_info()


def _split(target: Target, splits: dict[str, str]) -> None:
    number = len(target.copy.episodes)
    target.copy.info["splits"] = {name: text.format(n=number, more=number + 10) for name, text in splits.items()}
    target.copy.write_info()


def _names(target: Target, change) -> None:  # type: ignore[no-untyped-def]
    for key in (STATE, ACTION):
        feature = target.copy.info["features"][key]
        names = feature["names"]
        while isinstance(names, dict):
            names = next(iter(names.values()))
        feature["names"] = change(list(names))
    target.copy.write_info()


def _declare_wider(target: Target) -> None:
    feature = target.copy.info["features"][STATE]
    feature["shape"] = [feature["shape"][0] + 1]
    target.copy.write_info()


def _rename_feature(target: Target, key: str, other: str) -> None:
    """The column and its declaration bear a name that no policy looks for."""
    copy = target.copy
    copy.info["features"] = {other if name == key else name: value for name, value in copy.info["features"].items()}
    copy.write_info()
    for path in (copy.root / "data").rglob("*.parquet"):
        table = pq.read_table(path)
        replace_table(path, table.rename_columns([other if name == key else name for name in table.column_names]))


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


def _with(inject, *values, **named):  # type: ignore[no-untyped-def]
    return lambda target: inject(target, *values, **named)


def _dataset(code: str, form: str, inject, **more):  # type: ignore[no-untyped-def]
    return single(f"structure.{code}", form, inject, scope="dataset", **more)


def _episode(code: str, form: str, inject, **more):  # type: ignore[no-untyped-def]
    return single(f"structure.{code}", form, inject, **more)


SEEN = {"looks": "videos"}
INJECTIONS = (
    _dataset("not_lerobot", "no meta/info.json", _no_info),
    _dataset("unreadable_metadata", "meta/info.json cut", _cut_info),
    _dataset("unreadable_metadata", "episodes.jsonl cut", _cut_episode_lines, fits=is_v2),
    _dataset("unknown_version", "v1.6", _with(_version, "v1.6")),
    _dataset("unknown_version", "v4.0", _with(_version, "v4.0")),
    _episode("missing_data", "rows of an episode", _lose_rows, fits=is_v2),
    _dataset("missing_data", "all rows", _lose_all_rows),
    _episode("missing_video", "a video of an episode", _lose_video, **SEEN),
    _dataset(
        "missing_video",
        "all videos",
        _lose_cameras,
        **SEEN,
        also=frozenset({"structure.declared_camera_without_files"}),
    ),
    _episode("undecodable_parquet", "file cut", _cut_rows, fits=is_v2),
    _episode("undecodable_parquet", "pages zeroed", _zero_rows, fits=is_v2),
    _dataset("declared_camera_without_files", "a camera too many", _declare_camera, **SEEN),
    _dataset("files_without_declared_camera", "a camera not declared", _forget_camera, **SEEN, fits=has_two_cameras),
    _dataset("path_template", "data elsewhere", _with(_template, "data_path")),
    _dataset("path_template", "videos elsewhere", _with(_template, "video_path"), **SEEN),
    _dataset("path_template", "episode where the chunk belongs", _template_swapped, fits=is_v2),
    _dataset("stray_files", "another tree of videos", _stray_tree, **SEEN),
    _dataset("stray_files", "staged pictures", _stray_pictures),
    _episode("lfs_pointer", "in place of rows", _point_at_rows, fits=is_v2),
    _episode("lfs_pointer", "in place of a video", _point_at_video, **SEEN),
    _dataset("count_mismatch", "episodes", _with(_count, "total_episodes", -2)),
    _dataset("count_mismatch", "frames", _with(_count, "total_frames", 1)),
    _dataset("count_mismatch", "tasks", _with(_count, "total_tasks", 1)),
    _episode("length_mismatch", "table says three more", _with(_length, 3)),
    _episode("length_mismatch", "table says one less", _with(_length, -1)),
    _episode("length_mismatch", "last rows gone", _lose_last_rows, fits=is_v2),
    _dataset("split_out_of_range", "ten episodes too many", _with(_split, {"train": "0:{more}"})),
    _dataset("split_out_of_range", "in one of two", _with(_split, {"train": "0:5", "test": "5:{more}"})),
    _dataset("missing_column", "no action", _with(_drop_column, ACTION, everywhere=True)),
    _dataset("missing_column", "no timestamp", _with(_drop_column, "timestamp", everywhere=True)),
    _episode("missing_column", "no action in an episode", _with(_drop_column, ACTION, everywhere=False), fits=is_v2),
    _dataset("repeated_column", "two clocks", _repeat_column),
    _dataset("fractional_fps", "a thousandth slower", _fractional_fps),
    _dataset("undeclared_column", "a reward", _add_column),
    _dataset("shape_mismatch", "one value too many declared", _declare_wider),
    _episode("shape_mismatch", "one value too many in an episode", _widen_rows, fits=is_v2),
    _dataset("names_nested", "in a list", _with(_names, lambda names: [names])),
    _dataset("names_missing", "none", _with(_names, lambda names: None)),
    _dataset("image_shape_order", "channels first", _channels_first),
    _dataset("image_shape_order", "channels first, names say otherwise", _channels_first_unsaid),
    _dataset("missing_stats", "no file", _lose_statistics),
    _dataset("missing_stats", "without the state", _lose_statistics_of_state),
    _dataset("wrong_stats_key", "camera without its prefix", _camera_without_prefix),
    _dataset("index_as_float", "task_index", _with(_float_column, "task_index")),
    _dataset("index_as_float", "frame_index", _with(_float_column, "frame_index")),
    _episode("index_not_dense", "frame_index leaves out a number", _gap_in_index),
    _episode("index_not_dense", "index begins anew", _index_from_zero),
    _episode("task_out_of_range", "task 99", _unknown_task),
    _dataset("two_episode_tables", "an older table beside it", _second_table, fits=is_v3),
    _dataset("two_episode_tables", "the old format's table beside it", _second_table_of_v2, fits=is_v3),
    _dataset("task_conflict", "two texts for a number", _two_tasks_for_one_number, fits=is_v2),
    _episode("task_conflict", "episode table names another task", _other_task_listed, fits=has_two_tasks),
    _dataset("nonstandard_feature_name", "state", _with(_rename_feature, STATE, "state")),
    _dataset("nonstandard_feature_name", "actions", _with(_rename_feature, ACTION, "actions")),
)
