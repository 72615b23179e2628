"""A crawl of thousands of datasets with faults: killed at random and resumed, then once more when a few changed.

    python -m tests.bench.crawl [--datasets 2000] [--faults 0.05] [--kills 10] [--changed 10] [--workers 8] [--out docs/evidence/crawl.md]

Serves the datasets from this machine (`tests.hub`), so what is measured is our own work and no network. Ends with 1 where a state
is not the one that a dataset's fault demands, or where the second crawl asked about anything that did not change.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.hub.population import (
    Crawl,
    kill_while_working,
    left_half_done,
    populate,
    run_crawl,
)
from tests.hub.repositories import Repositories
from tests.hub.server import serve
from tests.hub.templates import templates

ROOT = Path(__file__).parents[2]
SEED = 20261122


@dataclass(frozen=True)
class Measured:
    """Everything that the page says."""

    expected: dict[str, str]
    whole: Crawl
    whole_requests: Counter[str]
    killed_s: list[float]
    last: Crawl
    last_requests: Counter[str]
    second: Crawl
    touched: set[str]
    changed: set[str]
    scratch: int

    @property
    def holds(self) -> dict[str, bool]:
        """What must hold, in words."""
        number = len(self.expected)
        return {
            f"{number} terminal states, each the one that its fault demands, without a kill": self.whole.states
            == self.expected,
            f"the same {number} states after {len(self.killed_s)} kills": self.last.states == self.expected,
            "no half-written stage left behind": self.scratch == 0,
            f"the second crawl touches the {len(self.changed)} changed and no other": self.touched == self.changed,
            "and ends with the same states": self.second.states == self.expected,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=2000)
    parser.add_argument("--faults", type=float, default=0.05)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--changed", type=int, default=10)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "evidence" / "crawl.md")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder), chosen)
    page = write_page(measured, chosen)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(page, encoding="utf-8")
    print(page)
    sys.exit(0 if all(measured.holds.values()) else 1)


def measure(folder: Path, chosen: argparse.Namespace) -> Measured:
    """Crawls once undisturbed; then, in another lake, killed and resumed; then again after some datasets changed."""
    templates()
    options = ("--workers", str(chosen.workers))
    hub = Repositories()
    expected = populate(hub, chosen.datasets, faults=chosen.faults, seed=SEED)
    with serve(hub) as endpoint:
        whole = run_crawl(folder / "whole", endpoint, *options)
    whole_requests = by_kind(hub)

    hub, rng, home = Repositories(), random.Random(SEED), folder / "killed"
    populate(hub, chosen.datasets, faults=chosen.faults, seed=SEED)
    longest_s = whole.wall_s / (chosen.kills + 2)
    killed_s = []
    with serve(hub) as endpoint:
        while len(killed_s) < chosen.kills:
            started = time.monotonic()
            if not kill_while_working(hub, home, endpoint, rng.uniform(0.1, longest_s)):
                break
            killed_s.append(time.monotonic() - started)
        last = run_crawl(home, endpoint, *options)
        last_requests, scratch = by_kind(hub), len(left_half_done(home))
        accepted = [name for name, state in expected.items() if state == "accepted"]
        changed = set(rng.sample(accepted, chosen.changed))
        for repo_id in changed:
            hub.change(repo_id)
        hub.forget_requests()
        second = run_crawl(home, endpoint, *options)
    touched = {repo_id for repo_id, _ in hub.requests if repo_id}
    return Measured(expected, whole, whole_requests, killed_s, last, last_requests, second, touched, changed, scratch)


def by_kind(hub: Repositories) -> Counter[str]:
    """Returns how many requests of each kind the Hub answered."""
    found: Counter[str] = Counter()
    for (_, kind), number in hub.requests.items():
        found[kind] += number
    return found


def write_page(measured: Measured, chosen: argparse.Namespace) -> str:
    """Returns the page of evidence."""
    kinds = sorted(measured.whole_requests)
    killed_total = measured.last_requests.total()
    rows = [
        ("undisturbed", measured.whole, measured.whole_requests),
        (
            f"last of {len(measured.killed_s) + 1}, after the kills (requests: of all)",
            measured.last,
            measured.last_requests,
        ),
    ]
    table = [f"| crawl | wall | processor | peak | {' | '.join(kinds)} |", f"|---|---|---|---|{'---|' * len(kinds)}"]
    for name, crawl, requests in rows:
        cells = " | ".join(str(requests[kind]) for kind in kinds)
        table.append(f"| {name} | {crawl.wall_s:.0f} s | {crawl.cpu_s:.0f} s | {crawl.peak_mib:.0f} MiB | {cells} |")
    number = len(measured.expected)
    states = ", ".join(f"{count} {state}" for state, count in Counter(measured.expected.values()).most_common())
    held = "\n".join(f"- {'yes' if is_held else '**NO**'}: {claim}" for claim, is_held in measured.holds.items())
    return "\n".join(
        [
            "# A crawl with faults, kills and changes",
            "",
            f"`python -m tests.bench.crawl --datasets {number} --faults {chosen.faults} --kills {chosen.kills} --changed "
            f"{chosen.changed} --workers {chosen.workers}` (seed {SEED}; {os.cpu_count()} cores, Python {platform.python_version()}). "
            "The Hub is a local server in the same machine, so times say what our own work costs, the server's included.",
            "",
            f"{number} datasets, {round(number * chosen.faults)} of them with a fault (half of the faults pass, half stay): {states}.",
            "",
            held,
            "",
            *table,
            "",
            f"Killed (SIGKILL to the process group) after {', '.join(f'{s:.1f}' for s in measured.killed_s)} s from start. All crawls "
            f"together asked {killed_total / measured.whole_requests.total():.2f} times as often as the undisturbed one.",
            "",
            f"The second crawl, with {len(measured.changed)} changed datasets, took {measured.second.wall_s:.0f} s "
            f"({measured.second.cpu_s:.0f} s of processor time) and asked about {len(measured.touched)} datasets.",
            "",
        ]
    )  # fmt: skip


if __name__ == "__main__":
    main()
