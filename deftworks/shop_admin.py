"""`deftworks shop-admin`: what whoever runs a shop does with people, on the machine where its database is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deftworks.options import AsJson, Home

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from marketplace.accounts.people import Person
    from marketplace.shop import Shop

    Change = Callable[[Connection, Person, datetime], None]

shop_admin = typer.Typer(help="People of the shop on this machine.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(help="The person's email.")]
RoleName = Annotated[str, typer.Argument(help="owner, contributor, reviewer or operator.")]


@shop_admin.command("first-link")
def first_link(home: Home = None) -> None:
    """Print the one-time link with which the first operator makes their account."""
    from data_contracts.errors import AccountError
    from marketplace.accounts.one_time_links import first_operator_link

    link = first_operator_link(_shop(home))
    if link is None:
        raise AccountError("This shop has an operator.", hint="Make others with: deftworks shop-admin grant")
    _print_link(link)


@shop_admin.command("password-link")
def password_link(email: Email, home: Home = None) -> None:
    """Print a one-time link with which a person chooses a new password. No mail is sent: hand it on yourself."""
    from marketplace.accounts.audit_trail import SHOP
    from marketplace.accounts.one_time_links import new_password_link
    from marketplace.database import read

    shop = _shop(home)
    with read(shop.engine) as connection:
        person = _person(connection, email)
    _print_link(new_password_link(shop, person.id, SHOP))


@shop_admin.command("people")
def list_people(home: Home = None, as_json: AsJson = False) -> None:
    """List everybody with their roles."""
    from deftworks.printing import out, print_json
    from marketplace.accounts.people import people
    from marketplace.database import read

    with read(_shop(home).engine) as connection:
        everybody = people(connection)
    if as_json:
        print_json({"people": [{**vars(person), "roles": sorted(person.roles)} for person in everybody]})
        return
    for person in everybody:
        notes = [*sorted(person.roles), *(["disabled"] if person.is_disabled else [])]
        out.print(
            f"{person.email}  {person.display_name}  {', '.join(notes)}  {person.contributor or ''}", markup=False
        )


@shop_admin.command("grant")
def grant(email: Email, role: RoleName, home: Home = None) -> None:
    """Give a person a role. They sign in again after it."""
    from marketplace.accounts.people import grant_role

    _change(home, email, "granted a role", {"role": role}, lambda c, p, now: grant_role(c, p.id, role, now))


@shop_admin.command("withdraw")
def withdraw(email: Email, role: RoleName, home: Home = None) -> None:
    """Take a role from a person. They sign in again after it."""
    from marketplace.accounts.people import withdraw_role

    _change(home, email, "withdrew a role", {"role": role}, lambda c, p, now: withdraw_role(c, p.id, role, now))


@shop_admin.command("claim")
def claim(
    email: Email,
    contributor: Annotated[str, typer.Argument(help="The contributor's name in packs' provenance.")],
    home: Home = None,
) -> None:
    """Say that a contributor is this person, after they showed it: what that name earned becomes theirs."""
    from marketplace.accounts.people import assign_contributor

    about = {"contributor": contributor}
    _change(home, email, "assigned a contributor", about, lambda c, p, now: assign_contributor(c, p.id, contributor))


@shop_admin.command("disable")
def disable(email: Email, home: Home = None) -> None:
    """Keep a person out. What they bought and earned stays recorded."""
    from marketplace.accounts.people import disable_person

    _change(home, email, "disabled a person", {}, lambda c, p, now: disable_person(c, p.id, now))


@shop_admin.command("enable")
def enable(email: Email, home: Home = None) -> None:
    """Let a disabled person in again."""
    from marketplace.accounts.people import enable_person

    _change(home, email, "enabled a person", {}, lambda c, p, now: enable_person(c, p.id))


def _change(home: Path | None, email: str, what: str, about: dict[str, str], change: Change) -> None:
    from deftworks.printing import err
    from marketplace.accounts.audit_trail import SHOP, record
    from marketplace.database import write

    shop = _shop(home)
    now = shop.now()
    with write(shop.engine) as connection:
        person = _person(connection, email)
        change(connection, person, now)
        record(connection, SHOP, what, {"person": person.id, **about}, now)
    err.print(f"{person.email}: {what}.", markup=False)


def _shop(home: Path | None) -> Shop:
    from data_contracts.layout import Lake
    from marketplace.shop import open_shop

    return open_shop(Lake.at(home))


def _person(connection: Connection, email: str) -> Person:
    from data_contracts.errors import AccountError
    from marketplace.accounts.people import person_of_email

    if person := person_of_email(connection, email):
        return person
    raise AccountError(f"Nobody here has the email {email}.", hint="List everybody: deftworks shop-admin people")


def _print_link(link: str) -> None:
    from deftworks.printing import err, out

    err.print("This link works once, for a day. It is not kept and not sent.")
    out.print(link, markup=False, soft_wrap=True)
