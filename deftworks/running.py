"""`deftworks run`: the main job."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deftworks.options import AsJson, Home

if TYPE_CHECKING:
    from data_contracts.layout import Lake
    from pipelines.run import PipelineRun, Progress


class Until(StrEnum):
    """How far a run goes."""

    corpus = "corpus"
    policy = "policy"
    pack = "pack"


def run(
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            help="Where datasets come from: folder:PATH or hub:... (see crawl). Repeat for more. Kept for the next run.",
        ),
    ] = None,
    home: Home = None,
    until: Annotated[Until, typer.Option(help="How far to go.")] = Until.pack,
    skills: Annotated[
        Path | None, typer.Option(help="Your skills.toml; default is the one that comes along. Kept for the next run.")
    ] = None,
    annotator: Annotated[
        str | None, typer.Option(help="rules, or qwen:MODEL (a name or a folder). Kept for the next run.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Crawl, judge, normalise, label, train, pack and publish, through Dagster. What did not change is not done again.

    Contributions (`deftworks contribute`) always take part. Stop it at any time; the same command goes on.

    [bold]Examples[/bold]

      deftworks run --source folder:recordings --until corpus

      deftworks run --source folder:recordings --home lake --json > run.json
    """
    from data_contracts.layout import Lake
    from deftworks.printing import print_json

    lake = Lake.at(home)
    configure(lake, source, skills, annotator)
    result = run_with_progress(lake, until.value)
    if as_json:
        print_json(result.report.to_json())
    else:
        show_corpus(result)
    raise typer.Exit(exit_code(result))


def exit_code(result: PipelineRun) -> int:
    """Returns 1 when a training, a pack or the release failed; a dataset that failed is an answer, not a fault."""
    return int(any(not key.startswith("curate_dataset:") for key in result.failures))


def configure(lake: Lake, sources: list[str] | None, skills: Path | None, annotator: str | None) -> None:
    """Stores what was asked for in the lake's settings; what was not asked for stays as it was.

    Raises:
        UnknownSource: nothing was ever configured, or a source is not written in a known way.
    """
    from annotation import check_annotator
    from curation.sources import open_source
    from data_contracts.errors import UnknownSource
    from data_contracts.skills import read_skills
    from pipelines.settings import read_settings, settings_path, write_settings

    settings = read_settings(lake)
    if not sources and not settings_path(lake).exists():
        raise UnknownSource(
            "No source was given yet for this lake.", hint="Pass --source folder:PATH or --source hub:ORG/NAME."
        )
    changes: dict[str, object] = {}
    if sources:
        sources = [absolute_source(spec) for spec in sources]
        for spec in sources:
            open_source(spec, lake).check()
        changes["sources"] = tuple(sources)
    if skills:
        read_skills(skills)
        changes["skills_file"] = str(skills.absolute())
    if annotator:
        check_annotator(annotator)
        changes["annotator"] = annotator
    write_settings(lake, settings.model_copy(update=changes))


def absolute_source(spec: str) -> str:
    """Returns a source that means the same from every folder: the path of a folder or of a recipe's file is made absolute."""
    for opening in ("folder:", "hub:recipe="):
        path = spec.removeprefix(opening)
        is_path = opening == "folder:" or path.endswith(".toml") or "/" in path
        if path != spec and path and is_path:
            return f"{opening}{Path(path).expanduser().absolute()}"
    return spec


def run_with_progress(lake: Lake, until: str) -> PipelineRun:
    """Runs the pipeline and reports each finished step on standard error."""
    from deftworks.printing import err
    from pipelines.run import run_pipeline

    def show(progress: Progress) -> None:
        if progress.num_unchanged:
            err.print(f"[dim]-[/dim] {progress.job} {progress.num_unchanged} of {progress.num_total} are as they were")
            return
        mark = "[green]✓[/green]" if progress.is_success else "[red]✗[/red]"
        count = f" {progress.num_done}/{progress.num_total}" if progress.num_total > 1 else ""
        err.print(f"{mark} {progress.job}{count} {progress.key or ''} [dim]{progress.seconds:.1f} s[/dim]")
        if progress.message:
            err.print(f"  {progress.message}", style="red", markup=False)

    try:
        with training_shown():
            return run_pipeline(lake, until, show)
    except KeyboardInterrupt:
        err.print("Stopped. The same command goes on where it left off.")
        raise typer.Exit(130) from None


@contextmanager
def training_shown() -> Iterator[None]:
    """Shows how far training and evaluation are, while they run, on standard error."""
    from deftworks.printing import err
    from pipelines.progress import LOGGER

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            err.print(f"  [dim]{record.getMessage()}[/dim]")

    handler = Shown()
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)


def show_corpus(result: PipelineRun) -> None:
    """Prints what became of each dataset."""
    from rich.table import Table

    from deftworks.printing import out

    table = Table("dataset", "state", "episodes", "frames", "why", box=None, pad_edge=False)
    table.columns[0].overflow = "fold"
    for row in result.report.datasets:
        colour = "green" if row.state == "accepted" else "red"
        table.add_row(
            row.dataset, f"[{colour}]{row.state}[/]", f"{row.num_episodes_kept} of {row.num_episodes}",
            f"{row.num_frames_kept} of {row.num_frames}", row.reason or "",
        )  # fmt: skip
    out.print(table)
    out.print(f"corpus {result.report.corpus_hash}")
