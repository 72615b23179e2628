"""What cannot be done with a real browser: by a page of another site, and with a page that was open before somebody signed out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from marketplace.accounts.people import add_person, disable_person, withdraw_role
from marketplace.accounts.sessions import COOKIE, open_session, revoke_sessions
from marketplace.buying import buy, pack_on_sale
from marketplace.catalogue import open_catalogue
from marketplace.database import read, write
from marketplace.entitlements import recalls_of
from marketplace.reviews import reviews_of
from marketplace.shop import Shop, open_shop
from tests.marketplace_ui.shop_lake import SHELF, make_shop_lake
from tests.small_server import answering
from tools.serving import CHROMIUM, chromium, served

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.journey
NOW = datetime.now(UTC)
FREE = SHELF[3].skill_id
TRIES = """async (shop) => {
  const stream = await new Promise(done => {
    const socket = new WebSocket(shop.replace('http', 'ws') + '/_stcore/stream', ['streamlit'])
    socket.onopen = () => done('opened')
    socket.onerror = () => done('refused')
  })
  const read = async path => { try { return (await (await fetch(shop + path, {credentials: 'include'})).text()) } catch { return 'refused' } }
  const write = async (path, body) => { await fetch(shop + path, {method: 'POST', mode: 'no-cors', credentials: 'include', body}).catch(() => 0) }
  await write('/api/sign-out', new URLSearchParams({csrf: 'x'}))
  await write('/api/tokens', JSON.stringify({name: 'x', scopes: ['read']}))
  return [stream, await read('/api/me'), await read('/api/tokens')]
}"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    if not Path(CHROMIUM).exists():
        pytest.skip("needs Debian's chromium")
    shop = open_shop(make_shop_lake(tmp_path_factory.mktemp("browsed"), (SHELF[3],)))
    yield shop
    shop.engine.dispose()


@pytest.fixture(scope="module")
def address(shop: Shop) -> Iterator[str]:
    with served("shop", shop.lake) as where:
        yield where


@contextmanager
def signed_in(shop: Shop, address: str, name: str, *roles: str) -> Iterator[tuple[sync_api.Page, str]]:
    """Yields a browser's page in which somebody is signed in who owns the free skill, and their id."""
    with write(shop.engine) as connection:
        person = add_person(connection, name, f"{name}@example.org", "none", NOW, roles=("owner", *roles))
        session = open_session(connection, person.id, 30, NOW)
    buy(shop, None, person.id, [pack_on_sale(open_catalogue(shop.lake), FREE)], f"request-of-{name}")
    with chromium() as browser:
        context = browser.new_context()
        context.add_cookies([{"name": COOKIE, "value": session, "url": address, "httpOnly": True, "sameSite": "Lax"}])
        page = context.new_page()
        page.set_default_timeout(60_000)
        yield page, person.id


def other_page(request: BaseHTTPRequestHandler) -> None:
    """A page that somebody else serves."""
    request.send_response(200)
    request.send_header("Content-Type", "text/html")
    request.end_headers()
    request.wfile.write(b"<!doctype html><title>other</title>")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_page_of_another_site_reads_writes_and_opens_nothing(shop: Shop, address: str, host: str) -> None:
    name = f"visitor-{host[0]}"
    with signed_in(shop, address, name) as (page, _), answering(other_page) as evil:
        page.goto(evil.replace("127.0.0.1", host))
        assert page.evaluate(TRIES, address) == ["refused"] * 3
        page.set_content(f'<iframe src="{address}/library" width="800" height="600"></iframe>')
        page.wait_for_timeout(3000)
        assert "chrome-error://chromewebdata/" in [frame.url for frame in page.frames], "the shop is in no frame"
        page.goto(f"{address}/account")
        page.get_by_text("You have none.").wait_for()  # still signed in, and no token was made


def test_a_dialog_that_was_open_does_nothing_after_signing_out(shop: Shop, address: str) -> None:
    with signed_in(shop, address, "leaver") as (page, person_id):
        page.goto(f"{address}/library")
        page.get_by_role("button", name="Write a review").click()
        page.get_by_label("Robot").fill("SO-100")
        page.get_by_label("What happened").fill("written after signing out")
        page.locator("[role=dialog] [data-testid=stFeedback] button").nth(0).click()
        page.wait_for_timeout(1500)
        with write(shop.engine) as connection:
            revoke_sessions(connection, person_id, NOW)
        page.get_by_role("button", name="Publish").click()
        page.wait_for_url("**/api/sign-in?**")
    with read(shop.engine) as connection:
        assert reviews_of(connection, FREE) == []


def test_no_download_is_linked_for_a_disabled_person_whose_page_is_open(shop: Shop, address: str) -> None:
    with signed_in(shop, address, "disabled") as (page, person_id):
        page.goto(f"{address}/library")
        page.get_by_role("button", name="Download").wait_for()
        with write(shop.engine) as connection:
            disable_person(connection, person_id, NOW)
        page.get_by_role("button", name="Download").click()
        page.wait_for_url("**/api/sign-in?**")


def test_an_open_desk_is_closed_with_the_role(shop: Shop, address: str) -> None:
    with signed_in(shop, address, "former", "operator") as (page, person_id):
        page.goto(f"{address}/operator?view=Packs")
        page.get_by_text("Recall a version").click()
        page.get_by_label("Reason, for its owners").fill("revenge")
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Recall", exact=True).wait_for()
        page.wait_for_timeout(1500)
        with write(shop.engine) as connection:
            withdraw_role(connection, person_id, "operator", NOW)
        page.get_by_role("button", name="Recall", exact=True).click()
        page.wait_for_url("**/api/sign-in?**")
    with read(shop.engine) as connection:
        assert list(recalls_of(connection, FREE)) == []
