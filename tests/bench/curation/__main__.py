"""The defect benchmark: `python -m tests.bench.curation [--quick]` plants defects, asks the judge, writes docs/evidence/curation.md.

Records its clean corpus first where it is not there. What was done is kept in .bench/curation: a second run does only what changed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from tests.bench.curation import report
from tests.bench.curation.examine import Answer, examine, injector_digest, judge_digest
from tests.bench.curation.injections import INJECTIONS
from tests.bench.curation.plan import FULL, QUICK, REAL, Variant, plan
from tests.bench.curation.record import CORPUS, record
from tests.bench.curation.subjects import Subject, real, simulated

ROOT = Path(__file__).parents[3]
KEPT = ROOT / ".bench" / "curation"
EVIDENCE = ROOT / "docs" / "evidence" / "curation.md"
REAL_FAMILIES = ("time.", "motion.", "video.", "agreement.", "text.")


def variants(subjects: list[Subject], *, is_quick: bool, codes: str) -> list[Variant]:
    """Returns everything that is to be judged: clean and damaged datasets, simulated and real."""
    chosen = [injection for injection in INJECTIONS if codes in injection.code]
    of_real = [i for i in chosen if i.code.startswith(REAL_FAMILIES) and i.scope == "episode" and i.rank == 1]
    real_subjects = [subject for subject in subjects if subject.is_real]
    simulated_subjects = [subject for subject in subjects if not subject.is_real]
    return [
        *plan(simulated_subjects, chosen, QUICK if is_quick else FULL),
        *plan(real_subjects, [] if is_quick else of_real, REAL),
    ]


def answered(todo: list[Variant], subjects: list[Subject], arguments: argparse.Namespace) -> list[Answer]:
    """Returns the answers in the order of the plan; several processes work on it side by side."""
    donors = tuple(subject for subject in subjects if not subject.is_real)
    digests = injector_digest(), judge_digest()
    begun = time.monotonic()
    if arguments.processes <= 1:
        return [examine(variant, donors, KEPT, *digests) for variant in todo]
    found: dict[int, Answer] = {}
    # Injections are functions that no pipe carries: each process makes the plan for itself and is told numbers.
    with ProcessPoolExecutor(
        arguments.processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(arguments, digests)
    ) as pool:
        started = {pool.submit(_examine, number): number for number in range(len(todo))}
        for future in as_completed(started):
            number = started[future]
            future.result()
            found[number] = examine(todo[number], donors, KEPT, *digests)
            if len(found) % 50 == 0 or len(found) == len(todo):
                sys.stderr.write(f"{len(found)} of {len(todo)} datasets judged, {time.monotonic() - begun:.0f} s\n")
    return [found[number] for number in range(len(todo))]


_state: dict[str, object] = {}


def _begin(arguments: argparse.Namespace, digests: tuple[str, str]) -> None:
    subjects = _subjects(arguments)
    _state["todo"] = variants(subjects, is_quick=arguments.quick, codes=arguments.codes)
    _state["donors"] = tuple(subject for subject in subjects if not subject.is_real)
    _state["digests"] = digests


def _examine(number: int) -> None:
    examine(_state["todo"][number], _state["donors"], KEPT, *_state["digests"])  # type: ignore[index,misc]


def _subjects(arguments: argparse.Namespace) -> list[Subject]:
    return [*simulated(arguments.corpus), *real()]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.curation", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a few episodes per defect: about two minutes, nothing written to docs"
    )
    parser.add_argument("--codes", default="", help="only defects whose code contains this; nothing written to docs")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="where the clean corpus lies or is to be recorded")
    parser.add_argument("--as-it-is", action="store_true", help="take the corpus as far as it is recorded")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=None, help="where to write the report")
    arguments = parser.parse_args()
    if not arguments.as_it_is:
        record(arguments.corpus, processes=arguments.processes)
    subjects = _subjects(arguments)
    todo = variants(subjects, is_quick=arguments.quick, codes=arguments.codes)
    sys.stderr.write(f"{len(todo)} datasets to judge, from {len(subjects)} clean ones\n")
    answers = answered(todo, subjects, arguments)
    out = arguments.out or (KEPT / "quick.md" if arguments.quick or arguments.codes else EVIDENCE)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(report.report(INJECTIONS, answers, is_quick=arguments.quick), encoding="utf-8")
    sys.stdout.write(f"{report.summary(INJECTIONS, answers)}\nwritten: {out}\n")


if __name__ == "__main__":
    main()
