"""A shelf of more than one page: pages, and that narrowing begins at the first one again."""

from __future__ import annotations

import pytest

from data_contracts.layout import Lake
from marketplace.search import PAGE_SIZE
from tests.bench.shop.big_shelf import make_big_shelf
from tests.marketplace_ui.test_pages import shown, words

NUM_PACKS = PAGE_SIZE + 6


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return make_big_shelf(tmp_path_factory.mktemp("many") / "lake", NUM_PACKS)


def test_pages_hold_every_pack_once(visit, many):
    app = visit(many)
    first = shown(app)
    assert len(first) == PAGE_SIZE
    assert "Page 1 of 2" in words(app)
    assert app.button(key="back").disabled
    app.button(key="next").click().run()
    assert not app.exception
    assert len(shown(app)) == NUM_PACKS - PAGE_SIZE
    assert app.query_params["page"] in ("2", ["2"])
    assert app.button(key="next").disabled


def test_narrowing_begins_at_the_first_page(visit, many):
    app = visit(many)
    app.button(key="next").click().run()
    robot = next(box for box in app.checkbox if str(box.key).startswith("robot="))
    robot.check().run()
    assert not app.exception
    assert "page" not in app.query_params
    app.button(key="clear-facets").click().run()
    app.button(key="next").click().run()
    app.text_input(key="q").set_value("the").run()
    assert "page" not in app.query_params
    assert len(shown(app)) == PAGE_SIZE


def test_the_cheapest_come_first_when_asked_for(visit, many):
    app = visit(many, sort="Lowest price")
    prices = [element.proto.body for element in app.get("html") if "dw-price" in element.proto.body]
    is_free = ["Free" in one for one in prices if 'class="dw-foot"' in one]
    assert is_free == sorted(is_free, reverse=True)
    assert any(is_free)
