"""What the account page asks and changes: sessions, API tokens, country. Each change is one transaction with its audit row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from marketplace.accounts.api_tokens import ApiToken, Scope, make_token, revoke_token, tokens_of
from marketplace.accounts.audit_trail import record
from marketplace.accounts.people import Person, set_country
from marketplace.accounts.secret_tokens import digest_of
from marketplace.accounts.sessions import COOKIE, Session, revoke_sessions, sessions_of
from marketplace.database import read, write
from marketplace.shop import Shop


def sessions_and_tokens(shop: Shop, person: Person) -> tuple[list[Session], list[ApiToken]]:
    """Returns where a person is signed in, and their tokens that hold."""
    now = shop.now()
    with read(shop.engine) as connection:
        tokens = [token for token in tokens_of(connection, person.id) if token.is_valid(now)]
        return sessions_of(connection, person.id, now), tokens


def session_name(cookies: Mapping[str, str]) -> str | None:
    """Returns the `token_hash` of the session that a browser holds."""
    return digest_of(cookies[COOKIE]) if COOKIE in cookies else None


def make_api_token(shop: Shop, person: Person, name: str, scopes: Iterable[Scope], days: int) -> str:
    """Returns a new token, to be shown this once. Raises AccountError, NotAllowed."""
    now = shop.now()
    with write(shop.engine) as connection:
        token, made = make_token(connection, person, name, scopes, days, now)
        record(connection, person.id, "made a token", {"token": made.id, "scopes": sorted(made.scopes)}, now)
    return token


def revoke_api_token(shop: Shop, person: Person, token_id: str) -> None:
    """Ends a token. Raises AccountError where it is not theirs."""
    now = shop.now()
    with write(shop.engine) as connection:
        revoke_token(connection, person.id, token_id, now)
        record(connection, person.id, "revoked a token", {"token": token_id}, now)


def sign_out_everywhere(shop: Shop, person: Person) -> None:
    """Ends every session of a person, this one too."""
    now = shop.now()
    with write(shop.engine) as connection:
        revoke_sessions(connection, person.id, now)
        record(connection, person.id, "signed out everywhere", {}, now)


def move_to(shop: Shop, person: Person, country: str | None) -> None:
    """Says where a person lives."""
    with write(shop.engine) as connection:
        set_country(connection, person.id, country)
