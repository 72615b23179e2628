"""An evaluation for people at a terminal: rates with intervals beside each other, and the verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

VERDICTS = {True: "[green]yes[/green]", False: "[red]no[/red]"}


def show_evaluation(info: dict[str, Any], folder: Path) -> None:
    """Prints one line per task and start with every entrant's successes and interval, then groups, verdicts and files."""
    from deftworks.printing import out
    from simulation.report_page import held_out_said, starts_checked

    ours = info["deftworks"]
    entrants = list(dict.fromkeys(cell["entrant"] for cell in ours["cells"]))
    out.print(f"[bold]{ours['policy']['name']}[/bold] on {ours['suite']['title']}, in [bold]simulation[/bold]\n")
    out.print(_table("task", "world", ours["cells"], entrants, ours["verdicts"]))
    if len(ours["suite"]["groups"]) > 1 or len(ours["cells"]) > len(ours["groups"]):
        out.print()
        out.print(_table("group", "group", ours["groups"], entrants, []))
    out.print()
    _show_verdicts(ours["verdicts"])
    if offline := ours.get("held_out_error"):
        out.print(held_out_said(offline))
    out.print(starts_checked(ours["checked_starts"]))
    out.print(f"Successes of n with their 95% Wilson intervals. Results: {folder / 'report.html'}")


def _table(
    title: str, place: str, cells: list[dict[str, Any]], entrants: list[str], verdicts: list[dict[str, Any]]
) -> Any:
    from rich.table import Table

    above = {(one["world"], one["start"]): one["is_above"] for one in verdicts}
    table = Table(title, "start", *entrants, *(["above all"] if verdicts else []), box=None, pad_edge=False)
    by_place: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for cell in cells:
        by_place.setdefault((cell[place], cell["start"]), {})[cell["entrant"]] = cell
    for where, found in by_place.items():
        verdict = [VERDICTS[above[where]] if where in above else ""] if verdicts else []
        table.add_row(
            where[0].removeprefix("metaworld/"), where[1], *(_shown(found[one]) for one in entrants), *verdict
        )
    return table


def _shown(cell: dict[str, Any]) -> str:
    interval = f"{100 * cell['low']:.0f}-{100 * cell['high']:.0f}%"
    return f"{cell['num_successes']}/{cell['num_rollouts']} [dim]{interval}[/dim]"


def _show_verdicts(verdicts: list[dict[str, Any]]) -> None:
    from deftworks.printing import out

    for start in dict.fromkeys(one["start"] for one in verdicts):
        here = [one for one in verdicts if one["start"] == start]
        num_above = sum(one["is_above"] for one in here)
        out.print(f"{start} starts: above every baseline on {num_above} of {len(here)} tasks.")
