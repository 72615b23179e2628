"""Sessions: a browser's cookie holds 256 random bits, the table their digest, the person and when it ends.

A session begins at a sign-in and only there, so nobody can be made to use one that somebody else knows. It ends by signing out, in time,
with a new password and with a new role.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select, update

from marketplace.accounts.secret_tokens import derived, digest_of, is_same, new_secret
from marketplace.accounts.tables import person_session
from marketplace.database import read, write
from marketplace.ledger import moment

if TYPE_CHECKING:
    from marketplace.accounts.people import Person
    from marketplace.shop import Shop

COOKIE = "dw_session"
SEEN_EVERY = timedelta(minutes=10)
"""How exactly it is known when a session was last used: not every reading is worth a write."""


@dataclass(frozen=True)
class Session:
    """A session that holds. `token_hash` names it; the token itself is only in the browser."""

    token_hash: str
    person_id: str
    created_at: str
    expires_at: str
    seen_at: str


def open_session(connection: Connection, person_id: str, lifetime_days: int, now: datetime) -> str:
    """Begins a session and returns its token, which is told to nobody but the browser."""
    token = new_secret()
    connection.execute(
        insert(person_session).values(
            token_hash=digest_of(token),
            person_id=person_id,
            created_at=moment(now),
            expires_at=moment(now + timedelta(days=lifetime_days)),
            seen_at=moment(now),
        )
    )
    return token


def find_session(connection: Connection, token: str, now: datetime) -> Session | None:
    """Returns the session of a token, None where it never was, was revoked or is over."""
    row = connection.execute(
        select(person_session).where(person_session.c.token_hash == digest_of(token))
    ).one_or_none()
    if row is None or row.revoked_at is not None or row.expires_at <= moment(now):
        return None
    return Session(row.token_hash, row.person_id, row.created_at, row.expires_at, row.seen_at)


def sessions_of(connection: Connection, person_id: str, now: datetime) -> list[Session]:
    """Returns where a person is signed in, newest first."""
    holds = (person_session.c.revoked_at.is_(None)) & (person_session.c.expires_at > moment(now))
    wanted = select(person_session).where(person_session.c.person_id == person_id, holds)
    rows = connection.execute(wanted.order_by(person_session.c.created_at.desc())).all()
    return [Session(row.token_hash, row.person_id, row.created_at, row.expires_at, row.seen_at) for row in rows]


def revoke_session(connection: Connection, token: str, now: datetime) -> None:
    """Ends one session, if it is one."""
    is_meant = (person_session.c.token_hash == digest_of(token)) & person_session.c.revoked_at.is_(None)
    connection.execute(update(person_session).where(is_meant).values(revoked_at=moment(now)))


def revoke_sessions(connection: Connection, person_id: str, now: datetime) -> None:
    """Signs a person out everywhere."""
    is_meant = (person_session.c.person_id == person_id) & person_session.c.revoked_at.is_(None)
    connection.execute(update(person_session).where(is_meant).values(revoked_at=moment(now)))


def person_of_cookie(shop: Shop, cookies: Mapping[str, str]) -> Person | None:
    """Returns who is signed in, from a browser's cookies: in a page `st.context.cookies`, in a route `request.cookies`."""
    from marketplace.accounts.people import get_person

    if not (token := cookies.get(COOKIE)):
        return None
    now = shop.now()
    with read(shop.engine) as connection:
        session = find_session(connection, token, now)
        person = get_person(connection, session.person_id) if session else None
    if session is None or person is None or person.is_disabled:
        return None
    if session.seen_at < moment(now - SEEN_EVERY):
        with write(shop.engine) as connection:
            is_meant = person_session.c.token_hash == session.token_hash
            connection.execute(update(person_session).where(is_meant).values(seen_at=moment(now)))
    return person


def csrf_token(secret: str) -> str:
    """Returns what forms carry beside a cookie that holds `secret`: it follows from it, and another site cannot read either."""
    return derived(secret, "csrf")


def is_csrf_token(given: str, secret: str) -> bool:
    """Returns whether a form was made for the browser that holds `secret`."""
    return bool(secret) and is_same(given, csrf_token(secret))
