"""Coming in: making an account, signing in, choosing a new password, signing out. Each is one transaction, with its audit row.

Passwords are hashed before a transaction begins: nobody waits for a hash while holding the database.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from data_contracts.errors import LinkSpent, SignInRefused
from marketplace.accounts.api_tokens import revoke_tokens
from marketplace.accounts.audit_trail import STRANGER, record
from marketplace.accounts.one_time_links import find_link, use_link
from marketplace.accounts.passwords import check_new, hash_password, is_outdated, is_password
from marketplace.accounts.people import (
    Person,
    add_person,
    checked_country,
    checked_email,
    checked_name,
    get_person,
    person_of_email,
    secret_hash_of,
    store_secret_hash,
)
from marketplace.accounts.sessions import open_session, revoke_session, revoke_sessions
from marketplace.accounts.throttling import Throttle, count_link, count_sign_in, count_sign_up, place_of
from marketplace.database import read, write
from marketplace.shop import Shop


@dataclass(frozen=True)
class Visitor:
    """Where a request comes from, and the session that its browser had until now."""

    address: str
    old_session: str | None = None


@dataclass(frozen=True)
class SignedIn:
    """A person and the token of their new session."""

    person: Person
    session: str


def sign_up(
    shop: Shop,
    throttle: Throttle,
    visitor: Visitor,
    *,
    name: str,
    email: str,
    password: str,
    country: str | None = None,
) -> SignedIn:
    """Makes an account and signs in. Raises AccountError (what to change), TooManyAttempts."""
    count_sign_up(throttle, visitor.address)
    secret_hash = _hash_of_new(name, email, password, country)
    now = shop.now()
    with write(shop.engine) as connection:
        person = add_person(connection, name, email, secret_hash, now, country=country)
        record(connection, person.id, "signed up", _from(visitor), now)
        return _begin(connection, shop, person, visitor)


def check_password(shop: Shop, throttle: Throttle, visitor: Visitor, email: str, password: str) -> Person:
    """Returns whose email and password these are.

    Raises:
        SignInRefused: nobody's, or a disabled person's: the same answer after the same work.
        TooManyAttempts: before anything is looked at.
    """
    count_sign_in(throttle, email, visitor.address)
    with read(shop.engine) as connection:
        person = person_of_email(connection, email)
        stored = secret_hash_of(connection, person.id) if person else None
    is_right = is_password(stored, password)
    now = shop.now()
    if person is None or not is_right or person.is_disabled:
        with write(shop.engine) as connection:
            record(connection, person.id if person else STRANGER, "was refused", _from(visitor), now)
        raise SignInRefused("Email or password is wrong.", hint="Check both and try again.")
    if stored and is_outdated(stored):
        renewed = hash_password(password)
        with write(shop.engine) as connection:
            if secret_hash_of(connection, person.id) == stored:
                store_secret_hash(connection, person.id, renewed)
    return person


def sign_in(shop: Shop, throttle: Throttle, visitor: Visitor, *, email: str, password: str) -> SignedIn:
    """Begins a session. Raises SignInRefused, TooManyAttempts."""
    person = check_password(shop, throttle, visitor, email, password)
    now = shop.now()
    with write(shop.engine) as connection:
        person = get_person(connection, person.id)
        record(connection, person.id, "signed in", _from(visitor), now)
        return _begin(connection, shop, person, visitor)


def change_password(
    shop: Shop, throttle: Throttle, visitor: Visitor, person: Person, *, old: str, new: str
) -> SignedIn:
    """Replaces a password, ends every session and token, and begins a new session. Raises AccountError, TooManyAttempts."""
    check_password(shop, throttle, visitor, person.email, old)
    check_new(new, person.email)
    secret_hash = hash_password(new)
    with write(shop.engine) as connection:
        return _new_password(connection, shop, person.id, secret_hash, visitor)


def use_new_password_link(shop: Shop, throttle: Throttle, visitor: Visitor, token: str, password: str) -> SignedIn:
    """Sets the password of whom a link is for, and signs them in. Raises LinkSpent, AccountError, TooManyAttempts."""
    count_link(throttle, visitor.address)
    with read(shop.engine) as connection:
        link = find_link(connection, token, shop.now())
        if link.person_id is None:
            raise LinkSpent("This link does not set a password.")
        person = get_person(connection, link.person_id)
    if person.is_disabled:
        raise LinkSpent("This account is disabled.", hint="Ask whoever runs the shop.")
    check_new(password, person.email)
    secret_hash = hash_password(password)
    with write(shop.engine) as connection:
        use_link(connection, token, shop.now())
        return _new_password(connection, shop, person.id, secret_hash, visitor)


def use_first_operator_link(
    shop: Shop, throttle: Throttle, visitor: Visitor, token: str, *, name: str, email: str, password: str
) -> SignedIn:
    """Makes the shop's first operator, and signs them in. Raises LinkSpent, AccountError, TooManyAttempts."""
    count_link(throttle, visitor.address)
    with read(shop.engine) as connection:
        if find_link(connection, token, shop.now()).purpose != "first_operator":
            raise LinkSpent("This link does not make an operator.")
    secret_hash = _hash_of_new(name, email, password, None)
    now = shop.now()
    with write(shop.engine) as connection:
        use_link(connection, token, now)
        person = add_person(connection, name, email, secret_hash, now, roles=("owner", "operator"))
        record(connection, person.id, "became the first operator", _from(visitor), now)
        return _begin(connection, shop, person, visitor)


def sign_out(shop: Shop, person: Person | None, session: str) -> None:
    """Ends a session."""
    now = shop.now()
    with write(shop.engine) as connection:
        revoke_session(connection, session, now)
        if person:
            record(connection, person.id, "signed out", {}, now)


def _hash_of_new(name: str, email: str, password: str, country: str | None) -> str:
    # What is wrong with the rest is said before time is spent on a hash.
    checked_name(name)
    checked_country(country)
    check_new(password, checked_email(email))
    return hash_password(password)


def _begin(connection: Connection, shop: Shop, person: Person, visitor: Visitor) -> SignedIn:
    now = shop.now()
    if visitor.old_session:
        revoke_session(connection, visitor.old_session, now)
    return SignedIn(person, open_session(connection, person.id, shop.settings.sessions.lifetime_days, now))


def _new_password(connection: Connection, shop: Shop, person_id: str, secret_hash: str, visitor: Visitor) -> SignedIn:
    now = shop.now()
    store_secret_hash(connection, person_id, secret_hash)
    revoke_sessions(connection, person_id, now)
    revoke_tokens(connection, person_id, now)
    record(connection, person_id, "chose a new password", _from(visitor), now)
    return _begin(connection, shop, get_person(connection, person_id), visitor)


def _from(visitor: Visitor) -> dict[str, str]:
    return {"place": place_of(visitor.address)}
