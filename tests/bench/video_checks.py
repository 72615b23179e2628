"""How fast pictures are checked against how fast they can be decoded at all: `python tests/bench/video_checks.py`.

Writes two clips of 480x640 (AV1 with a key frame at every second frame, as LeRobot records; H.264 with one in 250), then decodes
the frames that the probe asks for, with nothing done to them, and probes them. Both in turns, several times; the ratio is of the
medians. Counts what comes out of the decoder and fails where a frame came twice or the ratio is below 0.6.
Writes docs/evidence/video_checks.md.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np

from curation.quality.probe import key_frames, look
from curation.quality.sampling import sampled_frames
from data_contracts.lerobot import encode, video

LEAST_RATIO = 0.6
FPS = 30
HEIGHT, WIDTH = 480, 640
EVIDENCE = Path(__file__).parents[2] / "docs" / "evidence" / "video_checks.md"
CLIPS = {
    "AV1, key frame at every 2nd frame": ("av1", {}),
    "H.264, key frame at every 250th frame": ("h264", {"g": "250"}),
}


class Measured(NamedTuple):
    clip: str
    num_frames: int
    looked_at: int
    decoded: int
    decoding_s: float
    probing_s: float

    @property
    def ratio(self) -> float:
        return self.decoding_s / self.probing_s


def scene(num_frames: int) -> Iterator[np.ndarray]:
    """Yields a textured background with sensor noise and an arm's worth of moving blocks, uint8 (480, 640, 3)."""
    random = np.random.default_rng(7)
    coarse = random.integers(60, 180, (HEIGHT // 8, WIDTH // 8, 3))
    background = coarse.repeat(8, axis=0).repeat(8, axis=1) + random.normal(0, 10, (HEIGHT, WIDTH, 1))
    for number in range(num_frames):
        frame = background + random.normal(0, 2.5, (HEIGHT, WIDTH, 1))
        row, column = int(240 + 120 * np.sin(number / 17)), int(320 + 200 * np.cos(number / 23))
        frame[row - 60 : row + 60, column - 40 : column + 40] = 230 - coarse[:15, :10].repeat(8, axis=0).repeat(
            8, axis=1
        )
        yield np.clip(frame, 0, 255).astype(np.uint8)


def write_clip(path: Path, codec: str, options: dict[str, str], num_frames: int) -> None:
    encoder, usual = encode.ENCODERS[codec]
    with patch.dict(encode.ENCODERS, {codec: (encoder, usual | options)}):
        encode.encode_video(scene(num_frames), path, fps=FPS, codec=codec)


def measure(clip: str, path: Path, rounds: int) -> Measured:
    frames = video.VideoFrames(video.video_index(path))
    numbers = sampled_frames(len(frames), FPS, key_frames(frames))
    decoding_s, probing_s = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in video.picked_frames(frames.index, numbers):
            pass
        middle = time.perf_counter()
        look(frames, FPS)
        decoding_s.append(middle - start)
        probing_s.append(time.perf_counter() - middle)
    came = decoded_times(frames)
    twice = [number for number, times in came.items() if times > 1]
    if twice:
        raise SystemExit(f"{clip}: frames {twice[:5]} were decoded more than once.")
    return Measured(
        clip, len(frames), len(numbers), came.total(), float(np.median(decoding_s)), float(np.median(probing_s))
    )


def decoded_times(frames: video.VideoFrames) -> Counter[int]:
    """Returns how often each frame, by its time stamp, came out of the decoder while the clip was probed."""
    came: Counter[int] = Counter()
    fed, sought = video._fed, video.decoded_frames

    def counted(index: video.VideoIndex, numbers: np.ndarray) -> Iterator[object]:
        for frame in fed(index, numbers):
            came[frame.pts] += 1
            yield frame

    def counted_again(index: video.VideoIndex, numbers: list[int]) -> Iterator[object]:
        for number, frame in sought(index, numbers):
            came[frame.pts] += 1
            yield number, frame

    with patch.object(video, "_fed", counted), patch.object(video, "decoded_frames", counted_again):
        look(frames, FPS)
    return came


def report(rows: list[Measured], rounds: int) -> str:
    lines = [
        "# Video checks against the decoder",
        "",
        "`python tests/bench/video_checks.py` wrote this. Two clips of 480x640 at 30 fps; the frames that the probe asks for are",
        f"decoded with nothing done to them, then probed, {rounds} times in turns; times are medians of one thread of Python on one",
        "machine, the ratio is of the two in the same run. No frame came out of the decoder twice.",
        "",
        "| clip | frames | looked at | decoded | decoding only | with all checks | speed kept |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row.clip} | {row.num_frames} | {row.looked_at} | {row.decoded} | {row.decoded / row.decoding_s:.0f} frames/s "
            f"| {row.decoded / row.probing_s:.0f} frames/s | {row.ratio:.0%} |"
        )
    return "\n".join([*lines, "", f"Bar: {LEAST_RATIO:.0%}.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=900)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (clip, (codec, options)) in enumerate(CLIPS.items()):
            path = Path(folder) / f"clip_{number}.mp4"
            write_clip(path, codec, options, arguments.frames)
            rows.append(measure(clip, path, arguments.rounds))
    text = report(rows, arguments.rounds)
    EVIDENCE.parent.mkdir(parents=True, exist_ok=True)
    EVIDENCE.write_text(text, encoding="utf-8")
    print(text)
    slow = [row.clip for row in rows if row.ratio < LEAST_RATIO]
    if slow:
        raise SystemExit(f"Below {LEAST_RATIO:.0%} of the decoder's speed: {', '.join(slow)}.")


if __name__ == "__main__":
    main()
