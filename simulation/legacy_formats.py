"""Writes LeRobot datasets in the two formats that nobody writes any more, v2.0 and v2.1, as their recorders did.

Serves the sample community and tests. v3.0 is written by `data_contracts.lerobot.DatasetWriter`. Needs no MuJoCo.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data_contracts.errors import SimulationError
from data_contracts.stages import write_json
from simulation.legacy_statistics import aggregate, image_statistics, numeric_statistics

VERSIONS = ("v2.0", "v2.1")
DATA_PATH = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
VIDEO_PATH = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
DEFAULT_FEATURES: dict[str, dict[str, Any]] = {
    "timestamp": {"dtype": "float32", "shape": [1], "names": None},
    "frame_index": {"dtype": "int64", "shape": [1], "names": None},
    "episode_index": {"dtype": "int64", "shape": [1], "names": None},
    "index": {"dtype": "int64", "shape": [1], "names": None},
    "task_index": {"dtype": "int64", "shape": [1], "names": None},
}


@dataclass(frozen=True)
class LegacyEpisode:
    """One episode to write. `columns` hold (T, n) arrays by feature key; a "timestamp" (T,) among them replaces the clock."""

    columns: Mapping[str, np.ndarray]
    task: str
    videos: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Camera key -> uint8 (T, H, W, 3)."""


def vector_feature(names: Iterable[str]) -> dict[str, Any]:
    """Returns the declaration of a float32 vector whose values are called `names`."""
    names = list(names)
    return {"dtype": "float32", "shape": [len(names)], "names": names}


def video_feature(height: int, width: int, fps: float, codec: str) -> dict[str, Any]:
    """Returns the declaration of a camera."""
    info = {
        "video.fps": fps,
        "video.height": height,
        "video.width": width,
        "video.channels": 3,
        "video.codec": codec,
        "video.pix_fmt": "yuv420p",
        "video.is_depth_map": False,
        "has_audio": False,
    }
    return {"dtype": "video", "shape": [height, width, 3], "names": ["height", "width", "channel"], "info": info}


def write_v2(
    folder: Path,
    *,
    version: str,
    fps: float,
    robot_type: str | None,
    features: Mapping[str, Mapping[str, Any]],
    episodes: Iterable[LegacyEpisode],
    codec: str = "h264",
    chunks_size: int = 1000,
) -> None:
    """Writes a whole dataset into `folder`, which is made. Episodes are numbered as they come and taken one at a time.

    Args:
        features: vector and video features by key, as info.json declares them; the five default ones are added.
        codec: "h264" or "av1", of every video.
        chunks_size: episodes per chunk folder.

    Raises:
        SimulationError: unknown version, or an episode without a declared feature.
    """
    if version not in VERSIONS:
        raise SimulationError(f"{version!r} is not a legacy format.", hint=f"Known: {', '.join(VERSIONS)}.")
    writer = _Writer(folder, fps, features, codec, chunks_size)
    for episode in episodes:
        writer.add(episode)
    writer.write_metadata(version, robot_type)


class _Writer:
    """Keeps count while episodes are written; metadata comes last, when everything is known."""

    def __init__(
        self, folder: Path, fps: float, features: Mapping[str, Mapping[str, Any]], codec: str, chunks_size: int
    ) -> None:
        self._folder, self._fps, self._codec, self._chunks_size = folder, fps, codec, chunks_size
        self._features = {key: dict(feature) for key, feature in features.items()} | DEFAULT_FEATURES
        self._video_keys = [key for key, feature in features.items() if feature["dtype"] == "video"]
        self._tasks: dict[str, int] = {}
        self._episodes: list[dict[str, Any]] = []
        self._statistics: list[dict[str, dict[str, Any]]] = []
        self._num_frames = 0

    def add(self, episode: LegacyEpisode) -> None:
        index = len(self._episodes)
        columns = self._columns(episode, index)
        length = len(columns["index"])
        self._write_data(index, columns)
        statistics = {key: numeric_statistics(values) for key, values in columns.items()}
        for key in self._video_keys:
            self._write_video(self._path(VIDEO_PATH, index, video_key=key), episode.videos[key])
            statistics[key] = image_statistics(episode.videos[key])
        self._statistics.append(statistics)
        self._episodes.append({"episode_index": index, "tasks": [episode.task], "length": length})
        self._num_frames += length

    def _columns(self, episode: LegacyEpisode, index: int) -> dict[str, np.ndarray]:
        own = [key for key in self._features if key not in DEFAULT_FEATURES and key not in self._video_keys]
        missing = [key for key in own if key not in episode.columns]
        missing += [key for key in self._video_keys if key not in episode.videos]
        if missing:
            raise SimulationError(f"Episode {index} lacks {', '.join(missing)}.", hint="Give every declared feature.")
        columns = {key: np.asarray(episode.columns[key], self._features[key]["dtype"]) for key in own}
        length = len(next(iter(columns.values())))
        frame_index = np.arange(length)
        task_index = self._tasks.setdefault(episode.task, len(self._tasks))
        clock = episode.columns.get("timestamp", frame_index / self._fps)
        return columns | {
            "timestamp": np.asarray(clock, np.float32),
            "frame_index": frame_index,
            "episode_index": np.full(length, index),
            "index": frame_index + self._num_frames,
            "task_index": np.full(length, task_index),
        }

    def _write_data(self, index: int, columns: Mapping[str, np.ndarray]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        arrays = [
            pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
            if values.ndim == 2
            else pa.array(values)
            for values in columns.values()
        ]
        declared = {"info": {"features": {key: _arrow_type_of(values) for key, values in columns.items()}}}
        table = pa.table(arrays, names=list(columns))
        path = self._path(DATA_PATH, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(declared)}), path)

    def _write_video(self, path: Path, frames: np.ndarray) -> None:
        from data_contracts.lerobot.encode import encode_video

        # Files count whole frames a second; a dataset of 29.97 says so in info.json alone.
        encode_video(frames, path, fps=round(self._fps), codec=self._codec)

    def _path(self, template: str, index: int, **values: str) -> Path:
        chunk = index // self._chunks_size
        return self._folder / template.format(episode_chunk=chunk, episode_index=index, **values)

    def write_metadata(self, version: str, robot_type: str | None) -> None:
        meta = self._folder / "meta"
        tasks = [{"task_index": index, "task": task} for task, index in self._tasks.items()]
        write_json_lines(meta / "tasks.jsonl", tasks)
        write_json_lines(meta / "episodes.jsonl", self._episodes)
        if version == "v2.0":
            write_json(meta / "stats.json", aggregate(self._statistics))
        else:
            rows = [{"episode_index": i, "stats": statistics} for i, statistics in enumerate(self._statistics)]
            write_json_lines(meta / "episodes_stats.jsonl", rows)
        write_json(meta / "info.json", self._info(version, robot_type))

    def _info(self, version: str, robot_type: str | None) -> dict[str, Any]:
        num_episodes = len(self._episodes)
        return {
            "codebase_version": version,
            "robot_type": robot_type,
            "total_episodes": num_episodes,
            "total_frames": self._num_frames,
            "total_tasks": len(self._tasks),
            "total_videos": num_episodes * len(self._video_keys),
            "total_chunks": -(-num_episodes // self._chunks_size),
            "chunks_size": self._chunks_size,
            "fps": self._fps,
            "splits": {"train": f"0:{num_episodes}"},
            "data_path": DATA_PATH,
            "video_path": VIDEO_PATH if self._video_keys else None,
            "features": self._features,
        }


def write_json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes one JSON object per line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _arrow_type_of(values: np.ndarray) -> dict[str, Any]:
    """Returns how the `datasets` library of that time described such a column in the parquet schema."""
    value = {"dtype": str(values.dtype), "_type": "Value"}
    return {"feature": value, "length": values.shape[1], "_type": "Sequence"} if values.ndim == 2 else value
