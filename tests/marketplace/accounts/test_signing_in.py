"""Coming in, and everything that must not let somebody in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from sqlalchemy import inspect, text, update

from data_contracts.errors import AccountError, LinkSpent, SignInRefused, TooManyAttempts
from marketplace.accounts import passwords
from marketplace.accounts.api_tokens import make_token, person_of_token
from marketplace.accounts.audit_trail import recorded
from marketplace.accounts.one_time_links import first_operator_link, new_password_link
from marketplace.accounts.people import (
    disable_person,
    enable_person,
    get_person,
    grant_role,
    person_of_email,
    secret_hash_of,
    store_secret_hash,
    withdraw_role,
)
from marketplace.accounts.sessions import COOKIE, person_of_cookie, sessions_of
from marketplace.accounts.signing_in import (
    SignedIn,
    Visitor,
    change_password,
    sign_in,
    sign_out,
    sign_up,
    use_first_operator_link,
    use_new_password_link,
)
from marketplace.accounts.tables import person
from marketplace.accounts.throttling import Throttle, count_sign_in, open_throttle
from marketplace.database import read, write
from marketplace.ledger import moment
from marketplace.shop import Shop
from tests.marketplace.accounts.conftest import PASSWORD, Clock

HERE = Visitor("203.0.113.9")
ELSEWHERE = Visitor("198.51.100.7")
ANOTHER = "four loud herons"


def _who(shop: Shop, session: str) -> str | None:
    person = person_of_cookie(shop, {COOKIE: session})
    return person.id if person else None


def _token_of(address: str) -> str:
    return address.rsplit("/", 1)[1]


def test_a_person_signs_up_in_out_and_in_again_however_the_email_is_written(
    shop: Shop, throttle: Throttle, ada: SignedIn
) -> None:
    assert ada.person.roles == {"owner"}
    assert _who(shop, ada.session) == ada.person.id
    sign_out(shop, ada.person, ada.session)
    assert _who(shop, ada.session) is None
    again = sign_in(shop, throttle, HERE, email=" aDA@example.ORG ", password=PASSWORD)
    assert again.person == ada.person
    assert _who(shop, again.session) == ada.person.id


@pytest.mark.parametrize("cookies", [{}, {COOKIE: ""}, {COOKIE: "x"}, {COOKIE: "\x00"}, {COOKIE: "\ud800"}])
def test_no_session_is_nobody(shop: Shop, ada: SignedIn, cookies: dict[str, str]) -> None:
    assert person_of_cookie(shop, cookies) is None


def test_one_email_is_one_account(shop: Shop, throttle: Throttle, ada: SignedIn) -> None:
    with pytest.raises(AccountError, match="has an account"):
        sign_up(shop, throttle, HERE, name="Eve", email="ADA@EXAMPLE.ORG", password=ANOTHER)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password": "too short"}, "10 to 200"),
        ({"password": "x" * 201}, "10 to 200"),
        ({"password": "Password123"}, "first that are guessed"),
        ({"password": "Eve.Long@Example.org"}, "first that are guessed"),
        ({"name": " "}, "1 to 80"),
        ({"name": "x" * 81}, "1 to 80"),
        ({"name": "Eve\r\nSet-Cookie: dw_session=1"}, "can be printed"),
        ({"name": "Eve\u202egpj"}, "can be printed"),
        ({"name": "Eve\ud800"}, "can be printed"),
        ({"email": "eve"}, "no email"),
        ({"email": "eve@example.org\nBcc: all@example.org"}, "no email"),
        ({"email": "eve\x00@example.org"}, "no email"),
        ({"email": "eve@examp\u212ae.org"}, "no email"),
        ({"email": "e" * 250 + "@x.org"}, "no email"),
        ({"country": "Germany"}, "two letters"),
    ],
)
def test_what_cannot_be_an_account_is_refused_with_its_reason(
    shop: Shop, throttle: Throttle, change: dict[str, str], said: str
) -> None:
    wanted = {"name": "Eve", "email": "eve.long@example.org", "password": ANOTHER} | change
    with pytest.raises(AccountError, match=said):
        sign_up(shop, throttle, HERE, **wanted)


def test_a_wrong_password_and_an_unknown_email_get_the_same_answer_after_the_same_work(
    shop: Shop, throttle: Throttle, ada: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            verified.append(str(hash).rsplit("$", 2)[0])
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    answers = []
    with write(shop.engine) as connection:
        disable_person(connection, ada.person.id, shop.now())
    for email, password in [
        ("ada@example.org", ANOTHER), ("nobody@example.org", ANOTHER), ("ada@example.org", PASSWORD),
        ("ada@example.org", "x" * 201), ("not an email", ANOTHER), ("\x00", "\ud800"),
    ]:  # fmt: skip
        with pytest.raises(SignInRefused) as refused:
            sign_in(shop, throttle, HERE, email=email, password=password)
        answers.append(str(refused.value))
    assert len(set(answers)) == 1
    assert len(verified) == 6
    assert set(verified) == {"$argon2id$v=19$m=65536,t=3,p=4"}


def test_a_session_that_was_there_before_is_worth_nothing_after_a_sign_in(
    shop: Shop, throttle: Throttle, ada: SignedIn
) -> None:
    planted = Visitor("203.0.113.9", old_session="chosen-by-somebody-else")
    first = sign_in(shop, throttle, planted, email="ada@example.org", password=PASSWORD)
    assert first.session != planted.old_session
    assert _who(shop, "chosen-by-somebody-else") is None
    second = sign_in(
        shop, throttle, replace(HERE, old_session=first.session), email="ada@example.org", password=PASSWORD
    )
    assert _who(shop, first.session) is None
    assert _who(shop, second.session) == ada.person.id


def test_a_session_ends_in_time_and_is_seen_meanwhile(shop: Shop, ada: SignedIn, clock: Clock) -> None:
    clock.advance(minutes=11)
    assert _who(shop, ada.session) == ada.person.id
    with read(shop.engine) as connection:
        (session,) = sessions_of(connection, ada.person.id, shop.now())
    assert session.seen_at > session.created_at
    clock.advance(days=shop.settings.sessions.lifetime_days)
    assert _who(shop, ada.session) is None


def test_a_new_role_and_a_withdrawn_one_end_every_session(shop: Shop, throttle: Throttle, ada: SignedIn) -> None:
    with write(shop.engine) as connection:
        grant_role(connection, ada.person.id, "reviewer", shop.now())
    assert _who(shop, ada.session) is None
    again = sign_in(shop, throttle, HERE, email="ada@example.org", password=PASSWORD)
    assert again.person.roles == {"owner", "reviewer"}
    with write(shop.engine) as connection:
        withdraw_role(connection, ada.person.id, "reviewer", shop.now())
        with pytest.raises(AccountError, match="no role"):
            grant_role(connection, ada.person.id, "root", shop.now())
    assert _who(shop, again.session) is None


def test_a_disabled_person_is_out_and_comes_back_when_enabled(shop: Shop, throttle: Throttle, ada: SignedIn) -> None:
    with write(shop.engine) as connection:
        token, _ = make_token(connection, ada.person, "script", ["read"], 10, shop.now())
        disable_person(connection, ada.person.id, shop.now())
    assert _who(shop, ada.session) is None
    assert person_of_token(shop, token) is None
    with write(shop.engine) as connection:
        enable_person(connection, ada.person.id)
    assert sign_in(shop, throttle, HERE, email="ada@example.org", password=PASSWORD).person.id == ada.person.id


def test_a_disabled_person_is_nobody_though_a_session_were_left(shop: Shop, ada: SignedIn) -> None:
    with write(shop.engine) as connection:
        connection.execute(update(person).values(disabled_at=moment(shop.now())))
        assert sessions_of(connection, ada.person.id, shop.now())
    assert _who(shop, ada.session) is None


def test_a_new_password_ends_every_session_and_token(shop: Shop, throttle: Throttle, ada: SignedIn) -> None:
    other = sign_in(shop, throttle, ELSEWHERE, email="ada@example.org", password=PASSWORD)
    with write(shop.engine) as connection:
        token, _ = make_token(connection, ada.person, "script", ["read"], 10, shop.now())
    with pytest.raises(SignInRefused):
        change_password(shop, throttle, HERE, ada.person, old=ANOTHER, new=ANOTHER)
    changed = change_password(shop, throttle, HERE, ada.person, old=PASSWORD, new=ANOTHER)
    assert [_who(shop, session) for session in (ada.session, other.session)] == [None, None]
    assert person_of_token(shop, token) is None
    assert _who(shop, changed.session) == ada.person.id
    with pytest.raises(SignInRefused):
        sign_in(shop, throttle, HERE, email="ada@example.org", password=PASSWORD)


def test_hashes_are_renewed_when_their_parameters_change(shop: Shop, throttle: Throttle, ada: SignedIn) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
    with write(shop.engine) as connection:
        store_secret_hash(connection, ada.person.id, weak)
    sign_in(shop, throttle, HERE, email="ada@example.org", password=PASSWORD)
    with read(shop.engine) as connection:
        stored = secret_hash_of(connection, ada.person.id)
    assert stored != weak
    assert not passwords.is_outdated(stored)
    sign_in(shop, throttle, HERE, email="ada@example.org", password=PASSWORD)


def test_the_same_password_typed_on_another_keyboard(shop: Shop, throttle: Throttle) -> None:
    sign_up(shop, throttle, HERE, name="Zoë", email="zoe@example.org", password="caf\u00e9 am Bahnhof")
    assert sign_in(shop, throttle, HERE, email="zoe@example.org", password="cafe\u0301 am Bahnhof")


def test_the_first_link_makes_one_operator_and_then_nobody(shop: Shop, throttle: Throttle, clock: Clock) -> None:
    older, link = (_token_of(first_operator_link(shop)) for _ in range(2))
    root = {"name": "Root", "email": "root@example.org", "password": PASSWORD}
    with pytest.raises(LinkSpent):
        use_first_operator_link(shop, throttle, HERE, older, **root)
    with pytest.raises(AccountError):
        use_first_operator_link(shop, throttle, HERE, link, **root | {"password": "short"})
    made = use_first_operator_link(shop, throttle, HERE, link, **root)
    assert "operator" in made.person.roles
    assert first_operator_link(shop) is None
    with pytest.raises(LinkSpent):
        use_first_operator_link(shop, throttle, HERE, link, **root | {"email": "second@example.org"})


def test_two_links_of_two_starts_make_one_operator(shop: Shop, throttle: Throttle) -> None:
    link = _token_of(first_operator_link(shop))
    sign_up(shop, throttle, HERE, name="Ada", email="ada@example.org", password=PASSWORD)
    with write(shop.engine) as connection:
        grant_role(connection, person_of_email(connection, "ada@example.org").id, "operator", shop.now())
    with pytest.raises(LinkSpent, match="has an operator"):
        use_first_operator_link(shop, throttle, HERE, link, name="R", email="r@example.org", password=PASSWORD)


def test_a_link_for_a_new_password_works_once_and_for_a_day(
    shop: Shop, throttle: Throttle, ada: SignedIn, clock: Clock
) -> None:
    late = _token_of(new_password_link(shop, ada.person.id, "shop"))
    clock.advance(hours=25)
    with pytest.raises(LinkSpent):
        use_new_password_link(shop, throttle, HERE, late, ANOTHER)
    link = _token_of(new_password_link(shop, ada.person.id, "shop"))
    with pytest.raises(LinkSpent):
        use_first_operator_link(shop, throttle, HERE, link, name="R", email="r@example.org", password=PASSWORD)
    with pytest.raises(AccountError, match="10 to 200"):
        use_new_password_link(shop, throttle, HERE, link, "short")
    assert use_new_password_link(shop, throttle, HERE, link, ANOTHER).person.id == ada.person.id
    assert _who(shop, ada.session) is None
    with pytest.raises(LinkSpent):
        use_new_password_link(shop, throttle, HERE, link, PASSWORD)


def test_of_two_at_the_same_moment_one_gets_the_link_and_one_the_email(
    shop: Shop, throttle: Throttle, ada: SignedIn
) -> None:
    link = _token_of(new_password_link(shop, ada.person.id, "shop"))
    eve = {"name": "Eve", "email": "eve@example.org", "password": ANOTHER}
    together = threading.Barrier(4)

    def attempt(act: Callable[[], SignedIn]) -> str:
        together.wait(20)
        try:
            return act().person.display_name
        except AccountError as error:
            return type(error).__name__

    acts = [
        lambda: use_new_password_link(shop, throttle, HERE, link, ANOTHER),
        lambda: sign_up(shop, throttle, HERE, **eve),
    ]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(attempt, acts * 2))
    assert sorted(answers) == ["AccountError", "Ada", "Eve", "LinkSpent"]


def test_a_disabled_person_cannot_come_back_by_a_link(shop: Shop, throttle: Throttle, ada: SignedIn) -> None:
    link = _token_of(new_password_link(shop, ada.person.id, "shop"))
    with write(shop.engine) as connection:
        disable_person(connection, ada.person.id, shop.now())
    with pytest.raises(LinkSpent, match="disabled"):
        use_new_password_link(shop, throttle, HERE, link, ANOTHER)


def test_the_sixth_try_in_a_minute_is_not_looked_at(shop: Shop, throttle: Throttle, ada: SignedIn) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused):
            sign_in(shop, throttle, HERE, email="ada@example.org", password=ANOTHER)
    with pytest.raises(TooManyAttempts, match="Try again in") as refused:
        sign_in(shop, throttle, HERE, email="ADA@example.org ", password=PASSWORD)
    assert 1 <= refused.value.retry_after_s <= 60
    assert sign_in(shop, throttle, ELSEWHERE, email="ada@example.org", password=PASSWORD)


def test_no_secret_is_in_any_table_or_log(
    shop: Shop, throttle: Throttle, ada: SignedIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    links = [_token_of(first_operator_link(shop)), _token_of(new_password_link(shop, ada.person.id, "shop"))]
    with write(shop.engine) as connection:
        token, _ = make_token(connection, ada.person, "script", ["read"], 10, shop.now())
    with pytest.raises(SignInRefused):
        sign_in(shop, throttle, HERE, email="my password is hunter22222", password="hunter33333")
    entered = use_new_password_link(shop, throttle, HERE, links[1], ANOTHER)
    secrets = [
        PASSWORD,
        ANOTHER,
        "hunter22222",
        "hunter33333",
        token,
        token.rsplit("_", 1)[-1],
        ada.session,
        entered.session,
    ]
    written = caplog.text
    with read(shop.engine) as connection:
        for table in inspect(connection).get_table_names():
            written += "".join(map(str, connection.execute(text(f"SELECT * FROM {table}")).all()))
        assert {event.what for event in recorded(connection)} >= {"signed up", "was refused", "chose a new password"}
    assert ada.person.id in written
    assert [secret for secret in [*secrets, *links] if secret in written] == []


def test_the_audit_trail_is_kept_by_the_database_itself(shop: Shop, ada: SignedIn) -> None:
    for statement in ("UPDATE audit_event SET who = 'nobody'", "DELETE FROM audit_event"):
        with pytest.raises(Exception, match="append-only"), write(shop.engine) as connection:
            connection.execute(text(statement))
    with read(shop.engine) as connection:
        assert [(event.who, event.what) for event in recorded(connection, who=ada.person.id)] == [
            (ada.person.id, "signed up")
        ]
        assert get_person(connection, ada.person.id) == ada.person


def test_throttles_do_not_share_what_they_counted() -> None:
    first = open_throttle()
    for _ in range(5):
        count_sign_in(first, "a@b.c", "203.0.113.9")
    count_sign_in(open_throttle(), "a@b.c", "203.0.113.9")
