"""Files and metadata that are wrong: of the dataset as a whole, or those of single episodes. For rows and tables see `inject_tables`."""

from __future__ import annotations

import json

import pyarrow.parquet as pq

from tests.bench.curation.copies import (
    ACTION,
    EPISODE_LINES,
    INFO,
    STATE,
    replace_table,
    rewrite,
)  # fmt: skip
from tests.bench.curation.injection import DoesNotFit, Target
from tests.bench.curation.structure_forms import of_dataset, of_episode, with_values
from tests.bench.curation.subjects import has_two_cameras, is_v2

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


SEEN = {"looks": "videos"}
INJECTIONS = (
    of_dataset("not_lerobot", "no meta/info.json", _no_info),
    of_dataset("unreadable_metadata", "meta/info.json cut", _cut_info),
    of_dataset("unreadable_metadata", "episodes.jsonl cut", _cut_episode_lines, fits=is_v2),
    of_dataset("unknown_version", "v1.6", with_values(_version, "v1.6")),
    of_dataset("unknown_version", "v4.0", with_values(_version, "v4.0")),
    of_episode("missing_data", "rows of an episode", _lose_rows, fits=is_v2),
    of_dataset("missing_data", "all rows", _lose_all_rows),
    of_episode("missing_video", "a video of an episode", _lose_video, **SEEN),
    of_dataset(
        "missing_video",
        "all videos",
        _lose_cameras,
        **SEEN,
        also=frozenset({"structure.declared_camera_without_files"}),
    ),
    of_episode("undecodable_parquet", "file cut", _cut_rows, fits=is_v2),
    of_episode("undecodable_parquet", "pages zeroed", _zero_rows, fits=is_v2),
    of_dataset("declared_camera_without_files", "a camera too many", _declare_camera, **SEEN),
    of_dataset("files_without_declared_camera", "a camera not declared", _forget_camera, **SEEN, fits=has_two_cameras),
    of_dataset("path_template", "data elsewhere", with_values(_template, "data_path")),
    of_dataset("path_template", "videos elsewhere", with_values(_template, "video_path"), **SEEN),
    of_dataset("path_template", "episode where the chunk belongs", _template_swapped, fits=is_v2),
    of_dataset("stray_files", "another tree of videos", _stray_tree, **SEEN),
    of_dataset("stray_files", "staged pictures", _stray_pictures),
    of_episode("lfs_pointer", "in place of rows", _point_at_rows, fits=is_v2),
    of_episode("lfs_pointer", "in place of a video", _point_at_video, **SEEN),
    of_dataset("count_mismatch", "episodes", with_values(_count, "total_episodes", -2)),
    of_dataset("count_mismatch", "frames", with_values(_count, "total_frames", 1)),
    of_dataset("count_mismatch", "tasks", with_values(_count, "total_tasks", 1)),
    of_dataset("split_out_of_range", "ten episodes too many", with_values(_split, {"train": "0:{more}"})),
    of_dataset("split_out_of_range", "in one of two", with_values(_split, {"train": "0:5", "test": "5:{more}"})),
    of_dataset("shape_mismatch", "one value too many declared", _declare_wider),
    of_dataset("names_nested", "in a list", with_values(_names, lambda names: [names])),
    of_dataset("names_missing", "none", with_values(_names, lambda names: None)),
    of_dataset("image_shape_order", "channels first", _channels_first),
    of_dataset("image_shape_order", "channels first, names say otherwise", _channels_first_unsaid),
    of_dataset("nonstandard_feature_name", "state", with_values(_rename_feature, STATE, "state")),
    of_dataset("nonstandard_feature_name", "actions", with_values(_rename_feature, ACTION, "actions")),
)
