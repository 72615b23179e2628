"""Writing a LeRobot v3.0 dataset, episode by episode, so that LeRobot 0.4 loads it frame for frame.

What is decided here: what an episode must have, numbering, tasks, statistics. How tables look is in `tables` and `schema`,
where frames go in `video_shards`. Everything is written below the folder given; making it appear whole or not at all is the
caller's (`data_contracts.stages.run_stage`). The same input gives the same bytes of parquet and JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa

from data_contracts.errors import ContractError
from data_contracts.lerobot.episode import VideoSegment
from data_contracts.lerobot.features import DEFAULT_FEATURES, Feature
from data_contracts.lerobot.images import decode_image
from data_contracts.lerobot.info import INFO
from data_contracts.lerobot.schema import IMAGE_TYPE, column_of, data_schema, stored_features
from data_contracts.lerobot.source_statistics import STATS
from data_contracts.lerobot.statistics import (
    Statistics,
    column_statistics,
    image_statistics,
    joined_statistics,
    numeric_statistics,
    plain,
    sampled_frames,
    usable_image_statistics,
)
from data_contracts.lerobot.tables import DataShards, WrittenEpisode, info_json, write_episodes, write_tasks
from data_contracts.lerobot.video_shards import VIDEO_PATH, CameraVideos, Reencoded, video_info
from data_contracts.lerobot.written_features import camera_entry, vector_entry, whole_fps, written_features
from data_contracts.stages import write_json


class DatasetWriter:
    """Writes one dataset into an empty folder; `with` finishes it, and an exception inside leaves it unfinished.

    Args:
        fps: whole number of frames per second; 30.0 is one, 29.97 is refused.
        features: by key, either `Feature` or entries as in `info.json`; the default features may be among them. Floats are
            written as float32; the shape of a camera is that of its frames.
        video_codec: for frames that are given as arrays or must be encoded again ("av1" or "h264").

    Numbers of all episodes stay in memory until the end, for exact quantiles: four bytes per value.
    """

    def __init__(
        self,
        folder: Path,
        *,
        fps: float,
        robot_type: str | None,
        features: Mapping[str, Feature | Mapping[str, Any]],
        video_codec: str = "av1",
    ) -> None:
        self.folder = Path(folder)
        self.fps = whole_fps(fps)
        self.features = written_features(features)
        self._robot_type = robot_type
        if (self.folder / INFO).exists():
            raise ContractError(f"{folder} holds a dataset already.", hint="Give an empty folder.")
        self._schema = data_schema(self.features)
        self._data = DataShards(self.folder, self._schema)
        self._cameras = {
            key: CameraVideos(self.folder, key, self.fps, video_codec)
            for key, feature in self.features.items()
            if feature.is_video
        }
        self._image_sizes: dict[str, tuple[int, int]] = {}
        self._values: dict[str, list[np.ndarray]] = {}
        self._episodes: list[WrittenEpisode] = []
        self._tasks: dict[str, int] = {}
        self._num_frames = 0

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._data.close()
        if kind is None:
            self._finish()

    @property
    def reencoded(self) -> list[Reencoded]:
        """Which frames had to be encoded again, and why. Complete once the writer is closed."""
        return [entry for camera in self._cameras.values() for entry in camera.reencoded]

    def add_episode(
        self,
        *,
        columns: Mapping[str, np.ndarray | Sequence[Any]],
        task: str,
        videos: Mapping[str, VideoSegment | Iterable[np.ndarray]] | None = None,
        images: Mapping[str, Sequence[bytes]] | None = None,
        image_statistics: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> int:
        """Adds an episode and returns its number.

        Args:
            columns: one array (T, ...) for every feature that is no camera; the default columns are made here.
            task: what the episode shows, as text.
            videos: per video camera, where its T frames lie, or the frames themselves, uint8 (H, W, 3).
            images: per image camera, T encoded images (PNG, JPEG).
            image_statistics: per camera, statistics that the source publishes for this episode; they are kept where they are
                whole and in range. Without them frames are decoded to compute them.

        Raises:
            ContractError: something is missing, too much, or does not fit what was declared or came before.
            VideoUnreadable: frames cannot be opened or decoded.
        """
        videos, images, published = dict(videos or {}), dict(images or {}), dict(image_statistics or {})
        self._check_keys(columns, videos, images)
        arrays = {key: self._array(key, values) for key, values in columns.items()}
        length = _length(arrays, images)
        index = len(self._episodes)
        task_index = self._tasks.get(task, len(self._tasks))
        arrays |= self._default_columns(index, length, task_index)
        statistics = column_statistics({key: array for key, array in arrays.items() if array.dtype != object})
        readable = {key: self._cameras[key].prepare(frames, length) for key, frames in videos.items()}
        sizes = {key: self._image_size(key, contents[0]) for key, contents in images.items()}
        for key in (*videos, *images):
            decode = readable[key].decode if key in readable else _decoder(key, images[key], sizes[key])
            known = usable_image_statistics(published.get(key))
            statistics[key] = known or _statistics_of(decode, length)
        rows = self._rows(arrays, images)
        # Everything that can fail has been done: what was refused leaves no trace in the dataset.
        ordered = {key: statistics[key] for key in (*self.features, *DEFAULT_FEATURES) if key in statistics}
        data = self._data.append(rows)
        self._tasks[task] = task_index
        self._image_sizes |= sizes
        for key, frames in readable.items():
            self._cameras[key].add(frames)
        for key, array in arrays.items():
            if array.dtype != object:
                self._values.setdefault(key, []).append(array)
        self._episodes.append(WrittenEpisode(index, task, length, self._num_frames, data, ordered))
        self._num_frames += length
        return index

    def _check_keys(self, columns: Mapping[str, Any], videos: Mapping[str, Any], images: Mapping[str, Any]) -> None:
        expected = {
            "columns": {key for key, feature in self.features.items() if not feature.is_visual},
            "videos": {key for key, feature in self.features.items() if feature.is_video},
            "images": {key for key, feature in self.features.items() if feature.is_visual and not feature.is_video},
        }
        for what, given in (("columns", columns), ("videos", videos), ("images", images)):
            missing, extra = sorted(expected[what] - set(given)), sorted(set(given) - expected[what])
            if missing or extra:
                lacks = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(extra)}, which was not declared"
                raise ContractError(
                    f"{what} of episode {len(self._episodes)} {lacks}.",
                    hint=f"Declared: {', '.join(sorted(expected[what])) or 'none'}. Default columns are made by the writer.",
                )

    def _array(self, key: str, values: np.ndarray | Sequence[Any]) -> np.ndarray:
        """Returns a column in its declared dtype and shape, or raises ContractError."""
        feature = self.features[key]
        if feature.dtype == "string":
            return np.asarray(values, dtype=object)
        try:
            array = np.asarray(values).astype(feature.dtype)
        except (TypeError, ValueError) as error:
            raise ContractError(f"Column {key!r} holds no {feature.dtype}.", hint=str(error)) from error
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ContractError(
                f"Column {key!r} of episode {len(self._episodes)} holds values that are not finite.",
                hint="They would make the loss NaN: leave the episode or the column out.",
            )
        array = array[:, None] if array.ndim == 1 else array
        if array.shape[1:] != (feature.shape or (1,)):
            raise ContractError(
                f"Column {key!r} has shape {array.shape[1:]} per row; {feature.shape} is declared.",
                hint="Declare the shape that the data has.",
            )
        return array

    def _default_columns(self, index: int, length: int, task_index: int) -> dict[str, np.ndarray]:
        frames = np.arange(length)
        made = {
            "timestamp": frames / self.fps,
            "frame_index": frames,
            "episode_index": np.full(length, index),
            "index": self._num_frames + frames,
            "task_index": np.full(length, task_index),
        }
        return {key: made[key].astype(dtype)[:, None] for key, dtype in DEFAULT_FEATURES.items()}

    def _rows(self, arrays: Mapping[str, np.ndarray], images: Mapping[str, Sequence[bytes]]) -> pa.Table:
        columns = []
        for field in self._schema:
            if field.name in images:
                cells = [{"bytes": content, "path": None} for content in images[field.name]]
                columns.append(pa.array(cells, type=IMAGE_TYPE))
            else:
                columns.append(column_of(arrays[field.name], field.type))
        return pa.table(columns, schema=self._schema)

    def _image_size(self, key: str, content: bytes) -> tuple[int, int]:
        height, width = decode_image(content, f"Frame 0 of {key!r}").shape[:2]
        if self._image_sizes.get(key, (height, width)) != (height, width):
            raise ContractError(
                f"Camera {key!r} has images of {(height, width)}, and of {self._image_sizes[key]} before.",
                hint="All images of a camera need the same size.",
            )
        return height, width

    def _finish(self) -> None:
        if not self._episodes:
            raise ContractError(f"No episode was written to {self.folder}.", hint="Add one before closing the writer.")
        for key, camera in self._cameras.items():
            for episode, place in zip(self._episodes, camera.place(), strict=True):
                episode.videos[key] = place
        write_tasks(self.folder, list(self._tasks))
        write_episodes(self.folder, self._episodes, self.fps)
        write_json(self.folder / STATS, self._dataset_statistics())
        info = info_json(
            fps=self.fps,
            robot_type=self._robot_type,
            features={key: self._entry(feature) for key, feature in self._all_features().items()},
            num_episodes=len(self._episodes),
            num_frames=self._num_frames,
            num_tasks=len(self._tasks),
            video_path=VIDEO_PATH if self._cameras else None,
        )
        write_json(self.folder / INFO, info)

    def _all_features(self) -> dict[str, Feature]:
        return self.features | {k: f for k, f in stored_features(self.features).items() if f.is_default}

    def _dataset_statistics(self) -> dict[str, Any]:
        statistics: dict[str, Any] = {}
        for key, feature in self._all_features().items():
            if feature.is_visual:
                statistics[key] = plain(joined_statistics([episode.statistics[key] for episode in self._episodes]))
            elif key in self._values:
                statistics[key] = plain(numeric_statistics(np.concatenate(self._values[key])))
        return statistics

    def _entry(self, feature: Feature) -> dict[str, Any]:
        """Returns the entry of `info.json` for a feature as it was written."""
        if not feature.is_visual:
            return vector_entry(feature)
        if not feature.is_video:
            return camera_entry("image", *self._image_sizes[feature.key])
        video = self._cameras[feature.key].index
        assert video is not None  # an episode was added, and with it frames of every camera
        is_depth_map = bool(feature.info.get("is_depth_map") or feature.info.get("video.is_depth_map"))
        return camera_entry("video", video.height, video.width, video_info(video, self.fps, is_depth_map=is_depth_map))


def _decoder(key: str, contents: Sequence[bytes], size: tuple[int, int]) -> Callable[[list[int]], list[np.ndarray]]:
    def decode(numbers: list[int]) -> list[np.ndarray]:
        frames = [decode_image(contents[number], f"Frame {number} of {key!r}") for number in numbers]
        if any(frame.shape[:2] != size for frame in frames):
            raise ContractError(f"Images of camera {key!r} differ in size.", hint="Use one size per camera.")
        return frames

    return decode


def _statistics_of(decode: Callable[[list[int]], Iterable[np.ndarray]], length: int) -> Statistics:
    """Returns the statistics of the sampled frames, decoded a few at a time: a long episode does not fit into memory."""
    sampled = sampled_frames(length)
    batches = (sampled[start : start + 32] for start in range(0, len(sampled), 32))
    return image_statistics(frame for batch in batches for frame in decode(batch))


def _length(arrays: Mapping[str, np.ndarray], images: Mapping[str, Sequence[bytes]]) -> int:
    lengths = {key: len(arrays[key]) for key in arrays} | {key: len(images[key]) for key in images}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise ContractError(f"Columns differ in length or are empty: {lengths}.", hint="An episode has T rows in each.")
    return next(iter(lengths.values()))
