"""The sample table read directly says what FFmpeg says, or nothing."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from data_contracts.lerobot.encode import encode_video
from data_contracts.lerobot.sample_table import read_sample_table
from data_contracts.lerobot.video import _of_packets, _of_sample_table

NUM_FRAMES = 25


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    pictures = np.random.default_rng(5).integers(0, 255, (NUM_FRAMES, 64, 96, 3), dtype=np.uint8)
    for codec in ("av1", "h264"):
        encode_video(pictures, folder / f"{codec}.mp4", fps=12, codec=codec)
    return {codec: folder / f"{codec}.mp4" for codec in ("av1", "h264")}


@pytest.fixture
def changed(clips: dict[str, Path], tmp_path: Path):
    def change(old: bytes, new: bytes) -> Path:
        content = clips["av1"].read_bytes()
        assert content.count(old) == 1
        (tmp_path / "changed.mp4").write_bytes(content.replace(old, new))
        return tmp_path / "changed.mp4"

    return change


def test_a_regular_file_is_told_as_its_packets_tell(clips):
    direct, by_packets = _of_sample_table(clips["av1"]), _of_packets(clips["av1"])
    assert direct is not None
    assert direct.num_frames == NUM_FRAMES
    for mine, theirs in zip(astuple(direct), astuple(by_packets), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_other_codecs_are_left_to_ffmpeg(clips):
    assert read_sample_table(clips["h264"]) is None


@pytest.mark.parametrize("kept", [0, 7, 31, 400, -1])
def test_a_file_that_broke_off_has_no_answer(clips, tmp_path, kept):
    (tmp_path / "part.mp4").write_bytes(clips["av1"].read_bytes()[:kept])
    assert read_sample_table(tmp_path / "part.mp4") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"stss", b"sbgp"),  # a table that is not known
        (b"hdlr\0\0\0\0\0\0\0\0vide", b"hdlr\0\0\0\0\0\0\0\0meta"),
        (b"av01\0\0", b"hvc1\0\0"),
        (b"\0\0\0\x14stco", b"\0\0\0\x15stco"),
        (b"moov", b"moof"),
    ],
)
def test_what_is_not_known_has_no_answer(changed, old, new):
    assert read_sample_table(changed(old, new)) is None


def test_frames_that_an_edit_list_hides_have_no_answer(clips, changed):
    content = clips["av1"].read_bytes()
    edit = content[content.index(b"elst") : content.index(b"elst") + 24]
    assert edit[16:20] == bytes(4)  # shown from the first frame on
    assert read_sample_table(changed(edit, edit[:16] + b"\0\0\x10\0" + edit[20:])) is None
    assert read_sample_table(changed(edit, edit[:12] + b"\0\0\0\x50" + edit[16:])) is None


def test_damaged_tables_never_raise(clips, tmp_path):
    content = bytearray(clips["av1"].read_bytes())
    end = content.index(b"mdat")
    rng = np.random.default_rng(11)
    answers = 0
    for _ in range(400):
        damaged = bytearray(content)
        for place in rng.integers(32, end, 3):
            damaged[place] = rng.integers(256)
        (tmp_path / "damaged.mp4").write_bytes(damaged)
        answers += read_sample_table(tmp_path / "damaged.mp4") is None
    assert answers > 100
