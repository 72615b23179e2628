"""Takes the pictures of the README and the docs from the running thing: `make pictures`, after `make demo`.

Starts the shop and the Dagster UI on the lake (DEFTWORKS_HOME or .deftworks), opens them in Debian's Chromium, and writes
docs/pictures/*.png.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page

from data_contracts.layout import Lake
from tools.serving import chromium, served

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SETTLE_MS = 4000


def main() -> None:
    """Takes every picture."""
    lake = Lake.at()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        with served("shop", lake) as address:
            take_shop(browser, address)
        with served("dagster", lake) as address:
            take_dagster(browser, address)


def take_shop(browser: Browser, address: str) -> None:
    """Browse page and the page of the best pack, wide; the browse page on a phone."""
    page = browser.new_page(viewport={"width": 1280, "height": 960})
    opened(page, address)
    page.screenshot(path=PICTURES / "shop.png")
    page.get_by_text("Press the button").first.wait_for(timeout=60_000)
    page.set_viewport_size({"width": 1280, "height": 2400})
    opened(page, f"{address}/pack?skill=press-button")
    page.screenshot(path=PICTURES / "shop-pack.png")
    phone = browser.new_page(viewport={"width": 390, "height": 844})
    opened(phone, address)
    phone.screenshot(path=PICTURES / "shop-phone.png")


def take_dagster(browser: Browser, address: str) -> None:
    """The whole graph, and one dataset's evidence."""
    page = browser.new_page(viewport={"width": 1900, "height": 1100})
    opened(page, f"{address}/asset-groups")
    page.keyboard.press("Alt+e")  # expand all groups
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=PICTURES / "dagster-graph.png", clip={"x": 555, "y": 410, "width": 1330, "height": 340})
    page.set_viewport_size({"width": 1600, "height": 900})
    opened(page, f"{address}/assets/normalised_dataset?view=partitions&partition=lab-north__open-drawer")
    page.locator("text='[Show Markdown]' >> visible=true").first.click()
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=PICTURES / "dagster-dataset.png")


def opened(page: Page, url: str) -> None:
    """Opens a page and waits until it has stopped changing."""
    page.goto(url, timeout=120_000)
    page.wait_for_load_state("load")
    page.wait_for_timeout(SETTLE_MS)


if __name__ == "__main__":
    main()
