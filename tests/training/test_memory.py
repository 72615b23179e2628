"""Freed memory stays with the process: large blocks are had again without a page fault."""

from __future__ import annotations

import subprocess
import sys

BLOCKS = """
import ctypes, resource, sys
from training.memory import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
for step in range(5):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [libc.malloc(30 * 2**20) for _ in range(8)]
    for block in blocks:
        ctypes.memset(block, 1, 30 * 2**20)
    for block in reversed(blocks):
        libc.free(block)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults)
"""


def _page_faults_of_the_last_step(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", BLOCKS, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_what_a_step_freed_is_there_for_the_next_one():
    kept, given_back = _page_faults_of_the_last_step("kept"), _page_faults_of_the_last_step("not")
    assert kept < 100
    assert given_back > 10_000
