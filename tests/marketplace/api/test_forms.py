"""The forms that sign in: what they do for a browser, and what another site cannot do with them."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from marketplace.accounts.one_time_links import first_operator_link, new_password_link
from marketplace.accounts.people import add_person, disable_person
from marketplace.accounts.sessions import COOKIE, person_of_cookie
from marketplace.accounts.signing_in import SignedIn
from marketplace.accounts.throttling import Throttle
from marketplace.api.form_posts import VISIT
from marketplace.api.html_pages import POLICY
from marketplace.database import write
from marketplace.settings import ShopSettings
from marketplace.shop import Shop
from tests.marketplace.accounts.conftest import PASSWORD
from tests.marketplace.api.browser import Browser, served

ADA = {"email": "ada@example.org", "password": PASSWORD}
BEN = {"name": "Ben", "email": "ben@example.org", "password": "five green geckos"}


def _who(shop: Shop, browser: TestClient) -> str | None:
    person = person_of_cookie(shop, dict(browser.cookies))
    return person.display_name if person else None


def test_signing_up_out_and_in_again(shop: Shop, browser: Browser) -> None:
    entered = browser.submit("/api/sign-up?next=%2Fpack%3Fskill%3Dopen-drawer", **BEN, country="de")
    assert (entered.status_code, entered.headers["location"]) == (303, "/pack?skill=open-drawer")
    assert _who(shop, browser) == "Ben"
    assert person_of_cookie(shop, dict(browser.cookies)).country == "DE"
    assert browser.get("/api/sign-in?next=/orders").headers["location"] == "/orders"
    assert "Ben" in browser.get("/api/sign-out").text
    kept = dict(browser.cookies)
    assert browser.submit("/api/sign-out").status_code == 303
    assert COOKIE not in browser.cookies
    assert person_of_cookie(shop, kept) is None
    assert browser.submit("/api/sign-in", email="BEN@example.org", password=BEN["password"]).status_code == 303
    assert _who(shop, browser) == "Ben"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: Browser, ada: SignedIn) -> None:
    cookies = browser.submit("/api/sign-in", **ADA).headers.get_list("set-cookie")
    (session,) = (cookie for cookie in cookies if cookie.startswith(f"{COOKIE}="))
    attributes = {part.strip().lower() for part in session.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", f"max-age={30 * 86400}"} <= attributes
    assert "secure" not in attributes
    assert not any(part.startswith("domain") for part in attributes)


def test_the_cookie_of_a_shop_with_https_is_secure(shop: Shop, throttle: Throttle, ada: SignedIn) -> None:
    settings = ShopSettings.model_validate(
        shop.settings.model_dump(by_alias=True) | {"address": "https://shop.example"}
    )
    secure = Shop(shop.lake, shop.engine, settings, shop.now)
    browser = Browser(served(secure, throttle), settings.address)
    entered = browser.submit("/api/sign-in", **ADA)
    assert all("secure" in cookie.lower() for cookie in entered.headers.get_list("set-cookie") if COOKIE in cookie)
    assert entered.headers["strict-transport-security"]
    plain = {"origin": "http://shop.example"}
    assert browser.submit("/api/password", old=PASSWORD, password="a", headers=plain).status_code == 403


def test_wrong_and_unknown_look_the_same(browser: Browser, ada: SignedIn) -> None:
    wrong = browser.submit("/api/sign-in", **ADA | {"password": "not the password"})
    unknown = browser.submit("/api/sign-in", **ADA | {"email": "bda@example.org"})
    assert wrong.status_code == unknown.status_code == 401
    assert "Email or password is wrong." in wrong.text
    assert wrong.text.replace("ada@", "bda@") == unknown.text
    assert PASSWORD not in unknown.text


def test_the_sixth_try_in_a_minute_says_when_to_come_back(browser: Browser, ada: SignedIn) -> None:
    answers = [browser.submit("/api/sign-in", **ADA | {"password": "not the password"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert "Try again in" in answers[-1].text


def test_each_field_says_what_is_wrong_with_it_and_keeps_what_was_typed(browser: Browser) -> None:
    answer = browser.submit("/api/sign-up", name="Ben", email="ben", password="short", country="Germany")
    assert answer.status_code == 400
    assert answer.text.count('aria-invalid="true"') == 3
    assert 'value="Ben"' in answer.text
    assert 'value="short"' not in answer.text
    assert browser.submit("/api/sign-up", **BEN).status_code == 303


def test_an_email_that_is_taken_is_said(browser: Browser, ada: SignedIn) -> None:
    answer = browser.submit("/api/sign-up", **BEN | {"email": "ADA@example.org"})
    assert answer.status_code == 400
    assert "Somebody has an account with this email." in answer.text


@pytest.mark.parametrize(
    "hostile",
    ['"><script>alert(1)</script>', "' onfocus=alert(1) x='", "</style><img src=x>", "{{7*7}}${7*7}%s", "&lt;b&gt;"],
)
def test_what_was_typed_is_inert(browser: Browser, hostile: str) -> None:
    answer = browser.submit("/api/sign-up", name=hostile, email=hostile, password="short", country=hostile)
    assert re.findall(r"<(script|img|b)\b", answer.text) == []
    inside = re.findall(r'<input id="name"[^>]*>', answer.text)
    assert len(inside) == 1
    assert not re.search(r'["\s]onfocus=', re.sub(r'"[^"]*"', '""', inside[0]))


def test_a_hostile_name_is_inert_where_it_is_shown(shop: Shop, browser: Browser) -> None:
    name = "<script>alert(1)</script>"
    browser.submit("/api/sign-up", **BEN | {"name": name})
    page = browser.get("/api/sign-out").text
    assert "&lt;script&gt;" in page
    assert name not in page


def test_no_header_can_be_written_through_a_name_or_a_path(browser: Browser) -> None:
    for field in ("name", "email", "country", "next"):
        answer = browser.submit("/api/sign-up", **BEN | {field: "x\r\nSet-Cookie: dw_session=evil"})
        assert "evil" not in "".join(answer.headers.get_list("set-cookie"))
        assert "evil" not in answer.headers.get("location", "")


def test_a_page_runs_nothing_and_is_framed_nowhere(browser: Browser) -> None:
    answer = browser.get("/api/sign-in")
    assert answer.headers["content-security-policy"] == POLICY
    assert "frame-ancestors 'none'" in POLICY
    assert "default-src 'none'" in POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


# --- what another site may not do


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site", "origin": "http://localhost:8501"},
        {"origin": "http://localhost:8501.evil.example"},
        {"origin": "https://localhost:8501"},
    ],
)
def test_a_form_that_another_site_sends_is_refused_though_its_token_were_right(
    shop: Shop, browser: Browser, ada: SignedIn, headers: dict[str, str]
) -> None:
    answer = browser.submit("/api/sign-in", headers=headers, **ADA)
    assert answer.status_code == 403
    assert "too old, or was not sent from here" in answer.text
    assert _who(shop, browser) is None


@pytest.mark.parametrize("csrf", ["", "x", "0" * 43])
def test_a_form_without_its_token_is_refused(shop: Shop, browser: Browser, ada: SignedIn, csrf: str) -> None:
    for path, typed in [("/api/sign-in", ADA), ("/api/sign-up", BEN)]:
        assert browser.submit(path, **typed, csrf=csrf).status_code == 403
    assert _who(shop, browser) is None
    browser.submit("/api/sign-in", **ADA)
    for path in ("/api/sign-out", "/api/password"):
        assert browser.submit(path, csrf=csrf, old=PASSWORD, password="five green geckos").status_code == 403
    assert _who(shop, browser) == "Ada"


def test_a_token_of_another_browser_is_worth_nothing(
    shop: Shop, throttle: Throttle, browser: Browser, ada: SignedIn
) -> None:
    stranger = Browser(served(shop, throttle), shop.settings.address)
    csrf = stranger.hidden("/api/sign-in")["csrf"]
    assert browser.submit("/api/sign-in", **ADA, csrf=csrf).status_code == 403
    browser.cookies.clear()
    assert browser.post("/api/sign-in", data={**ADA, "csrf": csrf}, headers=browser.same_origin).status_code == 403


def test_a_session_that_somebody_planted_is_not_the_one_that_a_sign_in_begins(
    shop: Shop, throttle: Throttle, browser: Browser, ada: SignedIn
) -> None:
    for name in (COOKIE, VISIT):
        browser.cookies.set(name, "planted", domain="localhost.local")
    assert browser.submit("/api/sign-in", **ADA).status_code == 303
    first = browser.cookies[COOKIE]
    assert first != "planted"
    assert person_of_cookie(shop, {COOKIE: "planted"}) is None


TRICKS = [
    "https://evil.example", "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example",
    "/\\/evil.example", "\\/evil.example", "/%2Fevil.example", "/%252Fevil.example", "/%5Cevil.example", "%2F%2Fevil.example",
    "javascript:alert(1)", "data:text/html,x", "/\t/evil.example", "/\n/evil.example", "/%09/evil.example", "/%0a/evil.example",
    " //evil.example", "evil.example", "@evil.example", "http:evil.example", "/x//evil.example", "/\u2215evil.example",
    "/%00", "/x\r\nlocation: https://evil.example", "/" + "x" * 2000, "/..//evil.example", "/x/%2e%2e//evil.example", "?x", "#x",
]  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_nobody_is_sent_elsewhere(browser: Browser, ada: SignedIn, trick: str) -> None:
    answer = browser.submit("/api/sign-in", **ADA, next=trick)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.get("/api/sign-in", params={"next": trick}).headers["location"] == "/"


@pytest.mark.parametrize(
    "path", ["/", "/pack", "/pack?skill=open-drawer&version=1.0.0", "/orders?id=o%20x", "/api/password"]
)
def test_a_path_of_the_shop_is_gone_on_to(browser: Browser, ada: SignedIn, path: str) -> None:
    assert browser.submit("/api/sign-in", **ADA, next=path).headers["location"] == path


# --- links and passwords


def _path_of(address: str) -> str:
    return address.removeprefix("http://localhost:8501")


def test_the_first_link_opens_the_shop_for_its_operator(shop: Shop, browser: Browser) -> None:
    path = _path_of(first_operator_link(shop))
    assert "operator" in browser.get(path).text
    assert browser.submit(path, name="", email="x", password="short").status_code == 400
    assert browser.submit(path, **BEN, csrf="x").status_code == 403
    assert browser.submit(path, **BEN).status_code == 303
    assert "operator" in person_of_cookie(shop, dict(browser.cookies)).roles
    again = browser.get(path)
    assert again.status_code == 404
    assert "does not work any more" in again.text


def test_a_link_sets_a_new_password_once(shop: Shop, browser: Browser, ada: SignedIn) -> None:
    path = _path_of(new_password_link(shop, ada.person.id, "shop"))
    assert "Ada@Example.org" in browser.get(path).text
    weak = browser.submit(path, password="ada@example.org")
    assert (weak.status_code, weak.text.count('aria-invalid="true"')) == (400, 1)
    assert browser.submit(path, password="five green geckos").status_code == 303
    assert _who(shop, browser) == "Ada"
    assert person_of_cookie(shop, {COOKIE: ada.session}) is None
    assert browser.post(path, data={"password": PASSWORD}, headers=browser.same_origin).status_code == 404


def test_guessing_links_is_throttled(browser: Browser) -> None:
    answers = [browser.get(f"/api/one-time/{number}").status_code for number in range(31)]
    assert answers == [404] * 30 + [429]


def test_who_is_signed_in_changes_their_password(shop: Shop, browser: Browser, ada: SignedIn) -> None:
    browser.submit("/api/sign-in", **ADA)
    before = browser.cookies[COOKIE]
    assert browser.submit("/api/password", old="wrong wrong", password="five green geckos").status_code == 401
    weak = browser.submit("/api/password", old=PASSWORD, password="short")
    assert (weak.status_code, weak.text.count('aria-invalid="true"')) == (400, 1)
    assert browser.submit("/api/password", old=PASSWORD, password="five green geckos").status_code == 303
    assert person_of_cookie(shop, {COOKIE: before}) is None
    assert _who(shop, browser) == "Ada"
    browser.cookies.clear()
    assert browser.get("/api/password").headers["location"].startswith("/api/sign-in?next=")
    assert browser.post("/api/password", data={"old": "x"}).headers["location"].startswith("/api/sign-in")


def test_a_disabled_person_is_signed_out_and_refused_without_a_reason(
    shop: Shop, browser: Browser, ada: SignedIn
) -> None:
    browser.submit("/api/sign-in", **ADA)
    with write(shop.engine) as connection:
        disable_person(connection, ada.person.id, shop.now())
    assert _who(shop, browser) is None
    assert "Email or password is wrong." in browser.submit("/api/sign-in", **ADA).text


def test_an_account_without_a_password_cannot_be_signed_in_to(shop: Shop, browser: Browser) -> None:
    with write(shop.engine) as connection:
        add_person(connection, "Zoe", "zoe@example.org", "", shop.now())
    assert browser.submit("/api/sign-in", email="zoe@example.org", password="").status_code == 401
