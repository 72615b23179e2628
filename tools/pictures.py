"""Takes the pictures of Dagster for the README and the docs: `make pictures`, after `make demo`. The shop's are `shop_pictures`.

Starts the Dagster UI on the lake (DEFTWORKS_HOME or .deftworks), opens it in Debian's Chromium, and writes docs/pictures/dagster-*.png.
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
    with chromium() as browser, served("dagster", lake) as address:
        take_dagster(browser, address)


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
