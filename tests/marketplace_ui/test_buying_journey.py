"""A buyer with a real browser: signs up, buys, pays, downloads, reviews, gives back; the pages at every width, light and dark."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_contracts.layout import Lake
from marketplace.licence_files import read_licence
from skill_packs.signing import read_trusted_keys
from skill_packs.verify import verify_pack
from tools.serving import CHROMIUM, chromium, served

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.journey, pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs Debian's chromium")]

PATIENCE_MS = 60_000
EVIL = '<img src=x onerror="document.title = 1">'


@pytest.fixture(scope="module")
def lake(stocked: Lake, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    import shutil

    return Lake(shutil.copytree(stocked.home, tmp_path_factory.mktemp("journey") / "lake"))


@pytest.fixture(scope="module")
def address(lake: Lake) -> Iterator[str]:
    with served("shop", lake) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: sync_api.Browser, address: str) -> Iterator[sync_api.Page]:
    """A browser that signed up on its way to the cart, with the press-button pack in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/cart?add=press-button")
    page.wait_for_url("**/api/sign-in?next=**")
    page.get_by_role("link", name="Make an account").click()
    typed = {
        "name": "Olive Owner",
        "email": f"olive{id(page)}@example.org",
        "password": "three quiet otters",
        "country": "DE",
    }
    for field, text in typed.items():
        page.fill(f"#{field}", text)
    page.get_by_role("button", name="Make account").click()
    page.get_by_role("heading", name="Your cart").wait_for()
    page.get_by_text("Press the button").first.wait_for()
    yield page
    context.close()


def pay(page: sync_api.Page) -> None:
    page.get_by_role("button", name=re.compile("Buy for")).click()
    page.wait_for_url("**/pay/**")
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    page.get_by_role("heading", name="Thank you. It is yours.").wait_for()


def test_from_the_cart_to_the_refund(page: sync_api.Page, address: str, lake: Lake, tmp_path: Path):
    page.get_by_role("link", name="Cart (1)").wait_for()
    page.get_by_role("button", name="Buy for €19").click()
    page.wait_for_url("**/pay/**")
    page.go_back()
    page.get_by_text("An order of this waits to be paid").wait_for()
    page.get_by_role("link", name="Go on to the payment").click()
    page.wait_for_url("**/pay/**")
    page.get_by_role("button", name="Pay 19.00 EUR of test money").click()
    page.get_by_role("heading", name="Thank you. It is yours.").wait_for()
    page.get_by_role("link", name="Cart", exact=True).wait_for()
    page.wait_for_url(lambda url: "paid=1" not in url)

    page.get_by_role("button", name="Open your library").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
        page.get_by_role("link", name=re.compile("^Download ")).click()
    with tarfile.open(download.value.path()) as archive:
        archive.extractall(tmp_path, filter="data")
    trusted = read_trusted_keys(lake.keys)
    assert verify_pack(tmp_path / "press-button-1.1.0", trusted).pack.version == "1.1.0"
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.get_by_role("link", name="Licence file").click()
    assert read_licence(Path(download.value.path()), trusted).skill_id == "press-button"

    page.get_by_role("button", name="Write a review").click()
    page.get_by_label("Robot").fill("SO-101")
    page.get_by_label("What happened").fill(EVIL)
    page.get_by_role("button", name="Publish").click()
    page.get_by_text("Choose one to five stars.").wait_for()
    page.locator("[role=dialog] [data-testid=stFeedback] button").nth(3).click()
    page.get_by_role("button", name="Publish").click()
    page.get_by_text("Your review is on the skill's page").wait_for()
    page.goto(f"{address}/pack?skill=press-button")
    page.get_by_text(EVIL).wait_for()
    assert page.title() != "1"

    page.goto(f"{address}/library")
    page.get_by_role("button", name=re.compile("Give it back")).click()
    page.get_by_role("button", name="Give it back for 19.00 EUR").click()
    page.get_by_role("heading", name="Your money is on its way back").wait_for()
    page.get_by_text("was given back; the money is on its way").wait_for()
    page.goto(f"{address}/library")
    page.get_by_text("Downloads and updates have ended").wait_for()
    assert page.get_by_role("button", name="Download").count() == 0
    assert page.locator("[data-testid=stException]").count() == 0


def test_an_order_page_notices_a_payment_by_itself(page: sync_api.Page):
    page.get_by_role("button", name="Buy for €19").click()
    page.wait_for_url("**/pay/**")
    there = page.url
    page.go_back()
    page.get_by_role("link", name="Look at the order").click()
    page.get_by_role("heading", name="Waiting for your payment").wait_for()
    page.context.request.post(there)
    page.get_by_role("heading", name="Thank you. It is yours.").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off(page: sync_api.Page, address: str, scheme: str):
    page.emulate_media(color_scheme=scheme)
    pay(page)
    order = page.url.partition("order=")[2]
    for width in (390, 768, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        for path, heading in [
            ("cart", "Your cart"), (f"order?order={order}", "Thank you"), ("orders", "Your orders"),
            (f"receipt?order={order}", "Receipt"), ("library", "Your library"), ("account", "Your account"),
        ]:  # fmt: skip
            page.goto(f"{address}/{path}")
            page.get_by_role("heading", name=heading).first.wait_for()
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), (path, width)
            assert page.locator("[data-testid=stException]").count() == 0
