"""What operators see and do, that others are refused all of it, and that it is in the audit trail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_contracts.errors import AccountError, NotAllowed, NotFound, OrderError
from marketplace import operating, sales_figures
from marketplace.accounts.one_time_links import find_link
from marketplace.accounts.people import Person, add_person, assign_contributor, get_person, grant_role
from marketplace.database import read, write
from marketplace.entitlements import recalls_of
from marketplace.reviews import reviews_of, write_review
from marketplace.shop import Shop
from skill_packs.build import build_pack
from skill_packs.signing import open_signing_key
from tests.marketplace.till import Till, a_pack
from tests.skill_packs.make_pack import make_inputs, make_skill


@pytest.fixture
def operator(till: Till) -> Person:
    with write(till.shop.engine) as connection:
        return add_person(connection, "Otto", "otto@example.org", "argon2", till.clock(), roles=("owner", "operator"))


@pytest.fixture
def buyer(till: Till) -> Person:
    with read(till.shop.engine) as connection:
        return get_person(connection, till.buyer)


def done(till: Till, operator: Person) -> list[str]:
    with read(till.shop.engine) as connection:
        return [event.what for event in operating.trail(connection, operator, of=operator.id)]


ACTS = {
    "orders": lambda shop, db, who: operating.orders(db, who),
    "order_and_history": lambda shop, db, who: operating.order_and_history(db, who, "x"),
    "refund": lambda shop, db, who: operating.refund(shop, None, who, "x", "because"),
    "reconcile": lambda shop, db, who: operating.reconcile(shop, None, who),
    "reports": lambda shop, db, who: operating.reports(db, who),
    "waiting": lambda shop, db, who: operating.waiting(db, who),
    "holds": lambda shop, db, who: operating.holds(db, who),
    "recall_version": lambda shop, db, who: operating.recall_version(shop, who, "x", "1.0.0", "because"),
    "recalls": lambda shop, db, who: operating.recalls(db, who),
    "written_reviews": lambda shop, db, who: operating.written_reviews(db, who),
    "hide_review": lambda shop, db, who: operating.hide_review(shop, who, "x"),
    "everybody": lambda shop, db, who: operating.everybody(db, who),
    "set_roles": lambda shop, db, who: operating.set_roles(shop, who, who.id, ["operator"]),
    "set_contributor": lambda shop, db, who: operating.set_contributor(shop, who, who.id, "ada"),
    "password_link": lambda shop, db, who: operating.password_link(shop, who, who.id),
    "trail": lambda shop, db, who: operating.trail(db, who),
    "turnover": lambda shop, db, who: sales_figures.turnover(db, who),
    "own_earnings": lambda shop, db, who: sales_figures.own_earnings(db, who),
    "own_balances": lambda shop, db, who: sales_figures.own_balances(db, who),
}
OPEN_TO_ALL = {"balances_of", "check_operator"}


@pytest.mark.parametrize("act", ACTS)
def test_who_is_no_operator_is_refused(till, buyer, act):
    with read(till.shop.engine) as connection, pytest.raises(NotAllowed):
        ACTS[act](till.shop, connection, buyer)


def test_a_disabled_operator_is_refused(till, operator):
    with read(till.shop.engine) as connection, pytest.raises(NotAllowed):
        operating.orders(connection, replace(operator, disabled_at="2026-01-01"))


def test_every_act_is_among_those_that_are_refused():
    own = {
        name
        for module in (operating, sales_figures)
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__ and not isinstance(value, type)
    }
    assert {name for name in own if not name.startswith("_")} - OPEN_TO_ALL == set(ACTS)


def test_orders_by_state_and_with_their_history(till, operator):
    paid, waiting = till.bought("press", key="k1"), till.order("lift", key="k2")
    with read(till.shop.engine) as connection:
        assert {order.id for order in operating.orders(connection, operator)} == {paid.id, waiting.id}
        assert [order.id for order in operating.orders(connection, operator, "paid")] == [paid.id]
        order, history, buyer = operating.order_and_history(connection, operator, paid.id)
    assert (order.state, buyer.display_name) == ("paid", "Olive Owner")
    assert [event.to_state for event in history if event.line_id is None] == ["created", "awaiting_payment", "paid"]


def test_a_refund_long_after_the_window_with_a_reason(till, operator):
    order = till.bought("press")
    till.clock.advance(days=100)
    with pytest.raises(OrderError, match="reason"):
        operating.refund(till.shop, till.provider, operator, order.lines[0].id, " ")
    back = operating.refund(till.shop, till.provider, operator, order.lines[0].id, "It was recalled.")
    assert back.state == "refunded"
    assert done(till, operator) == ["asked for a refund"]


def test_reconciling_is_kept_and_says_what_is_wrong(till, operator):
    till.bought("press")
    assert operating.reconcile(till.shop, till.provider, operator).is_balanced
    till.provider._move("adjustment", -5, 0)
    assert not operating.reconcile(till.shop, till.provider, operator).is_balanced
    with read(till.shop.engine) as connection:
        assert [report.is_balanced for report in operating.reports(connection, operator)] == [False, True]


def test_what_waits_is_listed_with_its_error(till, operator):
    till.provider.is_down = True
    order = till.order("press")
    with read(till.shop.engine) as connection:
        (one,) = operating.waiting(connection, operator)
    assert (one.what, one.order_id, one.num_attempts) == ("call: checkout", order.id, 1)
    assert "down" in one.error


def test_holds_are_exact_and_say_whose_they_are(till, operator):
    with write(till.shop.engine) as connection:
        person = add_person(connection, "Ada", "ada@example.org", "argon2", till.clock())
        assign_contributor(connection, person.id, "ada")
    till.bought("press")
    with read(till.shop.engine) as connection:
        found = {one.contributor: one for one in operating.holds(connection, operator)}
    shared = (1900 - 30) * 7000 // 10_000
    assert found["ada"].held + found["bo"].unclaimed == shared
    assert (found["ada"].unclaimed, found["bo"].held) == (0, 0)
    assert (found["ada"].person, found["bo"].person) == ("Ada", None)


def test_a_recall_needs_a_version_and_a_reason(till, operator, tmp_path):
    lake = till.shop.lake
    build_pack(lake.packs("press"), make_inputs(tmp_path / "in", make_skill("press")), open_signing_key(lake.keys))
    with pytest.raises(NotFound):
        operating.recall_version(till.shop, operator, "press", "9.9.9", "because")
    with pytest.raises(NotFound):
        operating.recall_version(till.shop, operator, "../../etc", "1.0.0", "because")
    with pytest.raises(OrderError):
        operating.recall_version(till.shop, operator, "press", "1.0.0", "")
    operating.recall_version(till.shop, operator, "press", "1.0.0", "It drops cups.")
    with read(till.shop.engine) as connection:
        assert [one.reason for one in recalls_of(connection, "press")] == ["It drops cups."]
        assert [one.version for one in operating.recalls(connection, operator)] == ["1.0.0"]
    assert done(till, operator) == ["recalled a version"]


def test_a_hidden_review_is_kept(till, operator):
    till.bought("press")
    with write(till.shop.engine) as connection:
        write_review(connection, till.buyer, "press", "1.0.0", "so100", 1, "Buy at evil.example", till.clock())
    with read(till.shop.engine) as connection:
        (one,) = operating.written_reviews(connection, operator)
    operating.hide_review(till.shop, operator, one.id)
    with read(till.shop.engine) as connection:
        assert reviews_of(connection, "press") == []
        assert [(one.is_hidden, one.text) for one in operating.written_reviews(connection, operator)] == [
            (True, "Buy at evil.example")
        ]


def test_roles_are_given_and_withdrawn_by_somebody_else(till, operator, buyer):
    given = operating.set_roles(till.shop, operator, buyer.id, ["owner", "contributor", "operator"])
    assert given.roles == {"owner", "contributor", "operator"}
    assert operating.set_roles(till.shop, given, operator.id, ["owner"]).roles == {"owner"}
    with pytest.raises(AccountError, match="themselves"):
        operating.set_roles(till.shop, given, given.id, ["owner"])
    assert done(till, given) == ["withdrew a role"]
    assert [event.what for event in everything(till.shop, given)] == ["withdrew a role", "gave a role", "gave a role"]


def test_a_password_link_is_for_that_person(till, operator, buyer):
    link = operating.password_link(till.shop, operator, buyer.id)
    with read(till.shop.engine) as connection:
        assert find_link(connection, link.rpartition("/")[2], till.clock()).person_id == buyer.id
    assert link.rpartition("/")[2] not in str(everything(till.shop, operator))


def everything(shop: Shop, operator: Person) -> list:
    with read(shop.engine) as connection:
        return operating.trail(connection, operator)


def figures(till: Till, operator: Person) -> list[sales_figures.Turnover]:
    with read(till.shop.engine) as connection:
        return sales_figures.turnover(connection, operator)


def test_figures_add_up_by_pack_and_month(till, operator):
    for number in range(3):
        till.packs["lift"] = a_pack("lift", 777 + number, "1.0.0", weights={"ada": 2, "cy": 1})
        person = f"buyer-{number}"
        with write(till.shop.engine) as connection:
            till.buyer = add_person(connection, person, f"{person}@example.org", "argon2", till.clock()).id
        order = till.bought("press", "lift", key=person)
    operating.refund(till.shop, till.provider, operator, order.lines[1].id, "broken")
    found = figures(till, operator)
    assert [(one.skill_id, one.month, one.num_sold, one.num_returned) for one in found] == [
        ("press", "2026-03", 3, 0), ("lift", "2026-03", 3, 1),
    ]  # fmt: skip
    press, lift = found
    assert (press.gross, press.returned, lift.gross, lift.returned) == (3 * 1900, 0, 777 + 778 + 779, 779)
    for one in found:
        assert one.gross - one.returned == one.fees + one.platform + one.tax + sum(one.contributors.values())
    assert press.fees + lift.fees == 3 * 30
    assert set(lift.contributors) == {"ada", "cy"}


def test_a_contributor_sees_their_own_and_nothing_else(till, operator, buyer):
    till.bought("press")
    operating.set_contributor(till.shop, operator, buyer.id, "ada")
    with read(till.shop.engine) as connection:
        ada = get_person(connection, buyer.id)
        (earned,) = sales_figures.own_earnings(connection, ada)
        (balance,) = sales_figures.own_balances(connection, ada)
    (all_of_it,) = figures(till, operator)
    assert (earned.skill_id, earned.month, earned.amount) == ("press", "2026-03", all_of_it.contributors["ada"])
    assert balance.unclaimed == earned.amount, "it was sold before the name was theirs"
    with pytest.raises(AccountError):
        operating.set_contributor(till.shop, operator, operator.id, "ada")


def test_a_name_that_begins_another_sees_nothing_of_it(till, buyer):
    till.packs["press"] = a_pack("press", weights={"ada": 1, "ada_b": 1, "adaxb": 1})
    till.bought("press")
    with write(till.shop.engine) as connection:
        assign_contributor(connection, buyer.id, "ada_b")
        grant_role(connection, buyer.id, "contributor", till.clock())
    with read(till.shop.engine) as connection:
        who = get_person(connection, buyer.id)
        assert [one.contributor for one in sales_figures.own_balances(connection, who)] == ["ada_b"]
        assert len(sales_figures.own_earnings(connection, who)) == 1


@pytest.mark.parametrize("is_won", [True, False])
def test_figures_add_up_through_disputes(till, operator, is_won):
    order = till.bought("press")
    till.provider.dispute(till.now(order).payment_id)
    till.look(order)
    (one,) = figures(till, operator)
    assert (one.gross, one.returned, one.num_returned) == (1900, 1900, 1)
    till.provider.close_dispute(till.now(order).payment_id, is_won)
    till.look(order)
    (one,) = figures(till, operator)
    assert (one.returned, one.num_returned) == ((0, 0) if is_won else (1900, 1))
    assert one.gross - one.returned == one.fees + one.platform + one.tax + sum(one.contributors.values())
    assert one.fees == 30 + 1500, "the provider keeps both of its fees"
    assert one.platform == (561 - 1500 if is_won else -30 - 1500), "the platform bears them"
    assert sum(one.contributors.values()) == (1309 if is_won else 0)
