"""`deftworks contribute`: a contributor's first door."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deftworks.options import AsJson, Home


def contribute(
    folder: Annotated[Path, typer.Argument(help="Folder of the LeRobot dataset that you recorded.")],
    name: Annotated[
        str, typer.Option("--as", help="Your contributor id: letters, digits, '.', '-' and single '_'.", metavar="NAME")
    ],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Hand in a dataset: it is copied into quarantine, judged, and answered episode by episode.

    Accepted episodes are in the next corpus (`deftworks run`) under your name. Handing in the same folder twice changes
    nothing.

    [bold]Example[/bold]

      deftworks contribute recordings/pick-cube --as lab-north
    """
    from rich.table import Table

    from curation.quality import judge
    from data_contracts.layout import Lake
    from deftworks.printing import out, print_json
    from marketplace.contributions import receive

    receipt = receive(folder, name, Lake.at(home), judge)
    contribution = receipt.contribution
    if as_json:
        print_json(contribution.to_json() | {"is_new": receipt.is_new})
        return
    table = Table("episode", "verdict", "why", box=None, pad_edge=False)
    for index in contribution.accepted_episodes:
        table.add_row(str(index), "[green]accepted[/green]", "")
    for index, codes in contribution.rejected_episodes.items():
        table.add_row(str(index), "[red]rejected[/red]", "; ".join(receipt.messages.get(code, code) for code in codes))
    out.print(table)
    kept, refused = len(contribution.accepted_episodes), len(contribution.rejected_episodes)
    out.print(
        f"{contribution.contribution_id}: {kept} accepted, {refused} rejected{'' if receipt.is_new else ' (handed in before)'}."
    )
    if kept:
        option = f" --home {home}" if home else ""
        out.print(f"Unless somebody recorded the same before, they are in the next corpus: deftworks run{option}")
