"""Guessing passwords: not more often by naming other addresses, and not so that somebody is shut out of their own account."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress

import pytest

from data_contracts.errors import TooManyAttempts
from marketplace.accounts import passwords
from marketplace.accounts.signing_in import SignedIn
from marketplace.accounts.throttling import count_sign_in, open_throttle
from tests.marketplace.accounts.conftest import PASSWORD
from tests.marketplace.api.browser import Browser

EVIL, HOME = "198.51.100.7", "203.0.113.9"


def test_a_header_does_not_make_it_another_place(browser: Browser, ada: SignedIn) -> None:
    said = []
    for number in range(6):
        headers = browser.same_origin | {"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}"}
        typed = {"email": "ada@example.org", "password": "guess after guess"}
        said.append(browser.submit("/api/sign-in", headers, **typed).status_code)
    assert said == [401] * 5 + [429]


def test_one_place_cannot_shut_somebody_out_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    throttle, minute = open_throttle(), 0
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began + 61 * minute)
    for minute in range(30):  # noqa: B007 (the clock reads it)
        for _ in range(5):
            try:
                count_sign_in(throttle, "ada@example.org", EVIL)
            except TooManyAttempts:
                break
    count_sign_in(throttle, "ada@example.org", HOME)


def test_many_places_guess_no_more_than_an_account_allows() -> None:
    throttle, tried = open_throttle(), 0
    for number in range(100):
        with suppress(TooManyAttempts):
            count_sign_in(throttle, "ada@example.org", f"198.51.100.{number}")
            tried += 1
    assert tried == 30


def test_a_flood_of_sign_ins_leaves_most_of_the_server_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    class Slow:
        def verify(self, _stored: str, _given: bytes) -> None:
            go.wait(20)

    monkeypatch.setattr(passwords, "_HASHER", Slow())
    with ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(passwords.is_password, "stored", "x") for _ in range(40)]
        refused, waiting = wait(asked, 2)
        assert len(waiting) == 12
        assert all(isinstance(one.exception(), TooManyAttempts) for one in refused)
        go.set()
    assert passwords.is_password("stored", "x"), "and afterwards all is as before"


def test_a_wrong_password_costs_no_more_than_it_may(browser: Browser, ada: SignedIn) -> None:
    answer = browser.submit("/api/sign-in", email="ada@example.org", password=PASSWORD[:-1] * 20_000)
    assert answer.status_code == 401
