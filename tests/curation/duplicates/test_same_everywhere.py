"""The same table gives the same clusters under another hash seed and with other numbers of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench" / "attacks"
PROGRAM = f"""
import hashlib, sys
sys.path.insert(0, {str(BENCH)!r})
from scale import synthetic_rows
from curation.duplicates import find_duplicates
from data_contracts.catalogue import FINGERPRINTS
found = find_duplicates(FINGERPRINTS.frame(list(synthetic_rows(60))))
print(found.filter(~found["is_original"]).height, hashlib.sha256(repr(found.rows()).encode()).hexdigest())
"""


def _told(hash_seed: int, threads: int) -> str:
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), str(threads))
    environment = {**os.environ, **limits, "PYTHONHASHSEED": str(hash_seed)}
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_hash_seed_and_threads_change_nothing():
    told = _told(1, 1)
    assert int(told.split()[0]) == 3, "of 60 synthetic episodes every twentieth is a copy"
    assert _told(2, 2) == told
