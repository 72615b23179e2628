"""JSON for scripts: tokens and what they may do, errors in one shape, limits, and nothing secret in the log."""

from __future__ import annotations

import logging
from typing import Annotated

import pytest
from fastapi import Depends

from marketplace.accounts.audit_trail import recorded
from marketplace.accounts.people import Person, disable_person, grant_role
from marketplace.accounts.signing_in import SignedIn
from marketplace.accounts.throttling import Throttle
from marketplace.api.app import create_api
from marketplace.api.callers import Caller, current_person, require_person, require_role, require_scope
from marketplace.api.guards import LARGEST_BODY, HideSecrets
from marketplace.database import read, write
from marketplace.shop import Shop
from tests.marketplace.accounts.conftest import PASSWORD, Clock
from tests.marketplace.api.browser import Browser

WANTED = {"email": "ada@example.org", "password": PASSWORD, "name": "laptop", "scopes": ["read", "download"]}


@pytest.fixture
def token(browser: Browser, ada: SignedIn) -> str:
    return browser.post("/api/tokens/by-password", json=WANTED).json()["token"]


def _with(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_script_signs_in_by_password_and_says_who_it_is(browser: Browser, token: str, ada: SignedIn) -> None:
    me = browser.get("/api/me", headers=_with(token)).json()
    assert (me["id"], me["email"], me["scopes"]) == (ada.person.id, "Ada@Example.org", ["download", "read"])
    listed = browser.get("/api/tokens", headers=_with(token))
    assert [kept["name"] for kept in listed.json()] == ["laptop"]
    assert token.rsplit("_", 1)[1] not in listed.text


def test_a_wrong_password_gives_no_token_and_the_same_answer(browser: Browser, ada: SignedIn) -> None:
    answers = [browser.post("/api/tokens/by-password", json=WANTED | change) for change in
               ({"password": "not the password"}, {"email": "nobody@example.org"})]  # fmt: skip
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["error"]["code"] == "sign_in_refused"
    for _ in range(4):
        last = browser.post("/api/tokens/by-password", json=WANTED | {"password": "not the password"})
    assert browser.post("/api/tokens/by-password", json=WANTED).status_code == 429
    assert last.json()["error"]["code"] in ("sign_in_refused", "too_many_attempts")


@pytest.mark.parametrize("change", [{"scopes": ["root"]}, {"scopes": []}, {"days": 9999}, {"name": ""}, {"name": "x\ny"},
                                    {"name": "\ud800"}, {"scopes": ["operate"]}, {"email": 5}])  # fmt: skip
def test_what_no_token_can_be_is_said_in_one_shape(browser: Browser, ada: SignedIn, change: dict) -> None:
    import json

    answer = browser.post(
        "/api/tokens/by-password", content=json.dumps(WANTED | change), headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 403, 422)
    assert set(answer.json()["error"]) == {"code", "message", "hint"}
    assert PASSWORD not in answer.text


def test_a_token_makes_less_and_revokes_only_itself(browser: Browser, token: str) -> None:
    more = browser.post("/api/tokens", json={"name": "x", "scopes": ["buy"]}, headers=_with(token))
    assert (more.status_code, more.json()["error"]["code"]) == (403, "not_allowed")
    less = browser.post("/api/tokens", json={"name": "x", "scopes": ["read"]}, headers=_with(token)).json()
    own = token.split("_")[1]
    assert browser.delete(f"/api/tokens/{less['id']}", headers=_with(token)).status_code == 403
    assert browser.delete(f"/api/tokens/{own}", headers=_with(token)).status_code == 204
    revoked = browser.get("/api/me", headers=_with(token))
    assert (revoked.status_code, revoked.headers["www-authenticate"]) == (401, "Bearer")
    assert browser.get("/api/me", headers=_with(less["token"])).status_code == 200


def test_a_browser_makes_and_revokes_tokens_only_from_the_shops_own_pages(
    shop: Shop, browser: Browser, ada: SignedIn
) -> None:
    browser.submit("/api/sign-in", email="ada@example.org", password=PASSWORD)
    wanted = {"name": "x", "scopes": ["read", "buy"]}
    for elsewhere in ({}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert browser.post("/api/tokens", json=wanted, headers=elsewhere).status_code == 403
    made = browser.post("/api/tokens", json=wanted, headers=browser.same_origin).json()
    assert browser.delete(f"/api/tokens/{made['id']}").status_code == 403
    assert browser.delete(f"/api/tokens/{made['id']}", headers=browser.same_origin).status_code == 204
    assert browser.delete("/api/tokens/0123456789", headers=browser.same_origin).status_code == 400
    with read(shop.engine) as connection:
        told = [event.what for event in recorded(connection, who=ada.person.id)]
    assert told[:2] == ["revoked a token", "made a token"]


def test_another_persons_token_is_out_of_reach(shop: Shop, browser: Browser, token: str) -> None:
    browser.submit("/api/sign-up", name="Eve", email="eve@example.org", password="five green geckos")
    stolen = browser.delete(f"/api/tokens/{token.split('_')[1]}", headers=browser.same_origin)
    assert stolen.status_code == 400
    assert browser.get("/api/tokens").json() == []
    assert browser.get("/api/me", headers=_with(token)).json()["display_name"] == "Ada"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer dw_x_y", "Basic YTpi", "dw_x_y", "Bearer \xff"])
def test_a_token_that_is_none_is_refused_though_there_is_a_session(
    browser: Browser, ada: SignedIn, header: str
) -> None:
    browser.submit("/api/sign-in", email="ada@example.org", password=PASSWORD)
    assert browser.get("/api/me").status_code == 200
    answer = browser.get("/api/me", headers={"authorization": header.encode("latin-1")})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_signed_in")


def test_an_expired_token_and_a_disabled_persons_are_none(
    shop: Shop, browser: Browser, token: str, ada: SignedIn, clock: Clock
) -> None:
    with write(shop.engine) as connection:
        disable_person(connection, ada.person.id, shop.now())
    assert browser.get("/api/me", headers=_with(token)).status_code == 401
    clock.advance(days=91)
    assert browser.get("/api/me", headers=_with(token)).status_code == 401


def test_trying_tokens_is_throttled(browser: Browser) -> None:
    answers = [browser.get("/api/me", headers=_with(f"dw_x_{number}")).status_code for number in range(31)]
    assert answers == [401] * 30 + [429]


def test_routes_ask_for_a_person_a_scope_or_a_role(shop: Shop, throttle: Throttle, token: str, ada: SignedIn) -> None:
    api = create_api(shop, throttle)
    api.get("/anybody")(_anybody)
    api.get("/somebody")(_somebody)
    api.get("/buyer")(_buyer)
    api.get("/operator")(_operator)
    browser = Browser(api, shop.settings.address)
    assert browser.get("/anybody").json() == "nobody"
    assert [browser.get(path).status_code for path in ("/somebody", "/buyer", "/operator")] == [401, 401, 401]
    asked = [browser.get(path, headers=_with(token)) for path in ("/anybody", "/somebody", "/buyer", "/operator")]
    assert [answer.status_code for answer in asked] == [200, 200, 403, 403]
    browser.submit("/sign-in", email="ada@example.org", password=PASSWORD)
    assert [browser.get(path).status_code for path in ("/buyer", "/operator")] == [200, 403]
    with write(shop.engine) as connection:
        grant_role(connection, ada.person.id, "operator", shop.now())
    assert browser.get("/operator").status_code == 401
    browser.submit("/sign-in", email="ada@example.org", password=PASSWORD)
    assert browser.get("/operator").status_code == 200
    assert browser.get("/operator", headers=_with(token)).status_code == 403


def _anybody(person: Annotated[Person | None, Depends(current_person)]) -> str:
    return person.id if person else "nobody"


def _somebody(person: Annotated[Person, Depends(require_person)]) -> str:
    return person.id


def _buyer(caller: Annotated[Caller, Depends(require_scope("buy"))]) -> str:
    return caller.person.id


def _operator(caller: Annotated[Caller, Depends(require_role("operator"))]) -> str:
    return caller.person.id


def test_a_request_that_is_too_large_is_not_read(browser: Browser) -> None:
    large = b"x" * (LARGEST_BODY + 1)
    told = browser.post("/api/tokens/by-password", content=large, headers={"content-type": "application/json"})
    assert (told.status_code, told.json()["error"]["code"]) == (413, "too_large")
    untold = browser.post(
        "/api/sign-in", content=iter([large[:1000]] * 1100),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    assert untold.status_code == 413
    assert untold.headers["x-content-type-options"] == "nosniff"


def test_what_is_not_there_is_said_in_the_one_shape(browser: Browser) -> None:
    for answer, status in [(browser.get("/api/nothing"), 404), (browser.put("/api/me"), 405)]:
        assert answer.status_code == status
        assert set(answer.json()["error"]) == {"code", "message", "hint"}
    assert browser.get("/api/health").json() == {"status": "ok"}


def test_the_shops_own_fault_tells_nothing_of_its_inside(
    shop: Shop, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    api = create_api(shop)

    @api.get("/broken")
    def broken() -> str:
        raise RuntimeError("the password of the database is 1234")

    answer = Browser(api, shop.settings.address).get("/broken")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "1234" not in answer.text
    assert "an answer failed" in caplog.text


def test_the_log_of_requests_tells_no_link() -> None:
    line = ("203.0.113.9", "GET", "/api/one-time/hHh_secret?x=1", "1.1", 200)
    record = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d', line, None)
    assert HideSecrets().filter(record)
    assert "secret" not in record.getMessage()
    assert "/api/one-time/…" in record.getMessage()


def test_no_secret_is_logged_on_the_way(browser: Browser, ada: SignedIn, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = browser.post("/api/tokens/by-password", json=WANTED).json()["token"]
    browser.get("/api/me", headers=_with(token))
    browser.submit("/api/sign-in", email="ada@example.org", password=PASSWORD)
    browser.submit("/api/sign-in", email="ada@example.org", password="hunter22222")
    browser.post("/api/tokens/by-password", json=WANTED | {"days": "hunter22222"})
    said = [
        secret for secret in (token, PASSWORD, "hunter22222", browser.cookies["dw_session"]) if secret in caplog.text
    ]
    assert said == []
