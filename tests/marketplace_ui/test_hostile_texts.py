"""Titles, reviews, names and addresses that want to be more than text, in a real browser: no script runs, no markup appears."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from data_contracts.layout import Lake
from marketplace import operating
from marketplace.accounts.people import add_person
from marketplace.accounts.sessions import COOKIE, open_session
from marketplace.buying import buy, pack_on_sale
from marketplace.catalogue import open_catalogue
from marketplace.database import write
from marketplace.reviews import write_review
from marketplace.shop import open_shop
from tests.marketplace_ui.shop_lake import SHELF, make_shop_lake
from tools.serving import CHROMIUM, chromium, served

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.journey

NOW = datetime.now(UTC)
SCRIPT = "<img src=x onerror=hurt()><script>hurt()</script>"
MARKDOWN = "**bold** _it_ `code` [go](javascript:hurt()) ![p](http://127.0.0.1:9/p.png) :red[x] :fire: :material/bolt: $x^2$ www.evil.example"
EVIL = f"{SCRIPT} {MARKDOWN}"
NAME = "<img src=x onerror=hurt()> **b** :fire: www.evil.example"
WATCH = "window.hurt = () => { window.isHurt = true }"
SAYS = "words => document.body.innerText.replaceAll('\u2060', '').replace(/\\s+/g, ' ').includes(words)"
FOUND = """() => [...document.querySelectorAll('img[src="x"], a[href^="javascript"], img[src*="127.0.0.1:9"], a[href*="evil"], .katex')]
  .map(element => element.outerHTML)"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Yields the address of a shop full of such texts, and the session of its operator."""
    if not Path(CHROMIUM).exists():
        pytest.skip("needs Debian's chromium")
    evil = replace(SHELF[3], title=EVIL, description=EVIL, robot=NAME)
    lake: Lake = make_shop_lake(tmp_path_factory.mktemp("hostile"), (evil,))
    shop = open_shop(lake)
    with write(shop.engine) as connection:
        person = add_person(connection, NAME, "a@example.org", "argon2", NOW, roles=("owner", "operator"))
        session = open_session(connection, person.id, 30, NOW)
    buy(shop, None, person.id, [pack_on_sale(open_catalogue(lake), evil.skill_id)], "k")
    with write(shop.engine) as connection:
        write_review(connection, person.id, evil.skill_id, "1.0.0", NAME, 1, f"{EVIL}\n\n# heading\n\n- item", NOW)
    operating.recall_version(shop, person, evil.skill_id, open_catalogue(lake).pack(evil.skill_id).version, EVIL)
    shop.engine.dispose()
    with served("shop", lake) as where:
        yield where, session


def test_texts_stay_texts(address):
    where, session = address
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_init_script(WATCH)
        context.add_cookies([{"name": COOKIE, "value": session, "url": where}])
        page = context.new_page()
        page.set_default_timeout(30_000)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        for path, shown in {
            "/": [SCRIPT, MARKDOWN],
            f"/?robot={quote(EVIL)}&q={quote(EVIL)}&task={quote(NAME)}": [NAME],
            "/pack?skill=so100-touch-cube": [SCRIPT, MARKDOWN, "# heading"],
            f"/pack?skill={quote(EVIL)}": [],
            "/operator": [MARKDOWN],
            f"/operator?order={quote(EVIL)}": [],
            "/operator?view=Packs": [MARKDOWN],
            "/operator?view=People": [NAME],
            "/operator?view=Audit+trail": [NAME],
            f"/operator?view={quote(EVIL)}&state={quote(EVIL)}": [],
            "/sales": [],
        }.items():
            page.goto(where + path)
            page.wait_for_selector("h1, .dw-state")
            for words in shown:
                page.wait_for_function(SAYS, arg=" ".join(words.split()))
            page.wait_for_timeout(1000)
            assert page.evaluate(FOUND) == [], path
            assert not page.evaluate("window.isHurt === true"), path
            assert page.locator("[data-testid=stException]").count() == 0, path
        page.goto(where)
        page.get_by_role("button", name="Robot", exact=True).click()
        page.get_by_text("www.evil.example").first.wait_for()
        assert page.evaluate(FOUND) == []
        assert not page.evaluate("window.isHurt === true")
        assert [url for url in asked if "evil" in url.split("?")[0] or "127.0.0.1:9/" in url] == []
