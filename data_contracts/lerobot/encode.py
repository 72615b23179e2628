"""Encoding frames into an mp4, with the settings that LeRobot records with. Slow: copying is `remux`."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from data_contracts.errors import ContractError

# SVT-AV1 writes thirty lines to stderr per video, past every logger; 1 leaves its errors. It is read when a stream opens.
os.environ.setdefault("SVT_LOG", "1")

PIX_FMT = "yuv420p"
ENCODERS = {
    # lp=1: with its usual fifty threads SVT-AV1 4.1 waits for itself for ever in about one of two thousand short videos on a busy
    # machine; with the fewest it was not seen to, in seven thousand. The bytes are the same, and so is the time.
    "av1": ("libsvtav1", {"g": "2", "crf": "30", "preset": "12", "svtav1-params": "lp=1"}),
    # Without mbtree: its look-ahead gives other bytes from one encoding to the next, and two-frame groups gain nothing by it.
    "h264": ("libx264", {"g": "2", "crf": "23", "preset": "veryfast", "x264-params": "mbtree=0"}),
}
"""Codec -> encoder and options. av1: LeRobot's defaults. h264: about five times faster to decode, and larger."""


def encode_video(frames: Iterable[np.ndarray], path: Path, *, fps: int, codec: str = "av1") -> int:
    """Writes uint8 frames (H, W, 3) as a video at `path` and returns how many there were. Lossy.

    Raises:
        ContractError: no frames, frames of odd or differing sizes, another dtype, or an unknown codec.
    """
    return encode_frames(
        (av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in _checked(frames)), path, fps, codec
    )


def encode_frames(frames: Iterator[Any], path: Path, fps: int, codec: str) -> int:
    """Writes decoded `av.VideoFrame`s one after the other, `fps` per second, and returns how many there were."""
    if codec not in ENCODERS:
        raise ContractError(f"Video codec {codec!r} is not written.", hint=f"Known: {', '.join(ENCODERS)}.")
    first = next(frames, None)
    if first is None:
        raise ContractError(f"No frames were given for {path.name}.", hint="An episode has at least one.")
    encoder, options = ENCODERS[codec]
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with av.open(str(path), "w", options={"movflags": "faststart"}) as output:
        stream: Any = output.add_stream(encoder, rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, PIX_FMT
        with _own_priority():
            output.start_encoding()
        for frame in _chained(first, frames):
            frame.pts, frame.time_base, frame.pict_type = count, Fraction(1, fps), 0
            output.mux(stream.encode(frame))
            count += 1
        output.mux(stream.encode())
    return count


@contextmanager
def _own_priority() -> Iterator[None]:
    """Leaves the caller its scheduling policy, and gives it to threads that begin inside: for root, SVT-AV1 makes its threads and
    the caller's real-time ones, which stops everything else on the machine, and leaves them so."""
    if not hasattr(os, "sched_setscheduler"):
        yield
        return
    own = os.sched_getscheduler(0), os.sched_getparam(0)
    others = _threads() - {threading.get_native_id()}
    try:
        yield
    finally:
        for thread in _threads() - others:
            with suppress(OSError):  # it has ended
                os.sched_setscheduler(thread, *own)


def _threads() -> set[int]:
    return {int(entry.name) for entry in Path("/proc/self/task").iterdir()}


def _chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _checked(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    shape = None
    for number, frame in enumerate(frames):
        shape = shape or frame.shape
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or frame.shape != shape:
            raise ContractError(
                f"Frame {number} is {frame.dtype} {frame.shape}; the first one is {shape}.",
                hint="Frames are uint8 (height, width, 3), all of one size.",
            )
        if shape[0] % 2 or shape[1] % 2:
            raise ContractError(
                f"Frames of {shape[1]}x{shape[0]} cannot be encoded.", hint="Use an even width and height."
            )
        yield np.ascontiguousarray(frame)
