"""`deftworks lake`: what takes the space, and what may go."""

from __future__ import annotations

from typing import Annotated

import typer

from deftworks.options import AsJson, Home


def usage(
    home: Home = None,
    top: Annotated[int, typer.Option(help="How many datasets to show, the largest first.", min=0)] = 10,
    as_json: AsJson = False,
) -> None:
    """Show what takes the space of the lake, by part and by dataset. A file with several names is counted once.

    [bold]Examples[/bold]

      deftworks lake usage --top 20

      deftworks lake usage --json | jq .by_part
    """
    from data_contracts.layout import Lake
    from deftworks.corpus_printing import print_rows
    from deftworks.printing import out, print_json
    from pipelines.lake_usage import lake_usage

    lake = Lake.at(home)
    used = lake_usage(lake)
    datasets = dict(list(used.by_dataset.items())[:top])
    if as_json:
        totals = {"home": str(lake.home), "size_bytes": used.size_bytes, "num_files": used.num_files}
        print_json({**totals, "by_part": used.by_part, "by_dataset": datasets})
        return
    print_rows(["part", "size"], [[part, size(count)] for part, count in used.by_part.items()])
    if datasets:
        out.print()
        rows = [
            [name, size(sum(parts.values())), ", ".join(f"{part} {size(count)}" for part, count in parts.items())]
            for name, parts in datasets.items()
        ]
        print_rows(["dataset", "size", "of it"], rows)
    out.print()
    out.print(f"{lake.home}: {size(used.size_bytes)} in {used.num_files} files", markup=False)


def gc(
    home: Home = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete it. Without this it is only shown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what nothing in the lake refers to any more; with --delete, delete it while no other run works on the lake.

    That is: stages, downloads and failures of datasets that neither the listing nor the corpus, the skill index or the
    pretraining mixture names; downloads of older commits; scratch folders of processes that died. Never packs, releases,
    contributions, keys, policies or evaluations, and nothing outside the lake.

    [bold]Examples[/bold]

      deftworks lake gc

      deftworks lake gc --delete --json | jq .freed_bytes
    """
    from data_contracts.layout import Lake
    from deftworks.corpus_printing import print_rows
    from deftworks.printing import out, print_json
    from pipelines.lake_garbage import delete_garbage, find_garbage

    lake = Lake.at(home)
    report = delete_garbage(lake) if delete else find_garbage(lake)
    if as_json:
        print_json(report.to_json())
        return
    if report.garbage:
        print_rows(
            ["what", "size", "rule", "why"], [[g.path, size(g.size_bytes), g.rule, g.why] for g in report.garbage]
        )
    done = "deleted" if report.is_deleted else "would be deleted; nothing was (pass --delete)"
    out.print(f"{len(report.garbage)} entries, {size(report.freed_bytes)}: {done}.")


def size(num_bytes: int) -> str:
    """Returns bytes as a person reads them: `12.3 MB`."""
    value, units = float(num_bytes), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"
