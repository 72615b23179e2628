"""What an encoder must leave alone: bytes (x264's mbtree look-ahead changed them), and the priority of threads."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from data_contracts.lerobot.encode import encode_video

TASKS = Path("/proc/self/task")


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


@pytest.mark.skipif(
    not hasattr(os, "sched_getscheduler") or os.getuid() != 0, reason="only root gets real-time threads"
)
def test_encoding_makes_no_thread_a_real_time_one(tmp_path):
    met = set()  # of all threads: other libraries keep some in policies of their own, but none in real time

    def frames():
        for shade in range(12):
            for thread in TASKS.iterdir():
                with suppress(ProcessLookupError):
                    met.add(os.sched_getscheduler(int(thread.name)))
            yield np.full((64, 64, 3), shade * 20, np.uint8)

    before = os.sched_getscheduler(0)
    encode_video(frames(), tmp_path / "v.mp4", fps=10, codec="av1")
    assert before in met
    assert not met & {os.SCHED_FIFO, os.SCHED_RR}
    assert os.sched_getscheduler(0) == before
