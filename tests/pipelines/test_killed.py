"""Killed at any moment and started again, a run ends with the same corpus and leaves nothing half."""

import json
import random
import signal
import subprocess
import sys
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
    whole = subprocess.run(
        command(tmp_path / "whole", tiny_community), capture_output=True, text=True, cwd=ROOT, check=True
    )
    rng = random.Random(SEED)
    num_killed = 0
    for _ in range(NUM_KILLS):
        process = subprocess.Popen(command(tmp_path / "killed", tiny_community), stdout=-3, stderr=-3, cwd=ROOT)
        try:
            process.wait(timeout=rng.uniform(2.0, 12.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            num_killed += 1
    assert num_killed, "no kill met a running process; raise NUM_KILLS or shorten the waits"
    last = subprocess.run(
        command(tmp_path / "killed", tiny_community), capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert json.loads(last.stdout) == json.loads(whole.stdout)
    scratch = [path for path in (tmp_path / "killed").rglob(".*") if path.name.endswith((".partial", ".old"))]
    assert scratch == []
