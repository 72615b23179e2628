"""What components make of plain values: nothing that a publisher writes becomes markup, and rates never stand alone."""

from __future__ import annotations

import pytest

from data_contracts.skill_pack import Learning
from marketplace_ui.components.card import _body
from marketplace_ui.components.evidence import learning_chart, rate_html, rates_html
from marketplace_ui.components.tables import code, facts_html, table_html
from marketplace_ui.launch import APP, STREAMLIT, shop_command
from marketplace_ui.services.asked_for import wish
from marketplace_ui.services.shelf import Offer
from marketplace_ui.services.wording import count_text, counted, interval_text, percent, price_text, size_text
from tests.skill_packs.make_pack import wilson

EVIL = "<script>alert(1)</script>"


def offer(**changes) -> Offer:
    values = {
        "skill_id": "a", "version": "1.0.0", "title": "A", "description": "Does a.", "robot_type": "so100", "cameras": ("top",), "is_simulated": True,
        "num_successes": 3, "num_rollouts": 4, "low": 0.3, "high": 0.95, "baseline_rate": 0.0, "num_episodes": 1,
        "num_contributors": 1, "price_minor": 0, "currency": "EUR", "poster": None,
    }  # fmt: skip
    return Offer(**(values | changes))


def test_texts_of_publishers_stay_texts():
    drawn = (
        _body(offer(description=EVIL, robot_type=EVIL))
        + table_html([EVIL], [[EVIL, code(EVIL)]])
        + facts_html({EVIL: EVIL})
    )
    assert EVIL not in drawn
    assert "&lt;script&gt;" in drawn


def test_a_rate_stands_with_its_number_and_interval():
    drawn = rate_html(3, 4, 0.3, 0.95, 0.25)
    for expected in ("75%", "3 of 4 rollouts", "30–95%", "left:30.0%;width:65.0%", "left:25.0%"):
        assert expected in drawn
    assert 'aria-label="75% success in 4 rollouts, 95% interval 30–95%, doing nothing 25%"' in drawn


def test_no_rollout_is_no_rate_of_one():
    assert offer(num_rollouts=0, num_successes=0).rate == 0.0


def test_every_policy_stands_with_its_interval_on_one_scale():
    drawn = rates_html({"This pack": wilson(13, 20), EVIL: wilson(1, 20)})
    assert drawn.index("This pack") < drawn.index("&lt;script&gt;")
    assert EVIL not in drawn
    for expected in ("65% · 13 of 20", "95% interval 43–82%", "left:43.3%;width:38.6%", "left:65.0%", "5% · 1 of 20"):
        assert expected in drawn
    assert drawn.count("dw-own") == 1


def test_a_learning_curve_shows_what_was_held_out_or_first_and_last():
    learning = Learning(num_steps=100, first_loss=1.0, final_loss=0.1, validation=())
    chart = learning_chart(learning).to_dict()
    assert [row["loss"] for row in chart["data"]["values"]] == [1.0, 0.1]
    assert chart["encoding"]["y"]["title"] == "Training loss"
    held_out = learning_chart(learning.model_copy(update={"validation": ((10, 0.8), (50, 0.4))})).to_dict()
    assert [row["step"] for row in held_out["data"]["values"]] == [10, 50]
    assert held_out["encoding"]["y"]["title"] == "Loss on held-out episodes"


@pytest.mark.parametrize("page", ["", "0", "-1", "x", "１", "9" * 40, "1e9"])
def test_whatever_stands_in_the_address_is_a_wish(page):
    asked = wish(lambda name: ["a"] * 1000, "x" * 10_000, "no order", page)
    assert (asked.order, asked.page) == ("evidence", 0 if page == "0" else 1)
    assert len(asked.text) == 100
    assert asked.chosen["robot"] == frozenset({"a"})


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (price_text(0, "EUR"), "Free"),
        (price_text(1900, "EUR"), "€19"),
        (price_text(1950, "GBP"), "£19.50"),
        (price_text(1500, "JPY"), "1500 JPY"),
        (price_text(1234, "CHF"), "12.34 CHF"),
        (percent(0.654), "65%"),
        (interval_text(0.433, 0.819), "43–82%"),
        (size_text(999), "999 bytes"),
        (size_text(59_310), "59 kB"),
        (size_text(906_000_000), "906 MB"),
        (size_text(1_800_000_000), "1.8 GB"),
        (count_text(26), "26"),
        (count_text(450_046_212), "450 M"),
        (counted(1, "episode"), "1 episode"),
        (counted(2, "episode"), "2 episodes"),
    ],
)
def test_wording(shown, expected):
    assert shown == expected


def test_the_command_serves_the_shop_on_this_machine_and_tells_nobody():
    assert shop_command(8600)[1:] == ["-m", "marketplace_ui.server", "--host", "localhost", "--port", "8600"]
    assert APP.is_file()
    assert (STREAMLIT["browser.gatherUsageStats"], STREAMLIT["server.headless"]) == (False, True)
