"""One episode: its rows as arrays, its tasks, and the frames of its cameras."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from data_contracts.errors import DatasetUnreadable, VideoUnreadable, did_you_mean
from data_contracts.lerobot.episodes import EpisodeRecord
from data_contracts.lerobot.parquet_files import column_array, number_column

if TYPE_CHECKING:
    from data_contracts.lerobot.reader import LeRobotDataset

STATE = "observation.state"
ACTION = "action"


@dataclass(frozen=True)
class VideoSegment:
    """Frames `first_frame` to `first_frame + num_frames - 1` of the video file `path`."""

    path: Path
    first_frame: int
    num_frames: int


class Luma(NamedTuple):
    """The brightness of frame `number`: uint8 (H, W) as stored, and the values that stand for black and for white there."""

    number: int
    luma_HW: np.ndarray
    black: int
    white: int


FULL_RANGE = (0, 255)
"""Black and white where every value of a byte is used, as in images."""


class Frames(Protocol):
    """The frames of one camera in one episode, out of a video or out of images."""

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...

    @property
    def codec(self) -> str: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[np.ndarray]: ...

    def decode(self, indices: Sequence[int]) -> np.ndarray: ...

    def luma(self, indices: Sequence[int]) -> Iterator[Luma]: ...


class Episode:
    """Made by `LeRobotDataset.episode`. `columns` are its rows without images; `table` has those too."""

    def __init__(self, dataset: LeRobotDataset, record: EpisodeRecord, columns: pa.Table) -> None:
        self._dataset = dataset
        self._record = record
        self.columns = columns

    @property
    def index(self) -> int:
        return self._record.index

    @property
    def num_frames(self) -> int:
        return self.columns.num_rows

    @property
    def tasks(self) -> tuple[str, ...]:
        return self._record.tasks

    @cached_property
    def task(self) -> str:
        """The text of the task index that most frames carry, else the first text of the episode table, else ""."""
        try:
            numbers = number_column(self.columns["task_index"], "task_index")
        except DatasetUnreadable:
            numbers = np.zeros(0)
        for task_index, _ in Counter(numbers.tolist()).most_common():
            if task_index in self._dataset.tasks:
                return self._dataset.tasks[task_index]
        return self.tasks[0] if self.tasks else ""

    @cached_property
    def table(self) -> pa.Table:
        """The rows of this episode, image columns included."""
        return self._dataset.read_rows(self._record, has_images=True)

    def array(self, key: str) -> np.ndarray:
        """Returns a column as an array of its own dtype, shape (T,) or (T, ...). Raises DatasetUnreadable, KeyError."""
        return column_array(self.columns[key], key)

    @cached_property
    def state_TS(self) -> np.ndarray:  # noqa: N802
        """`observation.state`, float32 (T, S); S is 0 where there is none."""
        return self._vectors(STATE)

    @cached_property
    def action_TA(self) -> np.ndarray:  # noqa: N802
        """`action`, float32 (T, A); A is 0 where there is none."""
        return self._vectors(ACTION)

    @cached_property
    def timestamps_s(self) -> np.ndarray:
        """Seconds as recorded, float64 (T,). Raises DatasetUnreadable where the column holds anything else."""
        return number_column(self.columns["timestamp"], "timestamp")

    def has_video(self, camera_key: str) -> bool:
        """Returns True where this episode has frames of the camera, as a video or as images."""
        return self._dataset.has_frames(camera_key, self.index)

    def video_segment(self, camera_key: str) -> VideoSegment | None:
        """Returns where the frames lie, or None where they are images or missing. Raises VideoUnreadable."""
        return self._dataset.video_segment(camera_key, self.index)

    def frames(self, camera_key: str) -> Frames:
        """Returns the frames of a camera. Raises VideoUnreadable where they are missing or broken."""
        feature = self._dataset.features.get(camera_key)
        if feature is None or not feature.is_visual:
            hint = did_you_mean(camera_key, self._dataset.declared_camera_keys)
            raise VideoUnreadable(f"{self._dataset.root} has no camera {camera_key!r}.", hint=hint)
        if not self.has_video(camera_key):
            raise VideoUnreadable(
                f"Episode {self.index} of {self._dataset.root} has no frames of {camera_key!r}.",
                hint="Fetch the dataset again, or leave the episode out.",
            )
        if camera_key in self._dataset.image_keys:
            return self._images(camera_key)
        from data_contracts.lerobot.video import VideoFrames, video_index

        segment = self.video_segment(camera_key)
        assert segment is not None  # has_video says so
        return VideoFrames(video_index(segment.path), segment.first_frame, segment.num_frames)

    def _images(self, camera_key: str) -> Frames:
        from data_contracts.lerobot.images import ImageFrames

        label = f"{camera_key!r}, episode {self.index} of {self._dataset.root}"
        if camera_key not in self.table.column_names:
            raise VideoUnreadable(f"There is no image column for {label}.", hint="Fetch the dataset again.")
        return ImageFrames(self.table[camera_key], label, self._dataset.files)

    def _vectors(self, key: str) -> np.ndarray:
        if key not in self.columns.column_names:
            return np.zeros((self.num_frames, 0), np.float32)
        try:
            with np.errstate(over="ignore"):  # beyond float32 becomes infinite, which the detectors report
                values = self.array(key).astype(np.float32)
        except (TypeError, ValueError) as error:
            raise DatasetUnreadable(
                f"Column {key!r} of episode {self.index} in {self._dataset.root} holds no numbers.",
                hint="Leave the episode out.",
            ) from error
        return values.reshape(self.num_frames, prod(values.shape[1:]))
