"""`deftworks reconcile`, `backup` and `restore`: whether the money is right, and how it survives this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deftworks.options import AsJson, Home

if TYPE_CHECKING:
    from marketplace.payments.reconciliation import Report


def reconcile(home: Home = None, as_json: AsJson = False) -> None:
    """Compare the ledger with every movement at the payment provider, after looking at all that waits. Exit code 0 only when they agree.

    [bold]Examples[/bold]

      deftworks reconcile

      deftworks reconcile --json
    """
    from dataclasses import asdict

    from data_contracts.layout import Lake
    from deftworks.printing import print_json
    from marketplace.payments.configured import provider_for
    from marketplace.payments.reconciliation import reconcile as compare
    from marketplace.shop import open_shop

    shop = open_shop(Lake.at(home))
    with provider_for(shop) as provider:
        report = compare(shop, provider)
    if as_json:
        print_json(asdict(report) | {"is_balanced": report.is_balanced})
    else:
        show_report(report)
    raise typer.Exit(0 if report.is_balanced else 1)


def show_report(report: Report) -> None:
    """Prints what a reconciliation found."""
    from deftworks.printing import out
    from marketplace.money import format_money

    there = (
        ", ".join(format_money(amount, currency) for currency, amount in sorted(report.balances.items())) or "nothing"
    )
    if report.is_balanced:
        out.print(f"[green]balanced[/green] {report.num_movements} movements at the provider, which holds {there}.")
    else:
        out.print(f"[red]not balanced[/red] {len(report.differences)} differences; the provider holds {there}.")
    for one in report.differences:
        out.print(f"  {one.what}: ours {_shown(one.ours)}, theirs {_shown(one.theirs)}: {one.said}", highlight=False)
    for text in report.waiting:
        out.print(f"  [yellow]waiting[/yellow] {text}", highlight=False)


def backup(
    target: Annotated[Path, typer.Argument(help="File to write; it must not be there.")], home: Home = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Write the shop's database, keys and settings into one file, and note which packs of the lake belong to it.

    The file holds the shop's private key: only its owner can read it; encrypt it before it leaves this machine.

    [bold]Example[/bold]

      deftworks backup shop-2026-11-22.backup
    """
    from data_contracts.layout import Lake
    from deftworks.printing import out, print_json
    from marketplace.backup import back_up
    from marketplace.shop import open_shop

    described = back_up(open_shop(Lake.at(home)), target)
    if as_json:
        print_json(described.model_dump(mode="json"))
        return
    num_rows = sum(table.num_rows for table in described.tables.values())
    out.print(
        f"[green]written[/green] {target}: {num_rows:,} rows of {len(described.tables)} tables, {len(described.files)} files, "
        f"{len(described.packs)} packs noted."
    )


def restore(
    source: Annotated[Path, typer.Argument(help="A file that `deftworks backup` wrote.")], home: Home = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Restore a shop into a lake and a database that have none. The ledger is audited before it counts.

    [bold]Examples[/bold]

      deftworks restore shop-2026-11-22.backup --home lake

      DEFTWORKS_DATABASE=postgresql://localhost/shop deftworks restore shop-2026-11-22.backup
    """
    from data_contracts.layout import Lake
    from deftworks.printing import out, print_json
    from marketplace.backup import restore as put_back
    from marketplace.database import database_url, open_database
    from marketplace.shop import utc_now

    lake = Lake.at(home)
    described, missing = put_back(source, lake, open_database(database_url(lake)), utc_now())
    if as_json:
        print_json(described.model_dump(mode="json") | {"missing_packs": missing})
        return
    num_rows = sum(table.num_rows for table in described.tables.values())
    out.print(
        f"[green]restored[/green] {num_rows:,} rows and {len(described.files)} files of {described.made_at}. Ledger holds."
    )
    for folder in missing:
        out.print(f"[yellow]missing[/yellow] {lake.home / folder}: bring the lake's packs back as well.")
    out.print("Next: deftworks reconcile")


def _shown(amount: int | None) -> str:
    return "nothing" if amount is None else str(amount)
