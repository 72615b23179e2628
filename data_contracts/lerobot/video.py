"""Frames out of video files: which frame lies where, and decoding exactly those that are asked for.

Frames are addressed by number, never by time: a file's packets are listed once, and their presentation times sorted give
frame number -> time stamp without decoding. Reading then seeks to the key frame at or before the wanted frame. PyAV only;
writing video belongs to `remux` and `encode`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np

from data_contracts.errors import VideoUnreadable
from data_contracts.lerobot.episode import FULL_RANGE, Luma
from data_contracts.lerobot.images import MAX_PIXELS
from data_contracts.lerobot.json_files import brief
from data_contracts.lerobot.sample_table import read_sample_table

OPENED_AS = {"format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"}
"""Containers that hold frames. Others (play lists, `ffconcat`) name files elsewhere on the machine, which FFmpeg would open."""
SEEK_AHEAD = 4
"""A key frame that lies no more than this many frames ahead is reached by decoding on: a seek empties the decoder."""
LIMITED_RANGE = (16, 235)
"""Luma of black and of white in nearly every video; a few use the full range of a byte."""
JPEG_RANGE = 2
"""`AVCOL_RANGE_JPEG` of FFmpeg: a frame that uses the full range."""
HAS_8_BIT_LUMA = frozenset(
    {"yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p", "nv12", "gray"}
)  # fmt: skip
"""Pixel formats whose first plane is the luma, a byte each."""


@dataclass(frozen=True, eq=False)
class VideoIndex:
    """What one file holds, known without decoding it.

    `pts` are the presentation time stamps of its frames, ascending, in units of `time_base` seconds; `key_frames` the frame
    numbers at which decoding can start; `decode_order` the frame number of each packet, in the order of the file. `num_lost` are
    frames that the file's own index lists and that are not in it, as where an upload broke off.
    """

    path: Path
    codec: str
    pix_fmt: str
    width: int
    height: int
    fps: Fraction | None
    time_base: Fraction
    has_audio: bool
    pts: np.ndarray
    key_frames: np.ndarray
    decode_order: np.ndarray
    num_lost: int = 0

    @property
    def num_frames(self) -> int:
        return len(self.pts)

    @property
    def times_s(self) -> np.ndarray:
        """Seconds of each frame after the first one of the file, float64."""
        return (self.pts - self.pts[0]) * float(self.time_base) if len(self.pts) else np.zeros(0)

    def frame_at(self, seconds: float, fps: float) -> int:
        """Returns the number of the first frame that lies less than half a frame before `seconds`, or later."""
        return int(np.searchsorted(self.times_s, seconds - 0.5 / fps))

    def key_frame_before(self, frame: int) -> int:
        """Returns the nearest frame at or before `frame` at which decoding can start."""
        position = int(np.searchsorted(self.key_frames, frame, side="right")) - 1
        return int(self.key_frames[position]) if position >= 0 else 0


def video_index(path: Path) -> VideoIndex:
    """Returns what the file holds, from its packets. Remembered per file until it changes. Raises VideoUnreadable."""
    try:
        status = path.stat()
    except OSError as error:
        raise VideoUnreadable(f"{path} cannot be opened: {brief(error)}.", hint="Fetch the file again.") from error
    return _video_index(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=512)
def _video_index(path: Path, _changed_ns: int, _size: int) -> VideoIndex:
    return _of_sample_table(path) or _of_packets(path)


def _of_sample_table(path: Path) -> VideoIndex | None:
    """Returns the index of a regular AV1 file, None for any other."""
    try:
        table = read_sample_table(path) if path.suffix.lower() == ".mp4" else None
    except OSError as error:
        raise VideoUnreadable(f"{path} cannot be opened: {brief(error)}.", hint="Fetch the file again.") from error
    if table is None or table.width * table.height > MAX_PIXELS:
        return None
    return VideoIndex(
        path=path,
        codec="av1",
        pix_fmt="yuv420p",
        width=table.width,
        height=table.height,
        fps=table.fps,
        time_base=table.time_base,
        has_audio=table.has_audio,
        pts=table.pts,
        key_frames=table.key_frames,
        decode_order=np.arange(len(table.pts)),
    )


def _of_packets(path: Path) -> VideoIndex:
    """Returns what the packets of a file say, all of them read. Raises VideoUnreadable where there are none, or where looking
    for a frame leads past it: its list of key frames is damaged."""
    with _opened(path) as (container, stream):
        found = [p for p in container.demux(stream) if p.pts is not None and not p.is_corrupt]
        packets = [p for p in found if not p.is_discard]
        if not packets:
            raise VideoUnreadable(f"{path} holds no whole frame.", hint="Fetch the file again.")
        order = sorted(range(len(packets)), key=lambda position: packets[position].pts)
        key_pts = sorted(packet.pts for packet in packets if packet.is_keyframe)
        for pts in {*key_pts[:1], *key_pts[-1:]}:
            container.seek(pts, stream=stream, backward=True)
            if next((packet.pts for packet in container.demux(stream) if packet.pts is not None), pts + 1) > pts:
                raise VideoUnreadable(f"{path} names its key frames wrongly.", hint="Fetch the file again.")
        return VideoIndex(
            path=path,
            codec=stream.codec_context.codec.canonical_name,
            pix_fmt=stream.codec_context.pix_fmt or "",
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            fps=stream.average_rate,
            time_base=stream.time_base,
            has_audio=bool(container.streams.audio),
            pts=np.array([packets[position].pts for position in order], dtype=np.int64),
            key_frames=np.array([number for number, p in enumerate(order) if packets[p].is_keyframe], dtype=np.int64),
            decode_order=np.argsort(np.array(order, dtype=np.int64)),
            num_lost=max(0, stream.frames - len(found)),
        )


class VideoFrames:
    """The frames of one episode in a video file: `num_frames` of them from `first_frame` on."""

    def __init__(self, index: VideoIndex, first_frame: int = 0, num_frames: int | None = None) -> None:
        self.index = index
        self.first_frame = min(max(first_frame, 0), index.num_frames)
        available = index.num_frames - self.first_frame
        self._num_frames = available if num_frames is None else min(num_frames, available)

    def __len__(self) -> int:
        return self._num_frames

    @property
    def height(self) -> int:
        return self.index.height

    @property
    def width(self) -> int:
        return self.index.width

    @property
    def codec(self) -> str:
        """The codec's canonical name: "av1", "h264", "hevc", "mpeg4", ..."""
        return self.index.codec

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yields every frame in order, uint8 (H, W, 3). Raises VideoUnreadable where one cannot be decoded."""
        for _, frame in self._decoded(range(len(self))):
            yield frame

    def decode(self, indices: Sequence[int]) -> np.ndarray:
        """Returns the frames of these numbers within the episode, uint8 (N, H, W, 3), in the order asked for.

        Numbers may repeat and come in any order; each frame is converted once, and what is decoded on the way to it is at
        most one group of pictures.

        Raises:
            IndexError: a number is not in 0 .. len - 1.
            VideoUnreadable: a frame cannot be decoded.
        """
        numbers = [int(number) for number in indices]
        for number in numbers:
            if not 0 <= number < len(self):
                raise IndexError(f"Frame {number} of {len(self)} was asked for in {self.index.path}.")
        wanted = sorted(set(numbers))
        position = {number: place for place, number in enumerate(wanted)}
        frames = np.empty((len(wanted), self.height, self.width, 3), dtype=np.uint8)
        for number, frame in self._decoded(wanted):
            frames[position[number]] = frame
        places = [position[number] for number in numbers]
        return frames if places == list(range(len(wanted))) else frames[places]

    def luma(self, indices: Sequence[int]) -> Iterator[Luma]:
        """Yields the brightness of these frames of the episode, ascending numbers, in one pass that decodes nothing twice.

        Nothing is converted: the arrays are views that hold until the next one is asked for. Frames that need another start
        than the key frame before them come last. Raises IndexError and VideoUnreadable as `decode` does.
        """
        if len(indices) and not 0 <= min(indices) <= max(indices) < len(self):
            raise IndexError(f"Frames {min(indices)} to {max(indices)} of {len(self)} in {self.index.path}.")
        for number, frame in picked_frames(self.index, [self.first_frame + int(n) for n in indices]):
            yield _luma(self.index, number, frame, number - self.first_frame)

    def _decoded(self, wanted: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Yields (number, frame) for ascending numbers, each exactly once."""
        if not wanted:
            return
        remaining = iter(wanted)
        number = next(remaining)
        for frame_number, frame in decoded_frames(self.index, [self.first_frame + n for n in wanted]):
            yield number, self._pixels(frame, frame_number)
            number = next(remaining, -1)

    def _pixels(self, frame: Any, frame_number: int) -> np.ndarray:
        if (frame.height, frame.width) != (self.height, self.width):
            raise _another_size(self.index, frame_number, f"{frame.width}x{frame.height}")
        return frame.to_ndarray(format="rgb24")


def decoded_frames(index: VideoIndex, numbers: list[int]) -> Iterator[tuple[int, Any]]:
    """Yields (number, decoded frame) for ascending frame numbers of a file."""
    with _opened(index.path) as (container, stream):
        stream.thread_type = "SLICE"  # frame threads would decode ahead of every single frame asked for
        if len(np.unique(index.pts)) < index.num_frames:
            yield from _counted(index, numbers, container, stream)
            return
        number_of = {int(pts): number for number, pts in enumerate(index.pts)}
        decoder, position = None, -1
        for number in numbers:
            start = index.key_frame_before(number)
            if decoder is None or start > position + SEEK_AHEAD:
                decoder, position = _seek(index, start, container, stream), start - 1
            while True:
                frame, position = _advance(decoder, index.pts[number], position, number_of)
                if frame is not None:
                    break
                if start == 0:
                    raise _not_decoded(index, number)
                # The key frame did not lead here (an open group of pictures): start one key frame earlier.
                start = index.key_frame_before(start - 1)
                decoder, position = _seek(index, start, container, stream), start - 1
            yield number, frame


def picked_frames(index: VideoIndex, numbers: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """Yields (number, decoded frame) for ascending frame numbers of a file, and decodes no frame twice.

    One pass over the packets: the decoder is given those between a wanted frame and the key frame before it, and no others,
    so that key frames alone cost what they cost and nothing is sought. Frames to which that key frame did not lead (an open
    group of pictures after a seek) come last. Raises VideoUnreadable where a frame is damaged, also one that was decoded only
    for the sake of others.
    """
    if not len(numbers):
        return
    if len(np.unique(index.pts)) < index.num_frames:
        yield from decoded_frames(index, list(numbers))
        return
    missing = set(numbers)
    for frame in _fed(index, np.asarray(numbers)):
        number = int(np.searchsorted(index.pts, frame.pts)) if frame.pts is not None else -1
        if frame.is_corrupt and number >= numbers[0]:
            missing.add(number)
        elif number in missing and index.pts[number] == frame.pts:
            missing.remove(number)
            yield number, frame
    for number, frame in decoded_frames(index, sorted(missing)) if missing else ():
        if frame.is_corrupt:
            raise _not_decoded(index, number)
        if number in numbers:
            yield number, frame


def _fed(index: VideoIndex, numbers: np.ndarray) -> Iterator[Any]:
    """Yields all frames that come of decoding the groups of pictures up to each wanted frame."""
    position_of = np.argsort(index.decode_order)
    starts = position_of[[index.key_frame_before(number) for number in numbers]]
    ends = position_of[numbers]
    depth = np.zeros(index.num_frames + 1, np.int64)
    np.add.at(depth, starts, 1)
    np.add.at(depth, ends + 1, -1)
    is_needed = np.cumsum(depth)[:-1] > 0
    first, last = int(starts.min()), int(ends.max())
    with _opened(index.path) as (container, stream):
        stream.thread_type = "SLICE"
        if first:
            container.seek(int(index.pts[index.decode_order[first]]), stream=stream, backward=True)
        for packet in container.demux(stream):
            number = int(np.searchsorted(index.pts, packet.pts)) if packet.pts is not None else index.num_frames
            if number == index.num_frames or index.pts[number] != packet.pts:
                continue
            position = int(position_of[number])
            if is_needed[position]:
                yield from packet.decode()
            if position >= last:
                break
        yield from stream.codec_context.decode(None)


def _luma(index: VideoIndex, frame_number: int, frame: Any, number: int) -> Luma:
    if (frame.height, frame.width) != (index.height, index.width):
        raise _another_size(index, frame_number, f"{frame.width}x{frame.height}")
    if frame.format.name not in HAS_8_BIT_LUMA:
        return Luma(number, frame.to_ndarray(format="gray"), *FULL_RANGE)
    plane = frame.planes[0]
    luma_HW = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
    is_full = frame.format.name.startswith(("yuvj", "gray")) or frame.color_range == JPEG_RANGE
    return Luma(number, luma_HW, *(FULL_RANGE if is_full else LIMITED_RANGE))


def _advance(decoder: Iterator[Any], pts: int, position: int, number_of: dict[int, int]) -> tuple[Any | None, int]:
    """Returns the frame with time stamp `pts`, or None once the decoder is past it; and the last frame number seen."""
    for frame in decoder:
        position = max(position, number_of.get(frame.pts, position))
        if frame.pts == pts:
            return frame, position
        if frame.pts is not None and frame.pts > pts:
            break
    return None, position


def _seek(index: VideoIndex, start: int, container: Any, stream: Any) -> Iterator[Any]:
    container.seek(int(index.pts[start]), stream=stream, backward=True)
    return container.decode(stream)


def _counted(index: VideoIndex, numbers: list[int], container: Any, stream: Any) -> Iterator[tuple[int, Any]]:
    """Decodes from the start and counts: for files in which two frames share a time stamp."""
    wanted, last = set(numbers), numbers[-1]
    position = -1
    for position, frame in enumerate(container.decode(stream)):
        if position in wanted:
            yield position, frame
        if position == last:
            return
    raise _not_decoded(index, position + 1)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Opens the first video stream of a file; whatever FFmpeg says becomes VideoUnreadable."""
    try:
        with av.open(str(path), options=OPENED_AS, metadata_errors="replace") as container:
            if not container.streams.video:
                raise VideoUnreadable(f"{path} has no video stream.", hint="Fetch the file again.")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise VideoUnreadable(f"{path} names no codec that can be decoded here.", hint="Fetch the file again.")
            size = f"{stream.codec_context.width}x{stream.codec_context.height}"
            if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
                raise VideoUnreadable(f"{path} has frames of {size}; no camera has.", hint="Encode it smaller.")
            yield container, stream
    except (av.FFmpegError, OSError, ValueError) as error:  # titles that are no text make the bindings raise ValueError
        raise VideoUnreadable(f"{path} cannot be decoded: {brief(error)}.", hint="Fetch the file again.") from error


def _another_size(index: VideoIndex, number: int, found: str) -> VideoUnreadable:
    return VideoUnreadable(
        f"Frame {number} of {index.path} is {found}, the file says {index.width}x{index.height}.",
        hint="Encode the file again at one size.",
    )


def _not_decoded(index: VideoIndex, number: int) -> VideoUnreadable:
    return VideoUnreadable(
        f"Frame {number} of {index.num_frames} in {index.path} cannot be decoded.", hint="Fetch the file again."
    )
