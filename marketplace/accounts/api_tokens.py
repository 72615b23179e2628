"""What scripts and the command line come in with: `dw_<id>_<secret>`, shown once, limited in scope and time.

A token can do no more than its scopes, and never more than its person: an operator's scope without the role is worth nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from sqlalchemy import Connection, Row, insert, select, update

from data_contracts.errors import AccountError, NotAllowed, did_you_mean
from marketplace.accounts.people import Person, checked_name, get_person
from marketplace.accounts.secret_tokens import digest_of, new_secret
from marketplace.accounts.tables import api_token
from marketplace.database import read, write
from marketplace.ledger import moment
from marketplace.shop import Shop

Scope = Literal["read", "buy", "download", "operate"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "dw_"
LONGEST_DAYS = 366
MOST = 50
"""Of one person that hold at a time."""
USED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True)
class ApiToken:
    """What may be shown of a token: all but its secret."""

    id: str
    person_id: str
    name: str
    scopes: frozenset[Scope]
    created_at: str
    expires_at: str
    used_at: str | None
    revoked_at: str | None

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > moment(now)


def make_token(
    connection: Connection,
    person: Person,
    name: str,
    scopes: Iterable[Scope],
    days: int,
    now: datetime,
    *,
    by: ApiToken | None = None,
) -> tuple[str, ApiToken]:
    """Returns a new token, as it is shown this once, and what is kept of it.

    Args:
        by: the token that asks for another; what it makes can do no more and lasts no longer.

    Raises:
        AccountError: an unknown scope, none, no name, a time out of range, or too many tokens.
        NotAllowed: the person lacks the role, or `by` the scope.
    """
    wanted = _checked_scopes(scopes, person, by)
    if not 1 <= days <= LONGEST_DAYS:
        raise AccountError(f"A token lasts 1 to {LONGEST_DAYS} days.")
    if len([token for token in tokens_of(connection, person.id) if token.is_valid(now)]) >= MOST:
        raise AccountError(f"You have {MOST} tokens already.", hint="Revoke one that is not used any more.")
    expires_at = moment(now + timedelta(days=days))
    made = ApiToken(
        id=secrets.token_hex(5),
        person_id=person.id,
        name=checked_name(name),
        scopes=frozenset(wanted),
        created_at=moment(now),
        expires_at=min(expires_at, by.expires_at) if by else expires_at,
        used_at=None,
        revoked_at=None,
    )
    token = f"{PREFIX}{made.id}_{new_secret()}"
    row = {**vars(made), "scopes": " ".join(sorted(made.scopes)), "token_hash": digest_of(token)}
    connection.execute(insert(api_token).values(row))
    return token, made


def tokens_of(connection: Connection, person_id: str) -> list[ApiToken]:
    """Returns a person's tokens, newest first, also those that are over."""
    wanted = select(api_token).where(api_token.c.person_id == person_id)
    return [_token(row) for row in connection.execute(wanted.order_by(api_token.c.created_at.desc(), api_token.c.id))]


def revoke_token(connection: Connection, person_id: str, token_id: str, now: datetime) -> None:
    """Ends one of a person's tokens. Raises AccountError where they have none of that id."""
    is_meant = (api_token.c.person_id == person_id) & (api_token.c.id == token_id)
    found = connection.execute(select(api_token.c.revoked_at).where(is_meant)).one_or_none()
    if found is None:
        raise AccountError(f"You have no token {token_id}.", hint="List them: it has another id than the token itself.")
    connection.execute(
        update(api_token).where(is_meant, api_token.c.revoked_at.is_(None)).values(revoked_at=moment(now))
    )


def revoke_tokens(connection: Connection, person_id: str, now: datetime) -> None:
    """Ends all of a person's tokens."""
    is_meant = (api_token.c.person_id == person_id) & api_token.c.revoked_at.is_(None)
    connection.execute(update(api_token).where(is_meant).values(revoked_at=moment(now)))


def person_of_token(shop: Shop, token: str) -> tuple[Person, ApiToken] | None:
    """Returns whose token this is, None where it never was, is over, was revoked, or its person is disabled."""
    if not token.startswith(PREFIX):
        return None
    now = shop.now()
    with read(shop.engine) as connection:
        row = connection.execute(select(api_token).where(api_token.c.token_hash == digest_of(token))).one_or_none()
        found = _token(row) if row else None
        person = get_person(connection, found.person_id) if found else None
    if found is None or person is None or not found.is_valid(now) or person.is_disabled:
        return None
    if found.used_at is None or found.used_at < moment(now - USED_EVERY):
        with write(shop.engine) as connection:
            connection.execute(update(api_token).where(api_token.c.id == found.id).values(used_at=moment(now)))
    return person, found


def _checked_scopes(scopes: Iterable[str], person: Person, by: ApiToken | None) -> set[Scope]:
    wanted = set(scopes)
    for scope in sorted(wanted - set(SCOPES)):
        raise AccountError(f"There is no scope {scope!r}.", hint=did_you_mean(scope, SCOPES))
    if not wanted:
        raise AccountError("A token has at least one scope.", hint=f"Known: {', '.join(SCOPES)}.")
    if "operate" in wanted and "operator" not in person.roles:
        raise NotAllowed("Only an operator's token can operate.", hint="Leave that scope out.")
    if by and not wanted <= by.scopes:
        raise NotAllowed("A token makes none that can do more than itself.", hint="Sign in to make it.")
    return wanted


def _token(row: Row) -> ApiToken:
    return ApiToken(
        id=row.id,
        person_id=row.person_id,
        name=row.name,
        scopes=frozenset(row.scopes.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
