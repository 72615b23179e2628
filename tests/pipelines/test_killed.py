"""Killed at any moment and started again, a run ends with the same corpus and leaves nothing half."""

import contextlib
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.journey
ROOT = Path(__file__).parents[2]
SEED = 20261122
NUM_KILLS = 4


def command(home: Path, community: Path) -> list[str]:
    source = f"folder:{community}"
    arguments = ["run", "--source", source, "--home", str(home), "--until", "corpus", "--json"]
    return [sys.executable, "-m", "deftworks", *arguments]


def test_a_run_killed_again_and_again_ends_like_one_that_was_not(tmp_path, tiny_community):
    started = time.monotonic()
    whole = subprocess.run(
        command(tmp_path / "whole", tiny_community), capture_output=True, text=True, cwd=ROOT, check=True
    )
    whole_s = time.monotonic() - started
    rng = random.Random(SEED)
    for share in (rng.uniform(0.3, 0.9) for _ in range(NUM_KILLS)):
        process = subprocess.Popen(command(tmp_path / "killed", tiny_community), stdout=-3, stderr=-3, cwd=ROOT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=share * whole_s)
        process.kill()
        process.wait()
    last = subprocess.run(
        command(tmp_path / "killed", tiny_community), capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert json.loads(last.stdout) == json.loads(whole.stdout)
    scratch = [path for path in (tmp_path / "killed").rglob(".*") if path.name.endswith((".partial", ".old"))]
    assert scratch == []
