"""How `deftworks corpus` speaks to a person. Names that came from datasets are printed as text, never as markup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Column, Table
from rich.text import Text

from deftworks.printing import out

if TYPE_CHECKING:
    import polars as pl

    from curation.corpus_difference import Change, Difference

TOP_FINDINGS = 12
MOST_CHANGES = 40
MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def print_figures(figures: Mapping[str, Any]) -> None:
    """Prints what `curation.corpus_figures` returns."""
    funnel = [[s["name"], s["datasets"], s["episodes"], s["frames"], s["hours"]] for s in figures["funnel"]]
    out.print(_table(["", "datasets", "episodes", "frames", "hours"], funnel))
    out.print()
    out.print(_table(["state", "datasets"], [[k, v] for k, v in figures["states"].items() if v]))
    for title, key in (
        ("why datasets are left out", "dataset_reasons"),
        ("why episodes are left out", "episode_reasons"),
    ):
        if figures[key]:
            out.print()
            out.print(_table([title, "count"], figures[key].items()))
    out.print()
    rows = [[f["severity"], f["code"], f["datasets"], f["episodes"] or "all"] for f in figures["findings"]]
    out.print(_table(["severity", "code", "datasets", "episodes"], rows[:TOP_FINDINGS]))
    if len(rows) > TOP_FINDINGS:
        out.print(f"… and {len(rows) - TOP_FINDINGS} more: --json", style="dim")
    out.print()
    out.print("kept: " + ", ".join(f"{count} {split}" for split, count in figures["splits"].items()))
    out.print(f"corpus {figures['corpus_hash']}")


def print_difference(difference: Difference) -> None:
    """Prints what came, went and changed; of very many the first."""
    if difference.old_hash == difference.new_hash:
        out.print(f"The same corpus: {difference.new_hash}")
        return
    for title, changes in (("datasets", difference.datasets), ("episodes", difference.episodes)):
        counts = {kind: sum(change.kind == kind for change in changes) for kind in MARKS}
        out.print(f"{title}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()), style="bold")
        for change in changes[:MOST_CHANGES]:
            out.print(_change(change))
        if len(changes) > MOST_CHANGES:
            out.print(f"  … and {len(changes) - MOST_CHANGES} more: --json", style="dim")
    out.print(f"{difference.old_hash} -> {difference.new_hash}")


def print_facts(facts: Mapping[str, Any]) -> None:
    """Prints what `curation.corpus_explanation` returns, a section per key."""
    for key, value in facts.items():
        if isinstance(value, str):
            out.print(Text(value, style="bold"))
            continue
        out.print()
        out.print(Text(key.replace("_", " "), style="bold cyan"))
        if value in (None, [], {}):
            out.print("  nothing", style="dim")
        else:
            _print_value(value, indent=2)


def print_frame(frame: pl.DataFrame) -> None:
    """Prints the rows of an answer as a table, all of them."""
    out.print(_table(frame.columns, frame.rows()))
    out.print(f"{frame.height} rows", style="dim")


def print_rows(names: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Prints rows below their names."""
    out.print(_table(names, rows))


def _print_value(value: Any, indent: int) -> None:
    margin = " " * indent
    if isinstance(value, Mapping):
        for key, part in value.items():
            if isinstance(part, (Mapping, list)) and part and len(str(part)) > 100:
                out.print(Text(f"{margin}{key}:"))
                _print_value(part, indent + 2)
            else:
                out.print(Text(f"{margin}{key}: {_plain(part)}"))
    elif isinstance(value, list) and all(isinstance(part, Mapping) for part in value):
        for part in value:
            head, *rest = part.items()
            out.print(Text(f"{margin}- {_plain(head[1])}"))
            _print_value(dict(rest), indent + 4)
    elif isinstance(value, list) and len(str(value)) > 100:
        for part in value:
            out.print(Text(f"{margin}- {_plain(part)}"))
    else:
        out.print(Text(f"{margin}{_plain(value)}"))


def _change(change: Change) -> RenderableType:
    mark, colour = MARKS[change.kind]
    return Text(f"  {mark} {change.id}  {change.why}", style=colour)


def _table(names: Iterable[str], rows: Iterable[Iterable[Any]]) -> Table:
    table = Table(*(Column(Text(name), overflow="fold") for name in names), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text("" if value is None else _plain(value)) for value in row))
    return table


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(part)}" for key, part in value.items()) or "none"
    # A terminal obeys control characters; a name from a dataset must not speak to it.
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))
