"""Persons: who they are, which roles they have, and which contributor's name in packs' provenance is theirs.

An identity is how a person is known to somebody who vouches for them: to this shop by a password (issuer `local`), later to an OpenID
provider. One person may have several. Nothing here checks who asks: that is for those who call.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Connection, Row, delete, insert, select, update

from data_contracts.errors import AccountError, did_you_mean
from marketplace.accounts.sessions import revoke_sessions
from marketplace.accounts.tables import identity, person, person_role
from marketplace.ledger import moment

Role = Literal["owner", "contributor", "reviewer", "operator"]
ROLES: tuple[Role, ...] = get_args(Role)
LOCAL = "local"
LONGEST_NAME, LONGEST_EMAIL = 80, 254
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*")
"""What browsers accept in a field of type email (HTML, section 4.10.5.1.5). ASCII alone: no two that look the same differ."""


@dataclass(frozen=True)
class Person:
    """`contributor` is the name in packs' provenance that is theirs, `country` ISO 3166 alpha-2; moments are UTC text."""

    id: str
    display_name: str
    email: str
    country: str | None
    contributor: str | None
    roles: frozenset[Role]
    created_at: str
    disabled_at: str | None

    @property
    def is_disabled(self) -> bool:
        return self.disabled_at is not None


def add_person(
    connection: Connection,
    display_name: str,
    email: str,
    secret_hash: str,
    now: datetime,
    *,
    country: str | None = None,
    roles: Iterable[Role] = ("owner",),
) -> Person:
    """Adds a person with a local identity. Raises AccountError where name, email or country is none, or the email is taken."""
    display_name, email = checked_name(display_name), checked_email(email)
    if person_of_email(connection, email):
        raise AccountError("Somebody has an account with this email.", hint="Sign in instead.")
    person_id = f"person_{secrets.token_hex(10)}"
    connection.execute(
        insert(person).values(
            id=person_id,
            display_name=display_name,
            email=email,
            email_key=email.lower(),
            country=checked_country(country),
            created_at=moment(now),
        )
    )
    link_identity(connection, person_id, LOCAL, person_id, secret_hash=secret_hash)
    for role in roles:
        connection.execute(insert(person_role).values(person_id=person_id, role=role, granted_at=moment(now)))
    return get_person(connection, person_id)


def link_identity(
    connection: Connection, person_id: str, issuer: str, subject: str, *, secret_hash: str | None = None
) -> None:
    """Says that `subject`, for whom `issuer` vouches, is this person. Raises AccountError where it is somebody else."""
    if known := person_of_identity(connection, issuer, subject):
        if known.id != person_id:
            raise AccountError(f"{subject} of {issuer} is another person.", hint="One identity is one person.")
        return
    row = {"issuer": issuer, "subject": subject, "person_id": person_id, "secret_hash": secret_hash}
    connection.execute(insert(identity).values(row))


def person_of_identity(connection: Connection, issuer: str, subject: str) -> Person | None:
    """Returns whom an issuer's subject is: where a sign-in by an OpenID provider begins."""
    is_meant = (identity.c.issuer == issuer) & (identity.c.subject == subject)
    found = connection.execute(select(identity.c.person_id).where(is_meant)).scalar_one_or_none()
    return get_person(connection, found) if found else None


def secret_hash_of(connection: Connection, person_id: str) -> str | None:
    """Returns the argon2 hash of a person's password, None where they have none."""
    is_meant = (identity.c.issuer == LOCAL) & (identity.c.subject == person_id)
    return connection.execute(select(identity.c.secret_hash).where(is_meant)).scalar_one_or_none()


def store_secret_hash(connection: Connection, person_id: str, secret_hash: str) -> None:
    """Replaces the hash of a person's password; gives them a local identity where they had none."""
    is_meant = (identity.c.issuer == LOCAL) & (identity.c.subject == person_id)
    if connection.execute(update(identity).where(is_meant).values(secret_hash=secret_hash)).rowcount == 0:
        link_identity(connection, person_id, LOCAL, person_id, secret_hash=secret_hash)


def get_person(connection: Connection, person_id: str) -> Person:
    """Returns a person. Raises AccountError where there is none."""
    row = connection.execute(select(person).where(person.c.id == person_id)).one_or_none()
    if row is None:
        raise AccountError(f"There is no person {person_id}.")
    return _person(connection, row)


def person_of_email(connection: Connection, email: str) -> Person | None:
    """Returns whose email it is, in whatever case it is written."""
    row = connection.execute(select(person).where(person.c.email_key == _storable(email).lower())).one_or_none()
    return _person(connection, row) if row else None


def people(connection: Connection) -> list[Person]:
    """Returns everybody, oldest first."""
    rows = connection.execute(select(person).order_by(person.c.created_at, person.c.id)).all()
    return [_person(connection, row) for row in rows]


def has_operator(connection: Connection) -> bool:
    """Returns whether somebody who is not disabled runs this shop."""
    joined = select(person.c.id).join(person_role, person_role.c.person_id == person.c.id)
    wanted = joined.where(person_role.c.role == "operator", person.c.disabled_at.is_(None)).limit(1)
    return connection.execute(wanted).first() is not None


def grant_role(connection: Connection, person_id: str, role: Role, now: datetime) -> None:
    """Gives a role and signs the person out everywhere: what a session may do is settled when it begins."""
    _check_role(role)
    if role not in get_person(connection, person_id).roles:
        connection.execute(insert(person_role).values(person_id=person_id, role=role, granted_at=moment(now)))
        revoke_sessions(connection, person_id, now)


def withdraw_role(connection: Connection, person_id: str, role: Role, now: datetime) -> None:
    """Takes a role away and signs the person out everywhere."""
    _check_role(role)
    is_meant = (person_role.c.person_id == person_id) & (person_role.c.role == role)
    if connection.execute(delete(person_role).where(is_meant)).rowcount:
        revoke_sessions(connection, person_id, now)


def disable_person(connection: Connection, person_id: str, now: datetime) -> None:
    """Ends all that a person can do here. What they bought and earned stays recorded."""
    get_person(connection, person_id)
    connection.execute(update(person).where(person.c.id == person_id).values(disabled_at=moment(now)))
    revoke_sessions(connection, person_id, now)


def enable_person(connection: Connection, person_id: str) -> None:
    """Lets a disabled person in again."""
    get_person(connection, person_id)
    connection.execute(update(person).where(person.c.id == person_id).values(disabled_at=None))


def set_country(connection: Connection, person_id: str, country: str | None) -> None:
    """Says where a person lives: prices' tax follows from it."""
    connection.execute(update(person).where(person.c.id == person_id).values(country=checked_country(country)))


def assign_contributor(connection: Connection, person_id: str, contributor: str | None) -> None:
    """Says that a contributor's name is this person's; an operator's act, after they showed it. None takes it back.

    Raises:
        AccountError: somebody else has that name.
    """
    get_person(connection, person_id)
    holder = person_of_contributor(connection, contributor) if contributor else None
    if holder and holder.id != person_id:
        raise AccountError(f"The contributor {contributor} is {holder.id}.", hint="Take it from them first.")
    connection.execute(update(person).where(person.c.id == person_id).values(contributor=contributor))


def person_of_contributor(connection: Connection, contributor: str) -> Person | None:
    """Returns who a contributor in packs' provenance is, None as long as nobody has claimed the name."""
    row = connection.execute(select(person).where(person.c.contributor == contributor)).one_or_none()
    return _person(connection, row) if row else None


def claimed_contributors(connection: Connection) -> set[str]:
    """Returns the contributors' names that are somebody's. The shares of all others wait in unclaimed balances."""
    return set(connection.execute(select(person.c.contributor).where(person.c.contributor.is_not(None))).scalars())


def checked_name(name: str) -> str:
    """Returns a name that can be shown. Raises AccountError; control characters and text directions are not part of one."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise AccountError(f"A name has 1 to {LONGEST_NAME} characters that can be printed.")
    return name


def checked_email(email: str) -> str:
    """Returns an email address. Raises AccountError where it cannot be one."""
    email = email.strip()
    if len(email) > LONGEST_EMAIL or not EMAIL.fullmatch(email):
        raise AccountError("That is no email address.", hint="It looks like name@example.org.")
    return email


def checked_country(country: str | None) -> str | None:
    """Returns a country's two letters, or None. Raises AccountError."""
    country = (country or "").strip().upper()
    if country and not re.fullmatch("[A-Z]{2}", country):
        raise AccountError("A country is two letters.", hint="Such as DE, GB or US (ISO 3166).")
    return country or None


def _storable(text: str) -> str:
    # PostgreSQL takes neither NUL nor half of a surrogate pair in a question; nobody has such an address.
    return text.strip() if text.isascii() and text.strip().isprintable() else ""


def _person(connection: Connection, row: Row) -> Person:
    roles = connection.execute(select(person_role.c.role).where(person_role.c.person_id == row.id)).scalars()
    return Person(
        id=row.id,
        display_name=row.display_name,
        email=row.email,
        country=row.country,
        contributor=row.contributor,
        roles=frozenset(roles),
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise AccountError(f"There is no role {role!r}.", hint=did_you_mean(role, ROLES))
