"""Writing small mp4 files as robot datasets have them. Needs PyAV, not MuJoCo. Reading is `data_contracts.lerobot`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from data_contracts.errors import SimulationError

ENCODERS = {
    "av1": ("libsvtav1", {"preset": "10", "crf": "30", "svtav1-params": "lp=1"}),
    "h264": ("libx264", {"preset": "veryfast", "crf": "23"}),
}
"""Codec name as datasets declare it -> (encoder, options). One thread: the same frames then give the same bytes."""
KEY_FRAME_INTERVAL = 2
"""LeRobot's choice: random access is cheap, files are larger."""
PIXEL_FORMAT = "yuv420p"


def write_video(path: Path, frames: Iterable[np.ndarray], fps: float, codec: str) -> None:
    """Writes uint8 (H, W, 3) frames as mp4 with its index in front, one key frame in every two frames.

    Raises:
        SimulationError: unknown codec, no frames, or odd sides (4:2:0 video has none).
    """
    if codec not in ENCODERS:
        raise SimulationError(f"No encoder for {codec!r}.", hint=f"Known: {', '.join(ENCODERS)}.")
    os.environ.setdefault("SVT_LOG", "1")  # errors only; the encoder otherwise prints a banner per file
    import av

    frames = iter(frames)
    first = next(frames, None)
    if first is None or first.shape[0] % 2 or first.shape[1] % 2:
        shape = "no frames" if first is None else f"frames of {first.shape[0]}x{first.shape[1]}"
        raise SimulationError(f"Cannot write {path.name} from {shape}.", hint="Give frames with even sides.")
    encoder, options = ENCODERS[codec]
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream(
            encoder, rate=Fraction(fps).limit_denominator(1001), options=options | {"g": str(KEY_FRAME_INTERVAL)}
        )
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = PIXEL_FORMAT
        stream.thread_count = 1
        for frame in _chained(first, frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())


def _chained(first: np.ndarray, rest: Iterable[np.ndarray]) -> Iterable[np.ndarray]:
    yield first
    yield from rest
