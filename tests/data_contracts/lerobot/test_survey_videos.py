"""Videos whose clock is not the declared one: as found in files that were joined from several clips."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from data_contracts.lerobot import open_dataset
from data_contracts.lerobot.survey_videos import survey_videos

NAME = "videos/chunk-000/observation.images.front/episode_000001.mp4"


def write_with_times(path: Path, ticks: list[float]) -> None:
    """Writes a black video whose frames are shown at these tenths of a second."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10, options={"g": "1"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for tick in ticks:
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 48, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(100 * tick), Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())


@pytest.mark.parametrize(
    ("ticks", "episodes"),
    [
        ([0, 1, 2, 3, 4, 5], None),
        ([0, 1, 2, 5, 6, 7], (1,)),
        ([0, 2, 4, 6, 8, 10], (1,)),
        ([0, 1.05, 2, 3, 3.95, 5], (1,)),
    ],
)
def test_frames_that_are_shown_at_another_time(tiny, ticks: list[float], episodes) -> None:
    folder = tiny()
    write_with_times(folder / NAME, ticks)
    found = list(survey_videos(open_dataset(folder)))
    assert [f.episodes for f in found] == ([episodes] if episodes else [])
    assert {f.code for f in found} <= {"video.uneven_clock"}


@pytest.mark.parametrize("version", ["v2.0", "v2.1", "v3.0"])
def test_what_lerobot_records_is_even(tiny, version: str) -> None:
    assert list(survey_videos(open_dataset(tiny(version)))) == []


def test_a_video_that_cannot_be_opened_is_passed_over(tiny) -> None:
    folder = tiny()
    (folder / NAME).write_bytes(b"no video")
    assert list(survey_videos(open_dataset(folder))) == []
