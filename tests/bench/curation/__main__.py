"""The defect benchmark: `python -m tests.bench.curation [--quick]` plants defects, asks the judge, writes docs/evidence/curation.md.

`--held-out` does the same with episodes on which no limit was chosen, and writes docs/evidence/curation_held_out.md.

Records its clean corpus first where it is not there. What was done is kept in .bench/curation: a second run does only what changed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.bench.curation.injections import INJECTIONS
from tests.bench.curation.record import CORPUS, HELD_OUT, HELD_OUT_SHIFT, record
from tests.bench.curation.report import report, summary
from tests.bench.curation.run import Request, answers

ROOT = Path(__file__).parents[3]
KEPT = ROOT / ".bench" / "curation"
EVIDENCE = ROOT / "docs" / "evidence"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.curation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few episodes per defect; nothing is written to docs")
    parser.add_argument("--codes", default="", help="only defects whose code contains one of these, with commas")
    parser.add_argument("--held-out", action="store_true", help="on episodes of other seeds, recorded first")
    parser.add_argument("--corpus", type=Path, help="where the clean corpus lies or is to be recorded")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, help="where to write the report")
    chosen = parser.parse_args()
    corpus = chosen.corpus or (HELD_OUT if chosen.held_out else CORPUS)
    record(corpus, processes=chosen.processes, shift=HELD_OUT_SHIFT if chosen.held_out else 0)
    codes = tuple(filter(None, chosen.codes.split(",")))
    said = answers(Request(corpus, KEPT, chosen.quick, codes, chosen.processes))
    name = "curation_held_out.md" if chosen.held_out else "curation.md"
    out = chosen.out or (KEPT / "quick.md" if chosen.quick or (codes and not chosen.held_out) else EVIDENCE / name)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(report(INJECTIONS, said, is_quick=chosen.quick, is_held_out=chosen.held_out), encoding="utf-8")
    sys.stdout.write(f"{summary(INJECTIONS, said)}\nwritten: {out}\n")


if __name__ == "__main__":
    main()
