"""Thousands of small datasets with faults among them, in which state each must end, and a crawl of them as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hub.repositories import Fault, Repositories
from tests.hub.templates import ACCEPTED, STOPS

ROOT = Path(__file__).parents[2]
PASSING = [("429_seconds", 1), ("429_date", 1), ("ratelimit", 1), ("429", 2), ("500", 2), ("503", 1), ("reset", 2), ("slow", 3),
           ("cut_answer", 1), ("cut", 3), ("wrong_bytes", 1), ("wrong_size", 2), ("too_long", 1), ("pointer", 1)]  # fmt: skip
"""Faults that strike a few times: the dataset is accepted all the same."""
STAYING = {
    "500": "unreachable", "429": "unreachable", "nonsense": "unreachable", "cut": "unreachable", "reset": "unreachable",
    "wrong_bytes": "quarantined", "wrong_size": "quarantined", "pointer": "quarantined", "hostile_path": "quarantined",
    "case_collision": "quarantined", "deleted": "gone", "disabled": "gone", "gated": "gated",
    "stale_tag": "accepted", "missing_tag": "accepted",
}  # fmt: skip
"""Faults that stay, and where they end."""
PATIENCE_S = 10


def populate(hub: Repositories, number: int, *, faults: float, seed: int) -> dict[str, str]:
    """Adds `number` datasets, a share `faults` of them with a fault, and returns the state in which each must end.

    Half of the faults pass; the kinds of both halves take turns. One dataset in ten is not worth fetching whole.
    """
    rng = random.Random(seed)
    names = [f"lab-{number % 37}/set-{number:05d}" for number in range(number)]
    faulty = rng.sample(names, round(number * faults))
    expected = {}
    for place, name in enumerate(names):
        kind = list(STOPS)[place // 10 % len(STOPS)] if place % 10 == 9 and name not in faulty else ACCEPTED[place % 3]
        hub.add(name, kind)
        expected[name] = "accepted" if kind in ACCEPTED else "rejected"
    for turn, name in enumerate(faulty):
        if turn % 2:
            kind, times = PASSING[turn // 2 % len(PASSING)]
            hub[name].fault = Fault(kind, times)
        else:
            kind = list(STAYING)[turn // 2 % len(STAYING)]
            expected[name] = STAYING[kind]
            _spoil(hub, name, kind)
    return expected


def _spoil(hub: Repositories, name: str, kind: str) -> None:
    repository = hub[name]
    repository.is_gated, repository.is_disabled = kind == "gated", kind == "disabled"
    if kind == "missing_tag":
        repository.tags.clear()
    elif kind == "stale_tag":
        info = repository.main.files["meta/info.json"]
        repository.commit({**repository.main.files, "meta/info.json": info + b"\n"})
    elif kind not in ("gated", "disabled"):
        repository.fault = Fault(kind)


@dataclass(frozen=True)
class Crawl:
    """A crawl that ended by itself: what it printed, and what it took."""

    report: dict[str, Any]
    wall_s: float
    cpu_s: float
    peak_mib: float

    @property
    def states(self) -> dict[str, str]:
        """State by repository."""
        return {dataset["repo_id"]: dataset["state"] for dataset in self.report["datasets"]}


def run_crawl(home: Path, endpoint: str, *options: str) -> Crawl:
    """Runs `deftworks crawl` to its end."""
    started = time.monotonic()
    process = start_crawl(home, endpoint, *options, stdout=subprocess.PIPE)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"deftworks crawl ended with {process.returncode}")
    wall_s = time.monotonic() - started
    return Crawl(json.loads(printed), wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def start_crawl(home: Path, endpoint: str, *options: str, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Starts `deftworks crawl` in a process group of its own."""
    command = [sys.executable, "-m", "deftworks", "crawl", "hub:tag=LeRobot", "--home", str(home), "--json", *options]
    surroundings = os.environ | {
        "HF_ENDPOINT": endpoint, "DEFTWORKS_HUB_PATIENCE_S": str(PATIENCE_S), "OMP_NUM_THREADS": "1", "HF_HUB_VERBOSITY": "error",
    }  # fmt: skip
    return subprocess.Popen(
        command, cwd=ROOT, env=surroundings, stdout=stdout, stderr=subprocess.DEVNULL, start_new_session=True
    )


def kill_while_working(hub: Repositories, home: Path, endpoint: str, seconds: float) -> bool:
    """Starts a crawl and kills its whole process group `seconds` after its first question about a dataset.

    Returns False where it had ended by itself.
    """
    before = sum(hub.requests.values())
    process = start_crawl(home, endpoint)
    while process.poll() is None and sum(hub.requests.values()) <= before + 1:
        time.sleep(0.02)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True


def left_half_done(home: Path) -> list[Path]:
    """Returns scratch of stages that lies in the lake. (Half-fetched datasets may stay: they are resumed.)"""
    below_hub = home / "hub"
    found = (path for path in home.rglob(".*") if path.name.endswith((".partial", ".old", ".incoming")))
    return [path for path in found if not path.is_relative_to(below_hub)]
