"""Many people on a page that nobody drew before, all at once: what is imported late must not be seen half done."""

from __future__ import annotations

import asyncio

import pytest

from data_contracts.layout import Lake
from tests.bench.shop.seen import Seen
from tests.bench.shop.visitors import asked, session
from tests.marketplace_ui.shop_lake import SHELF
from tools.serving import served

pytestmark = pytest.mark.journey
PEOPLE = 12


def test_a_shop_that_just_opened_shows_everybody_the_first_charts(stocked: Lake):
    seen = Seen()

    async def stranger(address: str, skill: str) -> None:
        async with session(address) as socket:
            await asked(socket, "pack", f"skill={skill}", seen)

    async def rush(address: str) -> None:
        await asyncio.gather(*(stranger(address, SHELF[number % len(SHELF)].skill_id) for number in range(PEOPLE)))

    with served("shop", stocked) as address:
        asyncio.run(asyncio.wait_for(rush(address), 120))
    assert seen.errors == []
