"""Answers of the judge to the whole plan, from several processes. What is asked is decided by `plan`, how by `examine`."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from tests.bench.curation.examine import Answer, examine, injector_digest, judge_digest
from tests.bench.curation.injections import INJECTIONS
from tests.bench.curation.plan import DAMAGED_PART_OF_FEW, FULL, QUICK, REAL, Variant, plan
from tests.bench.curation.subjects import Subject, real, simulated

REAL_FAMILIES = ("time.", "motion.", "video.", "agreement.", "text.")
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Request:
    """What a run is asked to do. `codes` restricts it to defects whose code contains one of them."""

    corpus: Path
    kept: Path
    is_quick: bool = False
    codes: tuple[str, ...] = ()
    processes: int = 2


@dataclass(frozen=True)
class Work:
    """The plan, and what every part of it needs."""

    todo: list[Variant]
    donors: tuple[Subject, ...]
    folder: Path
    digests: tuple[str, str]

    def answer(self, number: int) -> Answer:
        return examine(self.todo[number], self.donors, self.folder, *self.digests)


def answers(request: Request) -> list[Answer]:
    """Returns the answers in the order of the plan; several processes work on it side by side."""
    digests = injector_digest(), judge_digest()
    work = _work(request, digests)
    _say(f"{len(work.todo)} datasets to judge, from {len(work.donors)} clean ones")
    if request.processes <= 1:
        return [work.answer(number) for number in range(len(work.todo))]
    for variable in ONE_THREAD:
        os.environ.setdefault(variable, "1")
    begun, done = time.monotonic(), 0
    # Injections are functions that no pipe carries: each process makes the plan for itself and is told numbers.
    with ProcessPoolExecutor(
        request.processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(request, digests)
    ) as pool:
        for future in as_completed([pool.submit(_answer, number) for number in range(len(work.todo))]):
            future.result()
            done += 1
            if done % 50 == 0 or done == len(work.todo):
                _say(f"{done} of {len(work.todo)} datasets judged, {time.monotonic() - begun:.0f} s")
    return [work.answer(number) for number in range(len(work.todo))]


def _work(request: Request, digests: tuple[str, str]) -> Work:
    chosen = [
        injection for injection in INJECTIONS if not request.codes or any(c in injection.code for c in request.codes)
    ]
    of_real = [i for i in chosen if i.code.startswith(REAL_FAMILIES) and i.scope == "episode" and i.rank == 1]
    clean, clean_real = simulated(request.corpus), real()
    amount = QUICK if request.is_quick else FULL
    todo = plan(clean, chosen, replace(amount, damaged_part=DAMAGED_PART_OF_FEW) if request.codes else amount)
    todo += plan(clean_real, [] if request.is_quick else of_real, REAL)
    return Work(todo, tuple(clean), request.kept, digests)


_work_of_process: list[Work] = []


def _begin(request: Request, digests: tuple[str, str]) -> None:
    _work_of_process[:] = [_work(request, digests)]


def _answer(number: int) -> None:
    _work_of_process[0].answer(number)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
