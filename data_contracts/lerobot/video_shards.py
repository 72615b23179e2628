"""Where the frames of one camera go: which source files become which shards, and how (linked, copied, encoded).

Decided when all episodes are known. Episodes that follow one another in the same source file stay in one shard; a shard
never holds frames of two source files, so one codec and one clock per file need no checking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data_contracts.errors import ContractError, VideoUnreadable
from data_contracts.lerobot.encode import encode_frames, encode_video
from data_contracts.lerobot.episode import VideoSegment
from data_contracts.lerobot.remux import copy_frames, is_copyable, is_steady, link_or_copy
from data_contracts.lerobot.video import VideoFrames, VideoIndex, decoded_frames, video_index

MAX_SHARD_S = 1000.0
"""LeRobot compares times in float32, whose steps reach its tolerance of 1e-4 s at 1024 s."""

CHUNKS_SIZE = 1000
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"


@dataclass(frozen=True)
class VideoPlace:
    """Where an episode's frames lie: shard, and the half-open range of frames in it."""

    chunk: int
    file: int
    first_frame: int
    num_frames: int


@dataclass(frozen=True)
class Reencoded:
    """Frames that were encoded again, which loses a little of them: of which episode and camera, and why."""

    episode_index: int
    camera_key: str
    reason: str


class FramesLost(VideoUnreadable):
    """Frames of an episode turned out to be damaged while they were encoded again, after its rows had been written."""

    def __init__(self, episode_index: int, error: VideoUnreadable) -> None:
        super().__init__(error.message, hint="Write the dataset again without this episode.")
        self.episode_index = episode_index


@dataclass(frozen=True)
class _Source:
    """What of a source file has to be remembered, so that it need not be opened again to be linked."""

    num_frames: int
    is_linkable: bool


@dataclass
class _Run:
    """Episodes that follow one another in a source file."""

    path: Path
    first_frame: int
    lengths: list[int] = field(default_factory=list)

    @property
    def num_frames(self) -> int:
        return sum(self.lengths)

    def is_followed_by(self, segment: VideoSegment) -> bool:
        return segment.path == self.path and segment.first_frame == self.first_frame + self.num_frames


class CameraVideos:
    """Collects the frames of one camera, episode by episode, and places them with `place`."""

    def __init__(self, folder: Path, camera_key: str, fps: int, codec: str) -> None:
        self._folder = folder
        self._camera_key = camera_key
        self._fps = fps
        self._codec = codec
        self._segments: list[VideoSegment] = []
        self._sources: dict[Path, _Source] = {}
        self._encoded: set[Path] = set()
        self.index: VideoIndex | None = None
        self.reencoded: list[Reencoded] = []

    def prepare(self, frames: VideoSegment | Iterable[np.ndarray], num_frames: int) -> VideoFrames:
        """Returns the frames of the next episode, readable. Arrays are encoded now, segments looked into.

        Raises:
            ContractError: not `num_frames` frames, or of another size than the episodes before.
            VideoUnreadable: the segment's file cannot be opened.
        """
        segment = frames if isinstance(frames, VideoSegment) else self._encode(frames)
        video = video_index(segment.path)
        available = min(segment.num_frames, video.num_frames - segment.first_frame)
        if available != num_frames:
            raise ContractError(
                f"Camera {self._camera_key!r} has {available} frames for an episode of {num_frames} rows ({segment.path}).",
                hint="Leave the episode out, or cut rows and frames to the same length.",
            )
        first = self.index or video
        if (video.width, video.height) != (first.width, first.height):
            raise ContractError(
                f"Camera {self._camera_key!r} is {video.width}x{video.height} in {segment.path}, "
                f"{first.width}x{first.height} before.",
                hint="All episodes of a dataset need the same size.",
            )
        return VideoFrames(video, segment.first_frame, num_frames)

    def add(self, frames: VideoFrames) -> None:
        """Takes what `prepare` returned as the next episode's."""
        video = frames.index
        self.index = self.index or video
        if video.path not in self._sources:
            is_linkable = video.path.suffix.lower() == ".mp4" and is_steady(video, self._fps)
            self._sources[video.path] = _Source(video.num_frames, is_linkable)
        self._segments.append(VideoSegment(video.path, frames.first_frame, len(frames)))

    def place(self) -> list[VideoPlace]:
        """Writes all shards and returns where each episode's frames lie in them."""
        places: list[VideoPlace] = []
        for number, run in enumerate(self._shards()):
            chunk, file = divmod(number, CHUNKS_SIZE)
            name = VIDEO_PATH.format(video_key=self._camera_key, chunk_index=chunk, file_index=file)
            self._write(run, self._folder / name, len(places))
            before = 0
            for length in run.lengths:
                places.append(VideoPlace(chunk, file, before, length))
                before += length
        for path in self._encoded:
            path.unlink(missing_ok=True)
        return places

    def _encode(self, frames: Iterable[np.ndarray]) -> VideoSegment:
        # A file of ours: `place` moves it, or removes it where its episode was refused. The name cannot meet a shard's.
        path = self._folder / "videos" / self._camera_key / f"episode-{len(self._segments):06d}.mp4"
        self._encoded.add(path)
        count = encode_video(frames, path, fps=self._fps, codec=self._codec)
        return VideoSegment(path, 0, count)

    def _shards(self) -> Iterator[_Run]:
        for run in self._runs():
            if self._is_whole(run) or is_copyable(video_index(run.path), run.first_frame, run.num_frames):
                yield run
                continue
            first = run.first_frame
            for length in run.lengths:
                yield _Run(run.path, first, [length])
                first += length

    def _runs(self) -> Iterator[_Run]:
        longest = int(MAX_SHARD_S * self._fps)
        run: _Run | None = None
        for segment in self._segments:
            if run and run.is_followed_by(segment) and run.num_frames + segment.num_frames <= longest:
                run.lengths.append(segment.num_frames)
                continue
            if run:
                yield run
            run = _Run(segment.path, segment.first_frame, [segment.num_frames])
        if run:
            yield run

    def _write(self, run: _Run, target: Path, episode_index: int) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if run.path in self._encoded:
            run.path.replace(target)
        elif self._is_whole(run) and self._sources[run.path].is_linkable:
            link_or_copy(run.path, target)
        else:
            video = video_index(run.path)
            reason = self._copy(run, video, target)
            if reason:
                target.unlink(missing_ok=True)
                self._encode_again(run, video, target, episode_index)
                for offset in range(len(run.lengths)):
                    self.reencoded.append(Reencoded(episode_index + offset, self._camera_key, reason))

    def _encode_again(self, run: _Run, video: VideoIndex, target: Path, episode_index: int) -> None:
        numbers = list(range(run.first_frame, run.first_frame + run.num_frames))
        done = 0

        def frames() -> Iterator[Any]:
            nonlocal done
            for _, frame in decoded_frames(video, numbers):
                yield frame
                done += 1

        try:
            encode_frames(frames(), target, self._fps, self._codec)
        except VideoUnreadable as error:
            offset = int(np.searchsorted(np.cumsum(run.lengths), done, side="right"))
            raise FramesLost(episode_index + offset, error) from error

    def _is_whole(self, run: _Run) -> bool:
        return run.first_frame == 0 and run.num_frames == self._sources[run.path].num_frames

    def _copy(self, run: _Run, video: VideoIndex, target: Path) -> str | None:
        """Copies packets to `target`; returns why that cannot be done, or None."""
        if not is_copyable(video, run.first_frame, run.num_frames):
            return f"frames {run.first_frame} to {run.first_frame + run.num_frames - 1} cannot be cut at key frames"
        try:
            copy_frames(video, run.first_frame, run.num_frames, target, self._fps)
        except VideoUnreadable as error:
            return error.message
        return None


def video_info(video: VideoIndex, fps: int, *, is_depth_map: bool) -> dict[str, Any]:
    """Returns the `info` block of a video feature (lerobot 0.4, `get_video_info`)."""
    return {
        "video.height": video.height,
        "video.width": video.width,
        "video.codec": video.codec,
        "video.pix_fmt": video.pix_fmt,
        "video.is_depth_map": is_depth_map,
        "video.fps": fps,
        "video.channels": 1 if video.pix_fmt.startswith("gray") else 3,
        "has_audio": video.has_audio,
    }
