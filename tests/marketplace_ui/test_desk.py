"""The operator's desk, the seller's figures and what a signed-in person can do with a pack; through the pages, on one open shop."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from data_contracts.layout import Lake
from marketplace.accounts.people import Person, add_person, assign_contributor
from marketplace.accounts.sessions import COOKIE, open_session
from marketplace.buying import buy, cart_of, pack_on_sale
from marketplace.catalogue import open_catalogue
from marketplace.database import read, write
from marketplace.entitlements import entitlements_of, recalls_of
from marketplace.orders import Order, order_of
from marketplace.payments.inbox import look_at
from marketplace.reviews import write_review
from marketplace.shop import Shop, open_shop
from marketplace_ui import opened, running
from tests.marketplace.payments.pocket_provider import PocketProvider
from tests.marketplace_ui.test_pages import PACK, words

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DESK, SALES = "app_pages/operator.py", "app_pages/sales.py"
EVIL = "<img src=x onerror=alert(1)> **b** [l](javascript:alert(1)) :fire: $x^2$"


@dataclass
class Counter:
    """An open shop with its people, and what they do there."""

    shop: Shop
    provider: PocketProvider
    people: dict[str, Person]
    visit: object
    cookies: dict[str, str]

    def open(self, who: str | None, page: str, **query: str) -> AppTest:
        self.cookies.clear()
        if who:
            with write(self.shop.engine) as connection:
                self.cookies[COOKIE] = open_session(connection, self.people[who].id, 30, NOW)
        return self.visit(self.shop.lake, page=page, **query)

    def sold(self, who: str, skill_id: str) -> Order:
        pack = pack_on_sale(open_catalogue(self.shop.lake), skill_id)
        order = buy(self.shop, self.provider, self.people[who].id, [pack], f"{who}-{skill_id}")
        if order.total_minor:
            self.provider.pay(order.checkout_id)
        return look_at(self.shop, self.provider, order.id)

    def now(self, order: Order) -> Order:
        with read(self.shop.engine) as connection:
            return order_of(connection, order.id)


@pytest.fixture
def counter(own_copy: Lake, visit, monkeypatch: pytest.MonkeyPatch):
    shop, provider, cookies = open_shop(own_copy, now=lambda: NOW), PocketProvider(), {}
    with write(shop.engine) as connection:
        people = {
            name: add_person(connection, name, f"{name}@example.org", "argon2", NOW, roles=roles)
            for name, roles in {"otto": ("owner", "operator"), "ada": ("owner",), "garage": ("owner",)}.items()
        }
        assign_contributor(connection, people["garage"].id, "garage-nine")
    monkeypatch.setattr(opened, "cookies", lambda: cookies)
    running.put(running.Running(shop, provider))
    yield Counter(shop, provider, people, visit, cookies)
    running.put(None)
    shop.engine.dispose()


@pytest.mark.parametrize("page", [DESK, SALES])
def test_a_stranger_is_asked_to_sign_in(counter, page):
    app = counter.open(None, page)
    assert not app.exception
    assert "Please sign in" in words(app)


def test_who_is_no_operator_is_refused_politely(counter):
    app = counter.open("ada", DESK)
    assert not app.exception
    assert "For operators" in words(app)
    assert len(app.button) == 0


def test_an_order_is_found_and_given_back(counter):
    order, other = counter.sold("ada", "press-button"), counter.sold("garage", "open-drawer")
    app = counter.open("otto", DESK)
    assert order.id in words(app)
    assert other.id in words(app)
    app = counter.open("otto", DESK, state="refunded")
    assert "No orders" in words(app)
    app = counter.open("otto", DESK, order=order.id)
    assert "ada (ada@example.org)" in words(app)
    assert "History: 4 transitions" in [one.label for one in app.expander]
    line = order.lines[0].id
    assert app.button(key=f"refund-{line}").disabled, "not without a reason"
    app.text_input(key=f"why-{line}").set_value("It never worked.").run()
    app.button(key=f"refund-{line}").click().run()
    assert not app.exception
    assert counter.now(order).state == "refunded"
    app = counter.open("otto", DESK, order="order_of_nobody")
    assert "There is no order 'order_of_nobody'" in words(app)


def test_money_that_does_not_agree_is_red_everywhere(counter):
    counter.sold("ada", "press-button")
    app = counter.open("otto", DESK, view="Money")
    assert "Not reconciled yet" in words(app)
    app.button(key="reconcile").click().run()
    assert "balanced; 1 movement; the provider holds 18.70 EUR." in words(app)
    assert "garage-nine garage" in words(app)
    assert "kelpie-robotics nobody yet" in words(app)
    counter.provider._move("adjustment", -5, 0)
    app.button(key="reconcile").click().run()
    assert "not balanced" in words(app)
    app = counter.open("otto", DESK)
    assert "The ledger and the payment provider do not agree" in app.error[0].value


def test_what_waits_is_shown_with_its_error(counter):
    counter.provider.is_down = True
    buy(counter.shop, counter.provider, counter.people["ada"].id,
        [pack_on_sale(open_catalogue(counter.shop.lake), "press-button")], "k")  # fmt: skip
    app = counter.open("otto", DESK, view="Money")
    assert "call: checkout" in words(app)
    app.button(key="reconcile").click().run()
    assert not app.exception
    assert "down" in words(app)


def test_a_recall_reaches_the_page_of_the_pack(counter):
    app = counter.open("otto", DESK, view="Packs")
    app.selectbox(key="recall-skill").select("press-button").run()
    app.selectbox(key="recall-version").select("1.1.0").run()
    app.text_area(key="recall-reason").set_value(EVIL).run()
    app.button(key="recall").click().run()
    assert not app.exception
    with read(counter.shop.engine) as connection:
        assert [one.version for one in recalls_of(connection, "press-button")] == ["1.1.0"]
    app = counter.open("ada", PACK, skill="press-button")
    assert "**This version was recalled** on 22 November 2026: <img src=x onerror=alert(1)> **b**" in words(app)
    assert "1.1.0 this one recalled" in words(app)
    assert app.button[0].label == "Recalled: not handed out"
    assert app.button[0].disabled


def test_a_review_is_shown_and_hidden(counter):
    counter.sold("ada", "press-button")
    with write(counter.shop.engine) as connection:
        write_review(connection, counter.people["ada"].id, "press-button", "1.1.0", EVIL, 4, EVIL, NOW)
    app = counter.open(None, PACK, skill="press-button")
    assert "4.0 ★★★★☆ 1 review, all by people who bought it" in words(app)
    assert not any("<img" in element.proto.body for element in app.get("html"))
    app = counter.open("otto", DESK, view="Packs")
    app.button(key="hide").click().run()
    assert "Nobody who bought it has written one yet" in words(counter.open(None, PACK, skill="press-button"))


def test_roles_and_names_are_given(counter):
    ada = counter.people["ada"].id
    app = counter.open("otto", DESK, view="People")
    app.selectbox(key="person").select(ada).run()
    app.button_group(key=f"roles-{ada}").set_value(["owner", "reviewer"]).run()
    app.button(key="save-roles").click().run()
    app.text_input(key=f"contributor-{ada}").set_value("garage-nine").run()
    app.button(key="save-contributor").click().run()
    assert "The contributor garage-nine is" in words(app), "it is somebody's"
    app.button(key="password-link").click().run()
    assert not app.exception
    assert any("/api/one-time/" in one.value for one in app.code)
    app = counter.open("otto", DESK, view="Audit trail")
    assert "otto gave a role" in words(app)


def test_figures_for_operators_and_contributors(counter):
    counter.sold("ada", "press-button")
    said = words(counter.open("otto", SALES))
    assert "Sales in EUR" in said
    assert "Paid 19.00 EUR" in said
    assert "garage-nine press-button" in said
    own = counter.open("garage", SALES)
    assert not own.exception
    assert "Held until refunds are over" in words(own)
    assert "Sales in EUR" not in words(own)
    assert "harbour-makers" not in words(own)
    assert "Nothing is sold in your name yet" in words(counter.open("ada", SALES))


def test_a_free_pack_is_taken_once(counter):
    app = counter.open("ada", PACK, skill="so100-touch-cube")
    app.button(key="get").click().run()
    assert not app.exception
    with read(counter.shop.engine) as connection:
        assert [one.skill_id for one in entitlements_of(connection, counter.people["ada"].id)] == ["so100-touch-cube"]
    assert "In your library" in words(counter.open("ada", PACK, skill="so100-touch-cube"))


def test_a_pack_is_put_into_the_cart_or_bought_at_once(counter):
    app = counter.open("ada", PACK, skill="press-button")
    assert "Test money" in words(app)
    app.button(key="add").click().run()
    assert "In your cart" in words(app)
    with read(counter.shop.engine) as connection:
        assert cart_of(connection, counter.people["ada"].id) == ["press-button"]
    app.button(key="buy").click().run()
    assert not app.exception
    assert len(counter.provider.checkouts) == 1
    assert any("http://pay/0" in element.proto.body for element in app.get("html"))


def test_paying_that_is_not_there_is_said(counter):
    running.put(None)
    app = counter.open("ada", PACK, skill="press-button")
    app.button(key="buy").click().run()
    assert not app.exception
    assert "Payments are not connected here" in words(app)


def recording(**changes) -> bytes:
    vector = {"dtype": "float32", "shape": [3], "names": ["shoulder_pan.pos", "shoulder_lift.pos", "gripper.pos"]}
    camera = {"dtype": "video", "shape": [48, 64, 3], "names": ["height", "width", "channels"]}
    features = {"observation.state": vector, "action": vector}
    features |= {f"observation.images.{name}": camera for name in ("laptop", "hand")}
    info = {"codebase_version": "v3.0", "robot_type": "so100_follower", "fps": 30, "features": features}
    return json.dumps(info | changes).encode()


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    app.file_uploader(key=f"fit-{name}").set_value((f"{name}.json", content, "application/json")).run()
    return app


def test_a_robot_is_checked_line_by_line(counter):
    app = upload(counter.open(None, PACK, skill="so100-touch-cube"), "info", recording())
    assert not app.exception
    said = words(app)
    assert "Does not run" in said
    assert "What does each camera see?" in said
    assert "a name is no evidence" in said
    app.selectbox(key="fit-role-observation.images.laptop").select("top").run()
    app.selectbox(key="fit-role-observation.images.hand").select("wrist").run()
    assert "it goes to observation.images.camera1" in words(app)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not JSON"), (b"[]", "meta/info.json"), (b"\xff\xfe\x00", "meta/info.json"), (b"[" * 100_000, "meta/info.json"),
        (recording(fps="fast"), "fps"), (b"x" * 600_000, "bytes"),
    ],
)  # fmt: skip
def test_files_that_are_none_are_said_to_be(counter, content, said):
    app = upload(counter.open(None, PACK, skill="so100-touch-cube"), "info", content)
    assert not app.exception
    assert said in words(app)
