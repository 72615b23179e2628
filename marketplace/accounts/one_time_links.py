"""Links that work once: the first operator makes their account with one, and who forgot a password chooses another.

No mail is sent here. The first is printed where the shop is started, the other by an operator's command; who runs it hands it on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, insert, select, update

from data_contracts.errors import LinkSpent
from marketplace.accounts.audit_trail import SHOP, record
from marketplace.accounts.people import has_operator
from marketplace.accounts.secret_tokens import digest_of, new_secret
from marketplace.accounts.tables import one_time_link
from marketplace.database import write
from marketplace.ledger import moment
from marketplace.shop import Shop

Purpose = Literal["first_operator", "new_password"]
LIFETIME = timedelta(hours=24)
PATH = "/api/one-time/"


@dataclass(frozen=True)
class OneTimeLink:
    """A link that was not used yet. `person_id` is whom it is for; None makes a person."""

    purpose: Purpose
    person_id: str | None
    expires_at: str


def first_operator_link(shop: Shop) -> str | None:
    """Returns a link with which the shop's first operator makes their account; None where there is an operator.

    Only the newest one works, for a day: every start of a shop without an operator makes another.
    """
    now = shop.now()
    with write(shop.engine) as connection:
        if has_operator(connection):
            return None
        token = make_link(connection, "first_operator", None, now)
        record(connection, SHOP, "made a link for the first operator", {}, now)
    return link_address(shop, token)


def new_password_link(shop: Shop, person_id: str, who: str) -> str:
    """Returns a link with which a person chooses a new password; `who` (a person's id, or the shop) asked for it."""
    now = shop.now()
    with write(shop.engine) as connection:
        token = make_link(connection, "new_password", person_id, now)
        record(connection, who, "made a link for a new password", {"person": person_id}, now)
    return link_address(shop, token)


def make_link(connection: Connection, purpose: Purpose, person_id: str | None, now: datetime) -> str:
    """Makes a link's token. Those of the same purpose and person that were not used yet stop working."""
    is_older = (one_time_link.c.purpose == purpose) & one_time_link.c.used_at.is_(None)
    is_theirs = one_time_link.c.person_id.is_(None) if person_id is None else one_time_link.c.person_id == person_id
    connection.execute(update(one_time_link).where(is_older, is_theirs).values(used_at=moment(now)))
    token = new_secret()
    connection.execute(
        insert(one_time_link).values(
            token_hash=digest_of(token),
            purpose=purpose,
            person_id=person_id,
            created_at=moment(now),
            expires_at=moment(now + LIFETIME),
        )
    )
    return token


def find_link(connection: Connection, token: str, now: datetime) -> OneTimeLink:
    """Returns what a link is for. Raises LinkSpent where it was used, is too old, or never was."""
    row = connection.execute(select(one_time_link).where(one_time_link.c.token_hash == digest_of(token))).one_or_none()
    if row is None or row.used_at is not None or row.expires_at <= moment(now):
        raise LinkSpent("This link does not work any more.", hint="Ask whoever runs the shop for another.")
    if row.purpose == "first_operator" and has_operator(connection):
        raise LinkSpent("This shop has an operator already.", hint="Ask them to make you one.")
    return OneTimeLink(row.purpose, row.person_id, row.expires_at)


def use_link(connection: Connection, token: str, now: datetime) -> OneTimeLink:
    """Returns what a link is for and takes it out of use, inside `database.write`. Raises LinkSpent."""
    link = find_link(connection, token, now)
    is_meant = one_time_link.c.token_hash == digest_of(token)
    connection.execute(update(one_time_link).where(is_meant).values(used_at=moment(now)))
    return link


def link_address(shop: Shop, token: str) -> str:
    """Returns the address to open."""
    return f"{shop.settings.address}{PATH}{token}"
