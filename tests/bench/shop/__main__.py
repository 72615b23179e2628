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
from tests.bench.shop.pages import Measured, measure
from tests.bench.shop.seen import MINUTES, SESSIONS, THINKING_S, WORDS, Seen, percentile
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
    skills = [row["skill_id"] for row in open_catalogue(lake).packs()]
    pages = asyncio.run(measure(lake.home, skills))
    chosen.out.write_text(_report(rates, searches, pages), encoding="utf-8")
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


def _report(rates: dict[str, list[float]], searches: list[float], pages: Measured) -> str:
    commits, sales = (statistics.median(rates[what]) for what in ("commits", "sales"))
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
| first page drawn in Chromium | {statistics.median(pages.first):.2f} s | {percentile(pages.first, 0.95):.2f} s | 2 s |
{_clicks(f"{SESSIONS} people at once: click to drawn, for the one of them in Chromium", pages.alone)}
{_clicks("the others, who draw nothing: click until all was received", pages.visitors)}
{_clicks(f"click to drawn, all {SESSIONS} in one Chromium on these two processors", pages.drawn)}

For {MINUTES:g} minutes {SESSIONS} people look at a page for {THINKING_S[0]:g} to {THINKING_S[1]:g} s, then click: they open a skill, go back,
search. What it takes to open the shop is not counted. First one of them browses in Chromium and the others speak Streamlit's protocol
over websockets, each with a live session: these two rows are the shop's. Then all do in twenty contexts of one Chromium, which draws pages
and recordings without a graphics card on the same processors: that row says what Chromium can draw here, and is far from the bar. Errors: {_errors(pages)}.

| click | one in Chromium, median s | without drawing, median s | all in Chromium, median s |
|---|---:|---:|---:|
{_by_click(pages)}
"""


def _clicks(what: str, seen: Seen) -> str:
    clicks = seen.all()
    return f"| {what} ({len(clicks)} clicks) | {statistics.median(clicks):.2f} s | {percentile(clicks, 0.95):.2f} s | 1.5 s at 95 in 100 |"


def _by_click(pages: Measured) -> str:
    seen = (pages.alone, pages.visitors, pages.drawn)
    return "\n".join(
        f"| {what} | " + " | ".join(f"{statistics.median(one.spans[what]):.2f}" for one in seen) + " |"
        for what in sorted(pages.drawn.spans)
    )


def _errors(pages: Measured) -> str:
    errors = [*pages.alone.errors, *pages.visitors.errors, *pages.drawn.errors]
    return f"{len(errors)}: {'; '.join(sorted(set(errors))[:3])}" if errors else "none"


if __name__ == "__main__":
    main()
