"""The same frames give the same bytes, again and again in one process: x264's mbtree look-ahead did not."""

import hashlib

import numpy as np
import pytest

from data_contracts.lerobot.encode import encode_video


@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_encoding_repeats_to_the_byte(tmp_path, codec):
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 255, (24, 24, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    frames = [np.roll(scene, 3 * t, axis=1)[:96, :96].copy() for t in range(16)]
    seen = set()
    for _ in range(25):
        encode_video(frames, tmp_path / "v.mp4", fps=80, codec=codec)
        seen.add(hashlib.sha256((tmp_path / "v.mp4").read_bytes()).hexdigest())
    assert len(seen) == 1
