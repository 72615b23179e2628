"""Runs cases in worker processes, which are replaced when they crash, hang, or take too much memory."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

ROOT = Path(__file__).parents[2]
TIME_LIMIT_S = 30.0
MEMORY_LIMIT_MIB = 2048
CASES_PER_PROCESS = 400
POLL_S = 0.05
SINGLE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "PYTHONDONTWRITEBYTECODE"), "1")


@dataclass
class Outcome:
    """What became of a case. `violations` are sentences; none where everything held."""

    seed: int
    outcome: str = "killed"
    mutations: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    refusal: str = ""
    violations: list[str] = field(default_factory=list)
    peak_mib: int = 0
    seconds: float = 0.0


def run_cases(seeds: Iterable[int], specimens: Path, workers: int) -> Iterator[Outcome]:
    """Yields the outcome of every seed, as they end."""
    idle: SimpleQueue[Worker] = SimpleQueue()
    for _ in range(workers):
        idle.put(Worker(specimens))

    def run(seed: int) -> Outcome:
        worker = idle.get()
        try:
            return worker.run(seed)
        finally:
            idle.put(worker)

    with ThreadPoolExecutor(workers) as threads:
        try:
            for future in as_completed([threads.submit(run, seed) for seed in seeds]):
                yield future.result()
        finally:
            threads.shutdown(cancel_futures=True)
            for _ in range(workers):
                idle.get().stop()


class Worker:
    """A process that runs cases one after the other; a new one is started when the last is used up or was killed."""

    def __init__(self, specimens: Path) -> None:
        self._specimens = specimens
        self._process: subprocess.Popen[str] | None = None
        self._said: IO[str] | None = None
        self._left = 0

    def run(self, seed: int) -> Outcome:
        """Returns the outcome of one case."""
        if self._left == 0:
            self.stop()
        process = self._process or self._start()
        self._left -= 1
        assert process.stdin is not None
        assert process.stdout is not None
        started = time.monotonic()
        process.stdin.write(f"{seed}\n")
        process.stdin.flush()
        why = _watch(process, started)
        seconds = time.monotonic() - started
        if why is None:
            outcome = Outcome(seconds=seconds, **json.loads(process.stdout.readline()))
            if outcome.peak_mib > MEMORY_LIMIT_MIB:
                outcome.violations.append(f"memory: {outcome.peak_mib} MiB at the peak")
            return outcome
        _ask_where(process)
        self.stop()
        return Outcome(seed, violations=[f"{why}: {self._last_words()}"], seconds=seconds)

    def stop(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process, self._left = None, 0

    def _start(self) -> subprocess.Popen[str]:
        self._said = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - read after the process has ended
        command = [sys.executable, "-m", "tests.fuzz.worker", str(self._specimens)]
        environment = os.environ | SINGLE_THREAD | {"PYTHONPATH": str(ROOT), "AV_LOG_LEVEL": "quiet"}
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        self._left = CASES_PER_PROCESS
        return self._process

    def _last_words(self) -> str:
        assert self._said is not None
        self._said.seek(0)
        lines = [line.strip() for line in self._said.read()[-20_000:].splitlines() if line.strip()]
        stack = [line for line in lines if line.startswith(("Fatal", "File", "Timeout", "Current thread"))]
        return " | ".join(stack[-14:] or lines[-3:])


def _watch(process: subprocess.Popen[str], started: float) -> str | None:
    """Waits for an answer. Returns None when it is there, or why there will be none."""
    while not select.select([process.stdout], [], [], POLL_S)[0]:
        if process.poll() is not None:
            return _ended(process)
        if time.monotonic() - started > TIME_LIMIT_S:
            return f"hang: no answer after {TIME_LIMIT_S:.0f} s"
        resident = _resident_mib(process.pid)
        if resident > MEMORY_LIMIT_MIB:
            return f"memory: {resident} MiB"
    return None if _has_line(process) else _ended(process)


def _ask_where(process: subprocess.Popen[Any]) -> None:
    """Lets a process that will be killed write down what it was doing (`faulthandler` answers to this signal)."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.send_signal(signal.SIGABRT)
        process.wait(timeout=2)


def _has_line(process: subprocess.Popen[Any]) -> bool:
    assert process.stdout is not None
    return bool(process.stdout.buffer.peek(1))


def _ended(process: subprocess.Popen[Any]) -> str:
    code = process.wait()
    return f"crash: signal {-code}" if code < 0 else f"crash: exit code {code}"


def _resident_mib(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20
