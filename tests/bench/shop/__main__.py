"""How fast the shop is: `python -m tests.bench.shop` writes docs/evidence/shop.md.

Complete sales a second on SQLite by four processes, beside commits of one row; search over 2,000 packs on the server's side; first page
in Chromium; twenty people who browse at once. The shelf of 2,000 really signed packs is made once and kept in .bench/.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import time
from pathlib import Path

from data_contracts.layout import Lake
from marketplace.catalogue import open_catalogue
from marketplace.search import Wish, search, search_frame
from tests.bench.shop.big_shelf import ROBOTS, make_big_shelf
from tests.bench.shop.pages import MINUTES, SESSIONS, THINKING_S, WORDS, Seen, measure, percentile
from tests.bench.shop.throughput import PROCESSES, rate

ROOT = Path(__file__).parents[3]
EVIDENCE = ROOT / "docs" / "evidence" / "shop.md"
SHELF = ROOT / ".bench" / "big_shelf"
PACKS, ROUNDS, SEARCHES = 2000, 3, 200


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.shop", description=__doc__)
    parser.add_argument("--out", type=Path, default=EVIDENCE)
    chosen = parser.parse_args()
    os.environ.pop("DEFTWORKS_HOME", None)
    SHELF.parent.mkdir(exist_ok=True)
    lake = make_big_shelf(SHELF, PACKS)
    rates = {what: [] for what in ("commits", "sales")}
    for number in range(ROUNDS):
        for what, found in rates.items():
            found.append(rate(what))
            print(f"round {number + 1}: {what} {found[-1]:,.0f} a second", flush=True)
    searches = search_spans(lake)
    first, seen = asyncio.run(measure(lake.home))
    chosen.out.write_text(_report(rates, searches, first, seen), encoding="utf-8")
    print(f"written: {chosen.out}")


def search_spans(lake: Lake) -> list[float]:
    """Returns seconds of searches as people type them, with and without facets."""
    frame, dice, spans = search_frame(open_catalogue(lake)), random.Random(0), []
    for number in range(SEARCHES):
        chosen = {"robot": frozenset({dice.choice(ROBOTS)})} if number % 2 else {}
        wish = Wish(text=dice.choice(("", *WORDS)), chosen=chosen, order=dice.choice(("evidence", "price", "newest")))
        begun = time.perf_counter()
        search(frame, wish)
        spans.append(time.perf_counter() - begun)
    return spans


def _report(rates: dict[str, list[float]], searches: list[float], first: list[float], seen: Seen) -> str:
    commits, sales = (statistics.median(rates[what]) for what in ("commits", "sales"))
    clicks = seen.all()
    rows = "\n".join(
        f"| {what} | {len(spans)} | {statistics.median(spans):.2f} | {percentile(spans, 0.95):.2f} |"
        for what, spans in sorted(seen.spans.items())
    )
    errors = f"{len(seen.errors)}: {'; '.join(sorted(set(seen.errors))[:3])}" if seen.errors else "none"
    return f"""# The shop's speed

`make bench-shop` on a machine of two processors that the benchmark, the shop and Chromium share.

## Sales

{PROCESSES} processes, one SQLite file (WAL, synchronous FULL), nothing batched, {ROUNDS} rounds in turn. A complete sale is two synced
transactions: the order with its lines and the call to the provider, then the settled payment with the ledger's entries, what the buyer
may download and every transition. What the provider takes to answer is not in it. Every ledger was audited afterwards.

| what | a second, median | range |
|---|---:|---:|
| complete sales | {sales:,.0f} | {min(rates["sales"]):,.0f} to {max(rates["sales"]):,.0f} |
| transactions that write one row: what the disk gives | {commits:,.0f} | {min(rates["commits"]):,.0f} to {max(rates["commits"]):,.0f} |

Wanted: 300 sales a second.

## A catalogue of {PACKS:,} packs

| what | median | 95 in 100 | wanted |
|---|---:|---:|---|
| search with facets and counts, server side | {statistics.median(searches) * 1000:.1f} ms | {percentile(searches, 0.95) * 1000:.1f} ms | 100 ms |
| first page drawn in Chromium | {statistics.median(first):.2f} s | {percentile(first, 0.95):.2f} s | 2 s |
| click to drawn, {SESSIONS} people at once | {statistics.median(clicks):.2f} s | {percentile(clicks, 0.95):.2f} s | 1.5 s at 95 in 100 |

{SESSIONS} browser contexts in one Chromium for {MINUTES:g} minutes; each looks at a page for {THINKING_S[0]:g} to {THINKING_S[1]:g} s, then
opens a skill, goes back, searches. Errors: {errors}.

| click | times | median s | 95 in 100, s |
|---|---:|---:|---:|
{rows}
"""


if __name__ == "__main__":
    main()
