"""Tokens do what they may and no more, for as long as they may."""

from __future__ import annotations

import pytest

from data_contracts.errors import AccountError, NotAllowed, TooManyAttempts
from marketplace.accounts import api_tokens
from marketplace.accounts.api_tokens import make_token, person_of_token, revoke_token, tokens_of
from marketplace.accounts.signing_in import SignedIn
from marketplace.accounts.throttling import TOKEN_USE, count_sign_in, count_token_use, open_throttle, place_of
from marketplace.database import read, write
from marketplace.shop import Shop
from tests.marketplace.accounts.conftest import Clock


def _make(shop: Shop, ada: SignedIn, *scopes: str, days: int = 10, **more) -> tuple[str, api_tokens.ApiToken]:
    with write(shop.engine) as connection:
        return make_token(connection, ada.person, "script", scopes, days, shop.now(), **more)


def test_a_token_is_its_persons_until_it_is_over(shop: Shop, ada: SignedIn, clock: Clock) -> None:
    token, made = _make(shop, ada, "read", "download")
    person, found = person_of_token(shop, token)
    assert (person, found) == (ada.person, made)
    assert token.startswith(f"dw_{made.id}_")
    with read(shop.engine) as connection:
        assert tokens_of(connection, ada.person.id)[0].used_at is not None
    for wrong in (token + "x", token[:-1], token.upper(), made.id, f"dw_{made.id}_", "", "dw_\x00", "dw_\ud800"):
        assert person_of_token(shop, wrong) is None
    clock.advance(days=10)
    assert person_of_token(shop, token) is None


def test_a_revoked_token_is_none_and_only_its_person_can_revoke_it(shop: Shop, ada: SignedIn) -> None:
    token, made = _make(shop, ada, "read")
    with write(shop.engine) as connection, pytest.raises(AccountError, match="no token"):
        revoke_token(connection, "person_0", made.id, shop.now())
    assert person_of_token(shop, token)
    with write(shop.engine) as connection:
        revoke_token(connection, ada.person.id, made.id, shop.now())
        revoke_token(connection, ada.person.id, made.id, shop.now())
    assert person_of_token(shop, token) is None


@pytest.mark.parametrize(
    ("scopes", "days", "said"),
    [((), 10, "at least one"), (("raed",), 10, "'read'"), (("read",), 0, "1 to 366"), (("read",), 367, "1 to 366"),
     (("operate",), 10, "operator")],
)  # fmt: skip
def test_what_no_token_can_be(shop: Shop, ada: SignedIn, scopes: tuple[str, ...], days: int, said: str) -> None:
    with pytest.raises(AccountError, match=said):
        _make(shop, ada, *scopes, days=days)


def test_a_token_makes_none_that_can_do_more_or_lasts_longer(shop: Shop, ada: SignedIn) -> None:
    _, first = _make(shop, ada, "read", "download", days=5)
    with pytest.raises(NotAllowed):
        _make(shop, ada, "read", "buy", by=first)
    _, second = _make(shop, ada, "read", days=300, by=first)
    assert second.expires_at == first.expires_at


def test_nobody_has_tokens_without_end(shop: Shop, ada: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_tokens, "MOST", 2)
    _make(shop, ada, "read")
    _make(shop, ada, "read")
    with pytest.raises(AccountError, match="Revoke"):
        _make(shop, ada, "read")


def test_a_token_that_asks_too_often_waits() -> None:
    throttle = open_throttle()
    for _ in range(TOKEN_USE.amount):
        count_token_use(throttle, "one")
    with pytest.raises(TooManyAttempts):
        count_token_use(throttle, "one")
    count_token_use(throttle, "other")


def test_an_account_is_guarded_from_many_places_and_a_place_from_many_accounts() -> None:
    throttle = open_throttle()
    for number in range(30):
        count_sign_in(throttle, "ada@example.org", f"203.0.113.{number}")
    with pytest.raises(TooManyAttempts, match="minutes"):
        count_sign_in(throttle, "ada@example.org", "198.51.100.1")
    throttle = open_throttle()
    for number in range(100):
        count_sign_in(throttle, f"{number}@example.org", "203.0.113.9")
    with pytest.raises(TooManyAttempts):
        count_sign_in(throttle, "new@example.org", "203.0.113.9")


@pytest.mark.parametrize(
    ("address", "place"),
    [("203.0.113.9", "203.0.113.9"), ("::ffff:203.0.113.9", "203.0.113.9"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
     ("testclient", "unknown"), ("", "unknown")],
)  # fmt: skip
def test_what_counts_as_one_place(address: str, place: str) -> None:
    assert place_of(address) == place
