"""`deftworks crawl`: candidates of the Hub (and of any other source), fetched in steps and judged."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from deftworks.options import AsJson, Home

if TYPE_CHECKING:
    from data_contracts.layout import Lake
    from pipelines.crawl import CrawlReport
    from pipelines.crawl_plan import CrawlPlan

COLOURS = {"accepted": "green", "rejected": "red", "new": "green", "current": "dim", "local": "dim"}
LONGEST_TABLE = 40
LARGEST = 10


def crawl(
    source: Annotated[
        list[str] | None,
        typer.Argument(help="hub:ORG/NAME[,...], hub:tag=TAG, hub:author=NAME, hub:recipe=NAME_OR_PATH, or folder:PATH. Kept for the lake's next run; none: those it has."),
    ] = None,
    home: Home = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Datasets fetched at a time.")] = 8,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be fetched and how large it is; fetch nothing.")] = False,
    retry_now: Annotated[bool, typer.Option("--retry-now", help="Try again what could not be had, also before its time.")] = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Fetch and judge datasets: metadata first, then rows, then videos, each only where the step before leaves something.

    Every candidate ends as accepted, rejected, quarantined, unreachable (with when to try again), gone or gated. Each file is
    verified against its commit. Stop it at any time; the same command goes on, and asks only about what changed.

    Recipes that come along: [bold]smolvla-community[/bold] (451 ids), [bold]lerobot-tagged[/bold] (everything),
    [bold]so-family[/bold] (SO-100 and SO-101). HF_TOKEN raises the Hub's limits and opens what it may read; HF_ENDPOINT names
    another Hub.

    [bold]Examples[/bold]

      deftworks crawl hub:recipe=smolvla-community --dry-run

      deftworks crawl hub:lerobot/svla_so100_pickplace --home lake

      deftworks crawl hub:author=lerobot --json > crawl.json
    """
    from data_contracts.layout import Lake
    from deftworks.printing import err, print_json

    lake = Lake.at(home)
    sources = chosen_sources(lake, source)
    try:
        if dry_run:
            plan = plan_with_progress(lake, sources, workers)
            print_json(plan_json(plan)) if as_json else show_plan(plan)
            return
        keep_sources(lake, sources)
        report = crawl_with_progress(lake, sources, workers, retry_now=retry_now)
        print_json(
            {"states": report.states, "num_tried": report.num_tried, **report.to_json()}
        ) if as_json else show_report(report)
    except KeyboardInterrupt:
        err.print("Stopped. The same command goes on where it left off.")
        os._exit(130)  # threads may wait for the network for minutes; what lies on disk is whole at any moment


def chosen_sources(lake: Lake, sources: list[str] | None) -> list[str]:
    """Returns the sources to crawl: those given, with absolute paths, else those that the lake has.

    Raises:
        UnknownSource: there are none, or one is not written in a known way.
    """
    from curation.sources import open_source
    from data_contracts.errors import UnknownSource
    from deftworks.running import absolute_source
    from pipelines.settings import UPLOADS, read_settings

    chosen = [absolute_source(spec) for spec in sources or read_settings(lake).sources]
    if not sources and chosen == [UPLOADS]:
        raise UnknownSource("No source was given yet for this lake.", hint="Name one: hub:recipe=smolvla-community.")
    for spec in chosen:
        open_source(spec, lake).check()
    return list(dict.fromkeys(chosen))


def keep_sources(lake: Lake, sources: list[str]) -> None:
    """Adds the sources to those of the lake, so that `deftworks run` and the browser see the same candidates."""
    from pipelines.settings import read_settings, write_settings

    settings = read_settings(lake)
    write_settings(lake, settings.model_copy(update={"sources": tuple(dict.fromkeys((*settings.sources, *sources)))}))


def crawl_with_progress(lake: Lake, sources: list[str], workers: int, *, retry_now: bool) -> CrawlReport:
    """Crawls, and shows on standard error how far it is."""
    from collections import Counter

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from deftworks.printing import err
    from pipelines.crawl import CrawlProgress
    from pipelines.crawl import crawl as crawl_lake

    counts: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=False) as bar:
        task = bar.add_task("listing", total=None)

        def show(step: CrawlProgress) -> None:
            counts[step.dataset.state] += 1
            said = ", ".join(f"{number} {state}" for state, number in counts.most_common())
            bar.update(task, description=said, completed=step.num_done, total=step.num_total)

        return crawl_lake(lake, sources, workers=workers, retry_now=retry_now, on_progress=show)


def plan_with_progress(lake: Lake, sources: list[str], workers: int) -> CrawlPlan:
    """Plans, and shows on standard error how far it is."""
    from rich.progress import Progress

    from deftworks.printing import err
    from pipelines.crawl_plan import plan_crawl

    with Progress(console=err, transient=True) as bar:
        task = bar.add_task("reading trees", total=None)
        return plan_crawl(
            lake,
            sources,
            workers=workers,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def show_report(report: CrawlReport) -> None:
    """Prints what became of each dataset: all of a short list; of a long one those that were tried and not accepted."""
    from rich.table import Table

    from deftworks.printing import out

    shown = list(report.datasets)
    if len(shown) > LONGEST_TABLE:
        shown = [dataset for dataset in shown if dataset.is_tried and dataset.state != "accepted"]
    table = Table("dataset", "state", "why", "try again", box=None, pad_edge=False)
    table.columns[0].overflow = "fold"
    for dataset in shown[:LONGEST_TABLE]:
        colour = COLOURS.get(dataset.state, "yellow")
        table.add_row(dataset.dataset, f"[{colour}]{dataset.state}[/]", dataset.reason or "", dataset.retry_at or "")
    if shown:
        out.print(table)
    if len(shown) > LONGEST_TABLE:
        out.print(f"... and {len(shown) - LONGEST_TABLE} more (--json has all).")
    states = ", ".join(f"{number} {state}" for state, number in report.states.items()) or "no candidates"
    out.print(f"{len(report.datasets)} datasets: {states}. {report.num_tried} were new, changed or due.")


def plan_json(plan: CrawlPlan) -> dict[str, object]:
    """Returns a plan with its sums, for scripts."""
    return {"states": plan.states, "totals": plan_totals(plan), **plan.to_json()}


def plan_totals(plan: CrawlPlan) -> dict[str, int]:
    """Returns how many files and bytes would be fetched, by kind."""
    new = plan.new
    kinds = ("metadata_bytes", "rows_bytes", "videos_bytes", "num_files")
    return {"num_datasets": len(new)} | {kind: sum(getattr(one, kind) for one in new) for kind in kinds}


def show_plan(plan: CrawlPlan) -> None:
    """Prints what would be fetched: sums by kind, the largest datasets, and which cannot be had."""
    from rich.table import Table

    from deftworks.printing import out

    totals = plan_totals(plan)
    out.print(f"{len(plan.datasets)} candidates: " + ", ".join(f"{n} {state}" for state, n in plan.states.items()))
    size = sum(totals[f"{kind}_bytes"] for kind in ("metadata", "rows", "videos"))
    out.print(
        f"At most {totals['num_files']} files of {totals['num_datasets']} datasets, {in_words(size)}: "
        + ", ".join(f"{kind} {in_words(totals[f'{kind}_bytes'])}" for kind in ("metadata", "rows", "videos"))
    )
    out.print("A recipe's scope and the judgement of rows decide while fetching, so it will be no more than that.")
    if plan.new:
        table = Table("largest", "files", "metadata", "rows", "videos", box=None, pad_edge=False)
        for one in plan.new[:LARGEST]:
            sizes = (one.metadata_bytes, one.rows_bytes, one.videos_bytes)
            table.add_row(one.repo_id, str(one.num_files), *map(in_words, sizes))
        out.print(table)
    for state in ("gated", "gone", "unreachable", "quarantined", "outside"):
        names = [one.repo_id or one.dataset for one in plan.datasets if one.state == state]
        if names:
            out.print(
                f"{state}: {', '.join(names[:LARGEST])}{f' and {len(names) - LARGEST} more' if len(names) > LARGEST else ''}"
            )


def in_words(num_bytes: int) -> str:
    """Returns a size as people read it, in powers of ten."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= size:
            return f"{num_bytes / size:.1f} {unit}"
    return f"{num_bytes} B"
