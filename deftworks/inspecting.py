"""`deftworks inspect`: judge one dataset as it came, and say what was found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deftworks.options import AsJson

if TYPE_CHECKING:
    from data_contracts.manifests import DatasetVerdict

COLOURS = {"gate": "red", "warn": "yellow", "note": "dim"}


def inspect(
    dataset: Annotated[Path, typer.Argument(help="Folder of a LeRobot dataset, v2.0, v2.1 or v3.0.")],
    as_json: AsJson = False,
) -> None:
    """Judge one dataset: what is wrong, with which episodes, and whether it would be accepted.

    A finding is a [bold]gate[/bold] (the episodes it names cannot be used), a [bold]warn[/bold] (usable, the recipe decides)
    or a [bold]note[/bold].

    Exit code 0 when it was judged, also when it was rejected; 2 when it is no dataset or cannot be read at all.

    [bold]Examples[/bold]

      deftworks inspect recordings/org__pick-cube

      deftworks inspect recordings/org__pick-cube --json | jq .reason
    """
    from curation.quality import judge, judge_unreadable
    from curation.sources import dataset_id_of
    from data_contracts.errors import DatasetUnreadable, NotADataset
    from deftworks.printing import print_json

    dataset_id = dataset_id_of(dataset)
    exit_code = 0
    try:
        verdict = judge(dataset, dataset_id).verdict
    except (NotADataset, DatasetUnreadable) as error:
        verdict = judge_unreadable(dataset_id, error).verdict
        exit_code = 2
    if as_json:
        print_json(verdict.to_json())
    else:
        show_verdict(verdict)
    raise typer.Exit(exit_code)


def show_verdict(verdict: DatasetVerdict) -> None:
    """Prints a verdict for a person: a line about the dataset, then a table of findings, the worst first."""
    from rich.table import Table

    from deftworks.printing import out

    state = "[green]accepted[/green]" if verdict.accepted else "[red]rejected[/red]"
    out.print(
        f"[bold]{verdict.dataset}[/bold]  {state}  {verdict.version or '?'}  robot {verdict.robot or '?'}  "
        f"{verdict.num_episodes} episodes, {verdict.num_frames} frames, {num_usable(verdict)} usable"
    )
    if verdict.reason:
        out.print(verdict.reason)
    if not verdict.findings:
        out.print("Nothing found.")
        return
    table = Table("severity", "code", "episodes", "what", box=None, pad_edge=False)
    order = list(COLOURS)
    for finding in sorted(verdict.findings, key=lambda f: (order.index(f.severity), f.code)):
        colour = COLOURS[finding.severity]
        table.add_row(f"[{colour}]{finding.severity}[/]", finding.code, _episodes(finding.episodes), finding.message)
    out.print(table)


def num_usable(verdict: DatasetVerdict) -> int:
    """Returns how many episodes no gate finding names."""
    gates = [finding.episodes for finding in verdict.findings if finding.severity == "gate"]
    return 0 if None in gates else verdict.num_episodes - len({index for episodes in gates for index in episodes or ()})


def _episodes(episodes: tuple[int, ...] | None) -> str:
    if episodes is None:
        return "all"
    shown = ", ".join(str(index) for index in episodes[:8])
    return shown if len(episodes) <= 8 else f"{shown} … ({len(episodes)})"
