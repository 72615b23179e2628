"""Takes a picture of every page of the shop: `python -m tools.shop_pictures`, after `make demo`. Part of `make pictures`.

Somebody signs up, buys for test money and gives back; an operator looks. It happens in a copy of the lake's packs and releases, so that the
lake itself stays as it is. Writes docs/pictures/shop/*.png.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page

from data_contracts.layout import Lake
from marketplace.accounts.one_time_links import first_operator_link
from marketplace.shop import open_shop
from tools.serving import chromium, served

PICTURES = Path(__file__).parents[1] / "docs" / "pictures" / "shop"
SETTLE_MS = 2500
PATIENCE_MS = 60_000
WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
BUYER = {"name": "Olive Owner", "email": "olive@example.org", "password": "three quiet otters"}
OPERATOR = {"name": "Otto Operator", "email": "otto@example.org", "password": "four loud badgers"}


def main() -> None:
    """Takes every picture."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="shop-pictures-") as folder:
        lake = copied(Lake.at(), Path(folder))
        with served("shop", lake) as address, chromium() as browser:
            as_buyer(browser, address)
            link = first_operator_link(open_shop(lake)) or ""  # after the shop's own, which it takes the place of
            as_operator(browser, address, link.rpartition("/")[2])
            on_other_screens(browser, address)


def copied(lake: Lake, folder: Path) -> Lake:
    """Returns a lake with what a shop reads of another one."""
    for part in (lake.releases, lake.keys, lake.home / "packs"):
        shutil.copytree(part, folder / part.relative_to(lake.home))
    return Lake(folder)


def as_buyer(browser: Browser, address: str) -> None:
    """From the shelf to the refund."""
    page, take = _camera(browser)
    page.goto(address)
    page.wait_for_selector(".dw-rate")
    take("browse")
    page.get_by_placeholder("What should it do?").fill("press")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=press*")
    take("search")
    page.goto(f"{address}/pack?skill=press-button")
    page.get_by_role("heading", name="Check it yourself").wait_for()
    take("pack")
    page.goto(f"{address}/cart?add=press-button")
    page.get_by_role("link", name="Make an account").click()
    take("sign-up")
    _fill(page, BUYER)
    page.get_by_role("heading", name="Your cart").wait_for()
    take("cart")
    page.get_by_role("button", name=re.compile("Buy for")).click()
    page.wait_for_url("**/pay/**")
    take("payment")
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    page.get_by_role("heading", name="Thank you. It is yours.").wait_for()
    take("order")
    order = page.url.partition("order=")[2]
    page.goto(f"{address}/library")
    page.get_by_role("heading", name="Your library").wait_for()
    take("library")
    page.get_by_role("button", name="Download").first.click()
    page.get_by_role("link", name=re.compile("^Download ")).wait_for()
    take("download")
    page.goto(f"{address}/orders")
    page.get_by_role("heading", name="Your orders").wait_for()
    take("orders")
    page.goto(f"{address}/receipt?order={order}")
    page.get_by_role("heading", name="Receipt").first.wait_for()
    take("receipt")
    page.goto(f"{address}/account")
    page.get_by_role("heading", name="Your account").wait_for()
    take("account")
    page.context.close()


def as_operator(browser: Browser, address: str, token: str) -> None:
    """The desk and the figures."""
    page, take = _camera(browser)
    page.goto(f"{address}/api/one-time/{token}")
    _fill(page, OPERATOR)
    page.wait_for_url(re.compile("^(?!.*one-time)"))
    for view in ("Orders", "Money", "Packs", "People"):
        page.goto(f"{address}/operator?view={view}")
        page.get_by_role("heading", name="Operator's desk").wait_for()
        if view == "Money":
            page.get_by_role("button", name="Reconcile now").click()
            page.get_by_text("balanced;").first.wait_for()
        take(f"operator-{view.lower()}")
    page.goto(f"{address}/sales")
    page.get_by_role("heading", name=re.compile("[Ss]ales")).first.wait_for()
    take("sales")
    page.context.close()


def on_other_screens(browser: Browser, address: str) -> None:
    """On a phone, and in the dark."""
    for name, options in (
        ("phone", {"viewport": PHONE}),
        ("dark", {"viewport": WIDE, "color_scheme": "dark"}),
    ):
        page, take = _camera(browser, **options)
        page.goto(address)
        page.wait_for_selector(".dw-rate")
        take(f"browse-{name}")
        page.goto(f"{address}/pack?skill=press-button")
        page.get_by_role("heading", name="Check it yourself").wait_for()
        take(f"pack-{name}")
        page.context.close()


def _camera(browser: Browser, **options: object) -> tuple[Page, Callable[[str], None]]:
    page = browser.new_context(**({"viewport": WIDE} | options)).new_page()
    page.set_default_timeout(PATIENCE_MS)

    def take(name: str) -> None:
        page.wait_for_timeout(SETTLE_MS)
        page.screenshot(path=PICTURES / f"{name}.png")

    return page, take


def _fill(page: Page, typed: dict[str, str]) -> None:
    for field, text in typed.items():
        if page.locator(f"#{field}").count():
            page.fill(f"#{field}", text)
    page.locator("form button").first.click()


if __name__ == "__main__":
    main()
