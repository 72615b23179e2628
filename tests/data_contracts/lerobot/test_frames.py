"""Exact frames out of videos and images, whatever the order of packets."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from data_contracts.errors import VideoUnreadable
from data_contracts.lerobot import open_dataset
from data_contracts.lerobot.encode import encode_video
from data_contracts.lerobot.images import ImageFrames
from data_contracts.lerobot.video import VideoFrames, video_index

NUM_FRAMES = 40


def write_clip(path: Path, x264: str, **options: str) -> Path:
    pictures = np.random.default_rng(3).integers(0, 255, (NUM_FRAMES, 32, 48, 3), dtype=np.uint8)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10, options={"x264-params": f"scenecut=0:{x264}", **options})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for picture in pictures:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode())
    return path


def decoded(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.mark.parametrize(
    ("x264", "options"),
    [
        ("open-gop=0", {"g": "2"}),
        ("open-gop=0:b-adapt=0", {"g": "8", "bf": "3"}),
        ("open-gop=1:b-adapt=0", {"g": "8", "bf": "3"}),
        ("open-gop=0", {"g": "250", "bf": "0"}),
    ],
)
def test_each_frame_alone_is_the_frame_of_the_whole(tmp_path, x264, options):
    clip = write_clip(tmp_path / "clip.mp4", x264, **options)
    every = decoded(clip)
    frames = VideoFrames(video_index(clip))
    assert len(frames) == len(every) == NUM_FRAMES
    for number in range(0, NUM_FRAMES, 3):
        np.testing.assert_array_equal(frames.decode([number])[0], every[number])
    np.testing.assert_array_equal(frames.decode([39, 2, 17, 2]), every[[39, 2, 17, 2]])
    np.testing.assert_array_equal(np.stack(list(frames)), every)


def test_a_part_of_a_file(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", "open-gop=0", g="4")
    part = VideoFrames(video_index(clip), first_frame=10, num_frames=5)
    np.testing.assert_array_equal(part.decode(range(5)), decoded(clip)[10:15])
    assert len(VideoFrames(video_index(clip), first_frame=38, num_frames=5)) == 2
    assert part.decode([]).shape == (0, 32, 48, 3)


def test_time_stamps_lead_to_frames(tmp_path):
    index = video_index(write_clip(tmp_path / "clip.mp4", "open-gop=0", g="4"))
    assert [index.frame_at(seconds, 10) for seconds in (0.0, 0.1, 0.14, 0.16, 3.9, 9.0)] == [0, 1, 1, 2, 39, 40]
    assert (index.codec, index.pix_fmt, index.fps, index.has_audio) == ("h264", "yuv420p", 10, False)


def test_a_changed_file_is_looked_into_again(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", "open-gop=0")
    assert video_index(clip).num_frames == NUM_FRAMES
    clip.write_bytes(b"gone")
    with pytest.raises(VideoUnreadable, match=r"clip\.mp4"):
        video_index(clip)


def png(shade: int, size: int = 16, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (size, size), shade if mode == "L" else (shade,) * len(mode)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def files(stored):
    return open_dataset(stored["v2.1"]).files


def test_images_of_any_mode_come_out_rgb(files):
    cells = [{"bytes": png(10 * n, mode=mode), "path": None} for n, mode in enumerate(("RGB", "L", "RGBA"))]
    frames = ImageFrames(pa.chunked_array([pa.array(cells)]), "a camera", files)
    assert [int(frame[0, 0, 2]) for frame in frames] == [0, 10, 20]
    assert frames.decode([2, 0, 2]).shape == (3, 16, 16, 3)


def test_images_beside_the_table_and_nowhere_else(stored, tiny, tmp_path):
    folder = tiny("v2.1")
    (folder / "images").mkdir()
    (folder / "images/frame_000000.png").write_bytes(png(77))
    (tmp_path / "secret.png").write_bytes(png(99))
    files = open_dataset(folder).files
    paths = ["images/frame_000000.png", "../secret.png", str(tmp_path / "secret.png")]
    cells = pa.array([{"bytes": None, "path": path} for path in paths])
    frames = ImageFrames(pa.chunked_array([cells]), "a camera", files)
    assert frames.decode([0])[0, 0, 0].tolist() == [77, 77, 77]
    for number in (1, 2):
        with pytest.raises(VideoUnreadable, match=f"Frame {number} of a camera: no image is stored"):
            frames.decode([number])


@pytest.mark.parametrize(
    ("cell", "message"),
    [(b"not an image", "is not a readable image"), (png(1, size=8), "it is 8x8"), (None, "no image")],
)
def test_broken_images(files, cell, message):
    frames = ImageFrames(pa.chunked_array([pa.array([png(5), cell])]), "a camera", files)
    assert frames.decode([0]).shape == (1, 16, 16, 3)
    with pytest.raises(VideoUnreadable, match=message):
        list(frames)


def test_a_seek_that_lands_too_late_is_taken_back(tmp_path, monkeypatch):
    """Containers find key frames by decoding time, which with reordered frames may be that of a later one."""
    import data_contracts.lerobot.video as video

    seek, starts = video._seek, []

    def land_late(index, start, container, stream):
        starts.append(start)
        return seek(index, start + 4 if len(starts) == 1 else start, container, stream)

    monkeypatch.setattr(video, "_seek", land_late)
    clip = write_clip(tmp_path / "clip.mp4", "open-gop=0", g="4")
    np.testing.assert_array_equal(VideoFrames(video_index(clip)).decode([21, 22]), decoded(clip)[21:23])
    assert starts == [20, 16]


@pytest.mark.parametrize("codec", ["av1", "h264"])
def test_a_file_that_names_its_key_frames_wrongly(tmp_path, codec):
    pictures = np.random.default_rng(3).integers(0, 255, (12, 64, 64, 3), dtype=np.uint8)
    encode_video(pictures, tmp_path / "clip.mp4", fps=10, codec=codec)
    content = bytearray((tmp_path / "clip.mp4").read_bytes())
    first_key_frame = content.index(b"stss") + 12
    content[first_key_frame : first_key_frame + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "clip.mp4").write_bytes(content)
    with pytest.raises(VideoUnreadable, match=r"clip.mp4 (cannot be decoded|names its key frames wrongly)"):
        video_index(tmp_path / "clip.mp4")
