"""A visitor with a real browser: finds a skill, reads its page, watches a failure, shares the address. On phone and desk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_contracts.layout import Lake
from tools.serving import CHROMIUM, chromium, served

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.journey

PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def address(stocked: Lake) -> Iterator[str]:
    with served("shop", stocked) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("needs Debian's chromium")
    with chromium() as browser:
        yield browser


def _opened(browser: sync_api.Browser, address: str, width: int, scheme: str = "light") -> sync_api.Page:
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    page.wait_for_selector("h1")
    return page


def _is_too_wide(page: sync_api.Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_a_visitor_finds_reads_and_watches(browser, address):
    page = _opened(browser, address, 1440)
    page.wait_for_function("document.querySelectorAll('.dw-rate').length == 3")

    page.get_by_placeholder("What should it do?").fill("button")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=button*")
    page.wait_for_function("document.querySelectorAll('.dw-rate').length == 1")

    # Anywhere on the card is its link, the picture too.
    page.locator("[class*=st-key-card-] img").first.click(position={"x": 60, "y": 60}, force=True)
    page.wait_for_url("**/pack?skill=press-button")
    page.get_by_role("heading", name="Check it yourself").wait_for()
    page.get_by_text("Signature verified", exact=True).first.wait_for()
    page.get_by_text("13 of 20 rollouts").first.wait_for()
    assert page.locator("[data-testid=stException]").count() == 0

    last = page.locator("video").last
    last.scroll_into_view_if_needed()
    last.evaluate("video => video.play()")
    page.wait_for_function("[...document.querySelectorAll('video')].at(-1).currentTime > 0.1")

    with page.expect_download() as download:
        page.get_by_role("button", name="Public key").click()
    assert Path(download.value.path()).read_text().startswith("-----BEGIN PUBLIC KEY-----")
    page.context.close()


def test_a_shared_address_shows_the_same(browser, address):
    page = _opened(browser, f"{address}/?price=Free", 1440)
    page.get_by_role("link", name="Touch the cube (SO-100)").wait_for()
    page.wait_for_function("document.querySelectorAll('.dw-rate').length == 1")

    page = _opened(browser, f"{address}/?q=unicycle", 1440)
    page.get_by_role("button", name="Clear the search").click()
    page.wait_for_function("document.querySelectorAll('.dw-rate').length == 3")
    page.wait_for_url(lambda url: "unicycle" not in url)


def test_facets_stand_in_the_address_and_come_back_with_it(browser, address):
    page = _opened(browser, address, 1440)
    page.wait_for_function("document.querySelectorAll('.dw-rate').length == 3")
    page.get_by_role("button", name="Robot", exact=True).click()
    page.get_by_text("sawyer 2").click()
    page.wait_for_url("**robot=sawyer*")
    page.wait_for_function("document.querySelectorAll('.dw-rate').length == 2")
    page.reload()
    page.wait_for_function("document.querySelectorAll('.dw-rate').length == 2")
    page.get_by_role("button", name="Robot: sawyer").click()
    page.wait_for_function("document.querySelectorAll('.dw-rate').length == 3")
    page.wait_for_url(lambda url: "robot" not in url)
    page.context.close()


def test_a_robot_is_checked_where_the_pack_stands(browser, address, tmp_path):
    vector = {"dtype": "float32", "shape": [3], "names": ["shoulder_pan.pos", "shoulder_lift.pos", "gripper.pos"]}
    camera = {"dtype": "video", "shape": [48, 64, 3], "names": ["height", "width", "channels"]}
    features = {"observation.state": vector, "action": vector, "observation.images.laptop": camera}
    info = tmp_path / "info.json"
    info.write_text(json.dumps({"codebase_version": "v3.0", "robot_type": "so100", "fps": 30, "features": features}))
    page = _opened(browser, f"{address}/pack?skill=so100-touch-cube", 390)
    page.locator("input[type=file]").first.set_input_files(info)
    page.locator(".dw-does_not_run").wait_for()
    page.get_by_text("What does each camera see?").wait_for()
    page.locator("ul.dw-fit-items li").nth(10).wait_for()
    assert not _is_too_wide(page)
    page.locator("input[type=file]").first.set_input_files(_broken(tmp_path))
    page.get_by_text("is not JSON").wait_for()
    assert page.locator("[data-testid=stException]").count() == 0
    page.context.close()


def _broken(folder: Path) -> Path:
    path = folder / "broken.json"
    path.write_text("{")
    return path


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off(browser, address, width, scheme):
    page = _opened(browser, address, width, scheme)
    page.wait_for_selector(".dw-rate")
    columns = len(
        page.evaluate("getComputedStyle(document.querySelector('.st-key-shelf')).gridTemplateColumns").split()
    )
    assert columns == {390: 1, 768: 2, 1440: 4}[width]
    assert not _is_too_wide(page)
    page.goto(f"{address}/pack?skill=press-button")
    page.get_by_role("heading", name="Check it yourself").wait_for()
    assert not _is_too_wide(page)
    page.context.close()
