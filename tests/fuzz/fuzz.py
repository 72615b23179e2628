"""Throws damaged datasets at everything that reads one: `python -m tests.fuzz.fuzz --count 10000 --seed 0 --workers 2`.

Exit code 1 when a case broke a rule; each such case is printed with the command that repeats it. The rules: no exception but
ours, no hang over 30 s, no memory over 2 GiB, no crash, nothing written outside the target, no message that names nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from tests.fuzz.mutations import make_case
from tests.fuzz.pool import Outcome, run_cases
from tests.fuzz.specimens import make_specimens


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500, help="how many cases")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first case; the others follow")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time")
    parser.add_argument("--case", type=int, help="run one seed and print all about it")
    parser.add_argument("--keep", type=Path, help="with --case: leave the damaged dataset in this folder")
    chosen = parser.parse_args(arguments)
    seeds = [chosen.case] if chosen.case is not None else range(chosen.seed, chosen.seed + chosen.count)
    with tempfile.TemporaryDirectory(prefix="deftworks-fuzz-") as folder:
        specimens = Path(folder) / "specimens"
        make_specimens(specimens)
        if chosen.keep:
            _damage(seeds[0], specimens, chosen.keep)
        return _report(seeds, specimens, chosen.workers, is_single=chosen.case is not None)


def _report(seeds: range | list[int], specimens: Path, workers: int, *, is_single: bool) -> int:
    started, outcomes = time.monotonic(), []
    for outcome in run_cases(seeds, specimens, min(workers, len(seeds))):
        outcomes.append(outcome)
        if outcome.violations or is_single:
            _print_case(outcome, specimens)
        if len(outcomes) % 500 == 0:
            print(f"{len(outcomes)} of {len(seeds)} cases, {time.monotonic() - started:.0f} s", flush=True)
    broken = [outcome for outcome in outcomes if outcome.violations]
    counts = Counter(outcome.outcome for outcome in outcomes)
    slowest = max(outcomes, key=lambda outcome: outcome.seconds)
    largest = max(outcomes, key=lambda outcome: outcome.peak_mib)
    print(f"{len(outcomes)} cases, seeds {seeds[0]} to {seeds[-1]}, {time.monotonic() - started:.0f} s: {dict(counts)}")
    extremes = f"slowest {slowest.seconds:.1f} s (seed {slowest.seed}), most memory {largest.peak_mib} MiB (seed {largest.seed})"
    print(extremes)
    _print_refusals(outcomes)
    print(f"{len(broken)} cases broke a rule: {sorted(outcome.seed for outcome in broken)[:50]}")
    return 1 if broken else 0


def _print_refusals(outcomes: list[Outcome]) -> None:
    """A dataset that is accepted should be one that can be normalised: what cannot is no rule broken, and worth a look."""
    seeds = defaultdict(list)
    for outcome in outcomes:
        if outcome.refusal:
            seeds[re.sub(r"[\d.]+", "#", outcome.refusal)[:160]].append(outcome.seed)
    for why, which in sorted(seeds.items(), key=lambda item: -len(item[1]))[:30]:
        print(f"accepted and then not normalised, {len(which)} times (seed {which[0]}): {why}")


def _print_case(outcome: Outcome, specimens: Path) -> None:
    if not outcome.mutations:  # its process did not live to tell
        with tempfile.TemporaryDirectory(dir=specimens.parent) as folder:
            outcome.mutations = _damage(outcome.seed, specimens, Path(folder))
    print(f"seed {outcome.seed} ({outcome.outcome}, {outcome.seconds:.1f} s): {json.dumps(outcome.mutations)}")
    print(f"  repeat: python -m tests.fuzz.fuzz --case {outcome.seed}")
    for line in (*outcome.violations, *(f"found: {code}" for code in outcome.codes)):
        print(f"  {line}", flush=True)


def _damage(seed: int, specimens: Path, folder: Path) -> list[str]:
    (folder / "outside").mkdir(parents=True)
    return make_case(seed, specimens, folder / "source", folder / "outside")


if __name__ == "__main__":
    sys.exit(main())
