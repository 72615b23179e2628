"""Looking at videos: which frames, each decoded once, damage found where it was looked at."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from curation.quality.probe import key_frames, look
from curation.quality.sampling import ALL_UP_TO, BURST_FRAMES, sampled_frames
from curation.quality.thumbnail import levels, reduced, sharpness
from data_contracts.errors import VideoUnreadable
from data_contracts.lerobot import encode, video
from data_contracts.lerobot.encode import encode_video
from data_contracts.lerobot.video import VideoFrames, video_index


def numbered(num_frames: int) -> list[np.ndarray]:
    """Grey pictures that grow brighter, with texture so that packets have some size; uint8 (48, 64, 3)."""
    texture = np.random.default_rng(0).integers(0, 40, (48, 64, 1))
    return [
        np.repeat(np.clip(texture + 20 + number * 180 // num_frames, 0, 255), 3, axis=2).astype(np.uint8)
        for number in range(num_frames)
    ]


def written(path: Path, num_frames: int, codec: str, group: int = 2) -> VideoFrames:
    encoder, options = encode.ENCODERS[codec]
    with patch.dict(encode.ENCODERS, {codec: (encoder, options | {"g": str(group)})}):
        encode_video(numbered(num_frames), path, fps=30, codec=codec)
    return VideoFrames(video_index(path))


def test_short_episodes_are_looked_at_whole_and_long_ones_in_strides_with_bursts() -> None:
    assert sampled_frames(ALL_UP_TO, 30, np.arange(0, ALL_UP_TO, 2)).tolist() == list(range(ALL_UP_TO))
    dense = sampled_frames(900, 30, np.arange(0, 900, 2))
    assert (dense[0], dense[-1]) == (0, 899)
    assert np.diff(dense).max() <= 4
    assert len(dense) < 900 / 2.5
    in_a_row = np.flatnonzero(np.diff(dense) == 1)
    assert len(in_a_row) >= 6 * (BURST_FRAMES - 2)
    assert len(sampled_frames(100_000, 30, np.arange(0, 100_000, 2))) < 1_300


@pytest.mark.parametrize(("codec", "group"), [("av1", 2), ("h264", 2), ("h264", 250)])
def test_no_frame_is_decoded_twice_and_each_is_the_right_one(tmp_path: Path, codec: str, group: int) -> None:
    frames = written(tmp_path / "clip.mp4", 60, codec, group)
    wanted = [0, 1, 2, 10, 30, 31, 45, 59]
    came: Counter[int] = Counter()
    fed = video._fed

    def counted(index, numbers):
        for frame in fed(index, numbers):
            came[frame.pts] += 1
            yield frame

    with patch.object(video, "_fed", counted):
        seen = {luma.number: levels(luma.luma_HW, luma.black, luma.white).mean() for luma in frames.luma(wanted)}
    assert list(seen) == wanted
    assert max(came.values()) == 1
    expected = frames.decode(wanted).mean(axis=(1, 2, 3))
    assert list(seen.values()) == pytest.approx(expected.tolist(), abs=1.5)
    if group == 2:
        assert came.total() <= 2 * len(wanted)


def test_an_episode_in_the_middle_of_a_file(tmp_path: Path) -> None:
    whole = written(tmp_path / "clip.mp4", 60, "av1")
    part = VideoFrames(whole.index, 21, 20)
    assert key_frames(part)[0] == 1
    seen = look(part, fps=30)
    assert seen["numbers_N"].tolist() == list(range(20))
    direct = np.stack([levels(luma.luma_HW, luma.black, luma.white) for luma in whole.luma(range(21, 41))])
    assert np.abs(seen["thumbs_NHW"].astype(int) - direct).max() <= 1
    with pytest.raises(IndexError):
        list(part.luma([20]))


@pytest.mark.parametrize("codec", ["av1", "h264"])
def test_damage_in_the_middle_is_found(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "clip.mp4"
    written(path, 40, codec)
    content = bytearray(path.read_bytes())
    middle, length = len(content) // 2, len(content) // 10
    content[middle : middle + length] = np.random.default_rng(0).bytes(length)
    path.write_bytes(content)
    frames = VideoFrames(video_index(path))
    with pytest.raises(VideoUnreadable):
        look(frames, fps=30)


def test_a_file_that_breaks_off_says_how_much_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    written(path, 40, "h264")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 7 // 10])
    index = video_index(path)
    assert index.num_lost > 0
    assert index.num_lost + index.num_frames <= 40


def test_reduced_is_the_mean_of_blocks_and_sharpness_falls_with_blur() -> None:
    from PIL import Image, ImageFilter

    picture = np.random.default_rng(0).integers(0, 255, (53, 64)).astype(np.uint8)
    expected = picture[:50, :60].reshape(5, 10, 6, 10).mean(axis=(1, 3))
    assert np.abs(reduced(picture, 10) - expected).max() < 1e-3
    big = np.kron(picture, np.ones((9, 10))).astype(np.uint8)
    blurred = [np.asarray(Image.fromarray(big).filter(ImageFilter.GaussianBlur(sigma))) for sigma in (0, 2, 4, 8)]
    values = [sharpness(image) for image in blurred]
    assert values == sorted(values, reverse=True)
    assert values[2] < 0.72 * values[0]
    assert sharpness(np.full((480, 640), 90, np.uint8)) == 0.0
