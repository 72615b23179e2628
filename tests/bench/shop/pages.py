"""The shop in Chromium: how soon its first page is drawn, and how it feels while twenty people browse at once.

Each person is a browser context of their own: they look at a page for a few seconds, then click. A click counts until what it leads to
is drawn. Chromium itself runs on the same processors as the shop.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from data_contracts.layout import Lake
from tests.bench.shop.seen import MINUTES, SESSIONS, THINKING_S, WORDS, Seen
from tests.bench.shop.visitors import visit
from tools.serving import ARGUMENTS, CHROMIUM, served

CARD = "[class*='st-key-card-'] [data-testid='stPageLink-NavLink']"
PATIENCE_MS = 30_000
LEFT_EARLY = "The play() request was interrupted"
"""What Chromium notes where somebody leaves a page before its video has begun to play."""


async def first_page(browser: Browser, address: str, times: int = 7) -> list[float]:
    """Returns seconds until the shelf's cards are drawn, in a fresh browser context each time; the first visit is not counted."""
    spans = []
    for _ in range(times + 1):
        context = await browser.new_context(viewport={"width": 1440, "height": 1000})
        page = await context.new_page()
        begun = time.perf_counter()
        await page.goto(address, wait_until="commit")
        await page.wait_for_selector(CARD, timeout=PATIENCE_MS)
        spans.append(time.perf_counter() - begun)
        await context.close()
    return spans[1:]


async def opened(browser: Browser, address: str) -> Page:
    """Returns the shelf, drawn, in a browser context of its own: a live session."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    await page.goto(address)
    await page.wait_for_selector(CARD, timeout=PATIENCE_MS)
    return page


async def browse(page: Page, number: int, until: float, seen: Seen) -> None:
    """One person on the shelf: opens a skill, goes back, searches, until it is time."""
    dice = random.Random(number)
    page.on("pageerror", lambda error: None if LEFT_EARLY in str(error) else seen.errors.append(str(error)))
    try:
        while time.monotonic() < until:
            await asyncio.sleep(dice.uniform(*THINKING_S))
            await _open_a_skill(page, dice, seen)
            await asyncio.sleep(dice.uniform(*THINKING_S))
            await _go_back(page, seen)
            await asyncio.sleep(dice.uniform(*THINKING_S))
            await _search(page, dice, seen)
    except Exception as error:
        seen.errors.append(f"session {number}: {error}")
    finally:
        await page.context.close()


async def _open_a_skill(page: Page, dice: random.Random, seen: Seen) -> None:
    cards = await page.locator(CARD).all()
    card = cards[dice.randrange(min(8, len(cards)))]
    title = (await card.inner_text()).strip()
    begun = time.perf_counter()
    await card.click()
    await page.wait_for_function(
        "title => [...document.querySelectorAll('h1')].some(one => one.innerText.trim() === title)",
        arg=title,
        timeout=PATIENCE_MS,
    )
    seen.add("open a skill", time.perf_counter() - begun)
    await _no_error(page, seen)


async def _go_back(page: Page, seen: Seen) -> None:
    begun = time.perf_counter()
    await page.get_by_role("link", name="All skills").click()
    await page.wait_for_selector(CARD, timeout=PATIENCE_MS)
    seen.add("back to the shelf", time.perf_counter() - begun)
    await _no_error(page, seen)


async def _search(page: Page, dice: random.Random, seen: Seen) -> None:
    field = page.get_by_placeholder("What should it do?")
    before = await page.locator(CARD).first.inner_text()
    shown = await page.locator(".st-key-count").inner_text()
    word = dice.choice([word for word in WORDS if word != await field.input_value()])
    begun = time.perf_counter()
    await field.fill(word)
    await field.press("Enter")
    await page.wait_for_function(
        "([shown, before, card]) => document.querySelector('.st-key-count')?.innerText !== shown"
        " || document.querySelector(card)?.innerText !== before",
        arg=[shown, before, CARD], timeout=PATIENCE_MS,
    )  # fmt: skip
    seen.add("search", time.perf_counter() - begun)
    await _no_error(page, seen)


async def _no_error(page: Page, seen: Seen) -> None:
    if await page.locator("[data-testid='stException']").count():
        seen.errors.append(await page.locator("[data-testid='stException']").first.inner_text())


@dataclass(frozen=True)
class Measured:
    """`first`: seconds until the first page is drawn. `drawn`: what people in Chromium saw, all at once; `alone`: one of them among
    `visitors` who draw nothing."""

    first: list[float]
    drawn: Seen
    alone: Seen
    visitors: Seen


async def measure(home: Path, skills: list[str]) -> Measured:
    """Returns what `SESSIONS` people see who browse at once: first all but one without a browser, then all in one."""
    with served("shop", Lake(home)) as address:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            first = await first_page(browser, address)
            alone, visitors, drawn = Seen(), Seen(), Seen()
            page = await opened(browser, address)
            until = time.monotonic() + 60 * MINUTES
            await asyncio.gather(
                browse(page, 0, until, alone),
                *(visit(address, number, skills, until, visitors) for number in range(1, SESSIONS)),
            )
            pages = [await opened(browser, address) for _ in range(SESSIONS)]
            until = time.monotonic() + 60 * MINUTES
            await asyncio.gather(*(browse(page, number, until, drawn) for number, page in enumerate(pages)))
            await browser.close()
    return Measured(first, drawn, alone, visitors)
