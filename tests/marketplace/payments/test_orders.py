"""An order from asking to giving back, with a provider that is cut off, late, or of another mind."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from data_contracts.errors import NotFound, OrderError
from marketplace.audit import audit
from marketplace.buying import buy, cancel, give_back
from marketplace.database import read, write
from marketplace.entitlements import entitlements_of
from marketplace.ledger import balance
from marketplace.orders import history_of, orders_of, tax_within
from marketplace.payments.inbox import receive, work
from marketplace.payments.outbox import send_due
from marketplace.payments.reconciliation import reconcile
from marketplace.sales import clearing, fees, held, platform, unclaimed
from tests.marketplace.till import Till, a_pack


def states(till: Till, order) -> list[str]:
    return [line.state for line in till.now(order).lines]


def owned(till: Till) -> set[str]:
    with read(till.shop.engine) as connection:
        return {one.skill_id for one in entitlements_of(connection, till.buyer) if one.is_active}


def balanced(till: Till) -> None:
    report = reconcile(till.shop, till.provider)
    assert report.differences == ()
    assert report.waiting == ()


def posted(till: Till, account) -> int:
    with read(till.shop.engine) as connection:
        return balance(connection, account).posted


def test_an_order_is_paid_shared_and_handed_over(till: Till):
    order = till.bought("drawer", "button")
    assert (order.state, order.fee_minor) == ("paid", 30)
    assert states(till, order) == ["sold", "sold"]
    assert owned(till) == {"drawer", "button"}
    assert posted(till, clearing("EUR")) == 3800 - 30
    # Of 1885 for each line 7000/10000 are the contributors', the half going to who sorts first. Neither has an account: theirs waits.
    assert posted(till, unclaimed("ada", "EUR")) + posted(till, unclaimed("bo", "EUR")) == 2 * 1320
    with read(till.shop.engine) as connection:
        assert audit(connection) == []
    balanced(till)


def test_the_shares_of_an_order_are_exact(till: Till):
    till.bought("drawer")
    # 19.00 less 0.30: 18.70, of which 30% are 5.61; 13.09 are 3:1 between ada (9.8175) and bo (3.2725).
    assert posted(till, unclaimed("ada", "EUR")) == 982
    assert posted(till, unclaimed("bo", "EUR")) == 327
    assert posted(till, platform("EUR")) == 561 + 30
    assert posted(till, fees("EUR")) == 30
    assert posted(till, held("ada", "EUR")) == 0


def test_the_same_form_sent_twice_is_one_order_and_another_s_is_not_found(till: Till):
    first, second = till.order("drawer"), till.order("drawer")
    assert first == second
    with write(till.shop.engine) as connection:
        from marketplace.accounts.people import add_person

        other = add_person(connection, "Mallory", "m@example.org", "argon2", till.clock())
    with pytest.raises(NotFound):
        buy(till.shop, till.provider, other.id, [a_pack("drawer")], "k1")


def test_what_one_has_cannot_be_bought_again_but_the_next_major_version_can(till: Till):
    till.bought("drawer")
    with pytest.raises(OrderError, match="already"):
        till.order("drawer", key="k2")
    till.packs["drawer"] = a_pack("drawer", version="2.0.0")
    assert till.bought("drawer", key="k3").state == "paid"


@pytest.mark.parametrize(
    ("packs", "said"),
    [
        ([], "1 to 50"),
        ([a_pack("a"), a_pack("b", currency="USD")], "EUR, USD"),
        ([a_pack("a"), a_pack("a")], "twice"),
    ],
)
def test_an_impossible_order_is_refused(till: Till, packs, said):
    with pytest.raises(OrderError, match=said):
        buy(till.shop, till.provider, till.buyer, packs, "k")
    with read(till.shop.engine) as connection:
        assert orders_of(connection, till.buyer) == []


def test_a_free_pack_is_handed_over_at_once_and_leaves_no_trace_in_the_ledger(till: Till):
    till.packs["free"] = a_pack("free", 0)
    order = till.order("free")
    assert order.state == "paid"
    assert owned(till) == {"free"}
    assert till.provider.checkouts == {}
    with pytest.raises(OrderError, match="free"):
        give_back(till.shop, till.provider, order.lines[0].id, buyer_id=till.buyer)
    balanced(till)


def test_a_provider_that_is_down_is_asked_again_and_makes_one_page(till: Till):
    till.provider.is_down = True
    order = till.order("drawer")
    assert (order.state, order.checkout_url) == ("created", None)
    till.provider.is_down, till.provider.cut_off = False, 1
    till.clock.advance(seconds=61)
    send_due(till.shop, till.provider)  # done there, and we did not hear of it
    assert till.now(order).state == "created"
    till.clock.advance(seconds=61)
    send_due(till.shop, till.provider)
    assert till.now(order).state == "awaiting_payment"
    assert len(till.provider.checkouts) == 1


def test_a_page_that_nobody_pays_expires_and_one_that_is_paid_after_cancelling_counts(till: Till):
    order = till.order("drawer")
    till.provider.expire_checkout(order.checkout_id)
    assert till.look(order).state == "expired"
    late = till.order("button", key="k2")
    till.provider.pay(late.checkout_id)
    assert cancel(till.shop, till.provider, till.buyer, late.id).state == "paid"
    assert till.look(late).state == "paid"
    assert owned(till) == {"button"}
    balanced(till)


def test_messages_may_come_twice_late_and_before_anything_else(till: Till):
    order = till.order("drawer")
    receive(till.shop, till.provider, order.id.encode(), "early")
    assert work(till.shop, till.provider) == 1
    assert till.now(order).state == "awaiting_payment"
    till.provider.pay(order.checkout_id)
    for _ in range(3):
        receive(till.shop, till.provider, order.id.encode(), "paid")
    assert work(till.shop, till.provider) == 1
    assert till.now(order).state == "paid"
    receive(till.shop, till.provider, b"order_of_nobody", "strange")
    assert work(till.shop, till.provider) == 1
    balanced(till)


def test_a_message_that_cannot_be_worked_through_waits_and_says_why(till: Till):
    order = till.order("drawer")
    till.provider.pay(order.checkout_id)
    receive(till.shop, till.provider, order.id.encode(), "paid")
    till.provider.is_down = True
    assert work(till.shop, till.provider) == 1
    assert work(till.shop, till.provider) == 0
    till.provider.is_down = False
    till.clock.advance(seconds=3)
    assert work(till.shop, till.provider) == 1
    assert till.now(order).state == "paid"


def test_another_amount_than_was_asked_for_is_looked_at_by_a_person(till: Till):
    order = till.order("drawer")
    till.provider.pay(order.checkout_id, amount=1)
    assert till.look(order).state == "needs_review"
    assert owned(till) == set()
    report = reconcile(till.shop, till.provider)
    assert not report.is_balanced
    assert any(order.id in one.what for one in report.differences)


def test_a_line_is_given_back_within_the_window_and_the_other_stays(till: Till):
    order = till.bought("drawer", "button")
    line = order.lines[0]
    after = give_back(till.shop, till.provider, line.id, buyer_id=till.buyer)
    assert (after.state, [one.state for one in after.lines]) == ("paid", ["refunded", "sold"])
    assert owned(till) == {"button"}
    again = give_back(till.shop, till.provider, line.id, buyer_id=till.buyer)
    assert again == after
    assert len([one for one in till.provider.all_movements if one.kind == "refund"]) == 1
    assert give_back(till.shop, till.provider, order.lines[1].id, buyer_id=till.buyer).state == "refunded"
    assert owned(till) == set()
    assert posted(till, unclaimed("ada", "EUR")) == posted(till, unclaimed("bo", "EUR")) == 0
    balanced(till)


def test_after_the_window_only_an_operator_gives_back(till: Till):
    order = till.bought("drawer")
    till.clock.advance(days=14, seconds=1)
    with pytest.raises(OrderError, match="until 2026-03-15"):
        give_back(till.shop, till.provider, order.lines[0].id, buyer_id=till.buyer)
    assert give_back(till.shop, till.provider, order.lines[0].id).state == "refunded"


def test_another_s_line_cannot_be_given_back(till: Till):
    order = till.bought("drawer")
    with pytest.raises(NotFound):
        give_back(till.shop, till.provider, order.lines[0].id, buyer_id="person_other")
    with pytest.raises(NotFound):
        give_back(till.shop, till.provider, "order_none.1", buyer_id=till.buyer)


def test_a_refund_that_was_cut_off_is_made_once(till: Till):
    order = till.bought("drawer")
    till.provider.cut_off = 1
    give_back(till.shop, till.provider, order.lines[0].id, buyer_id=till.buyer)
    till.provider.answers.clear()  # it has forgotten its keys
    till.clock.advance(minutes=2)
    send_due(till.shop, till.provider)
    assert till.look(order).state == "refunded"
    assert len([one for one in till.provider.all_movements if one.kind == "refund"]) == 1
    balanced(till)


def test_a_refund_that_fails_brings_everything_back_and_can_be_asked_for_again(till: Till):
    order = till.bought("drawer")
    before = {
        account.id: posted(till, account) for account in (clearing("EUR"), platform("EUR"), unclaimed("ada", "EUR"))
    }
    line = order.lines[0]
    give_back(till.shop, till.provider, line.id, buyer_id=till.buyer)
    till.provider.fail_refund(till.now(order).payment_id)
    assert till.look(order).state == "paid"
    assert owned(till) == {"drawer"}
    assert before == {
        account.id: posted(till, account) for account in (clearing("EUR"), platform("EUR"), unclaimed("ada", "EUR"))
    }
    assert give_back(till.shop, till.provider, line.id, buyer_id=till.buyer).state == "refunded"
    balanced(till)


def test_a_dispute_holds_downloads_and_its_end_decides(till: Till):
    won, lost = till.bought("drawer"), till.bought("button", key="k2")
    for order in (won, lost):
        till.provider.dispute(order.payment_id)
        assert states(till, till.look(order)) == ["disputed"]
    assert owned(till) == set()
    till.provider.close_dispute(won.payment_id, is_won=True)
    till.provider.close_dispute(lost.payment_id, is_won=False)
    assert states(till, till.look(won)) == ["sold"]
    assert states(till, till.look(lost)) == ["charged_back"]
    assert till.now(lost).state == "refunded"
    assert owned(till) == {"drawer"}
    assert posted(till, fees("EUR")) == 2 * 30 + 2 * 1500
    balanced(till)


def test_a_dispute_after_a_refund_takes_what_is_left(till: Till):
    order = till.bought("drawer", "button")
    give_back(till.shop, till.provider, order.lines[0].id, buyer_id=till.buyer)
    till.provider.dispute(order.payment_id)
    assert states(till, till.look(order)) == ["refunded", "disputed"]
    till.provider.close_dispute(order.payment_id, is_won=False)
    assert states(till, till.look(order)) == ["refunded", "charged_back"]
    balanced(till)


def test_every_transition_is_kept_and_cannot_be_changed(till: Till):
    order = till.bought("drawer")
    give_back(till.shop, till.provider, order.lines[0].id, buyer_id=till.buyer)
    with read(till.shop.engine) as connection:
        moves = [(one.from_state, one.to_state) for one in history_of(connection, order.id)]
    assert moves == [
        (None, "created"), ("created", "awaiting_payment"), ("awaiting_payment", "paid"), ("open", "sold"),
        ("sold", "refunding"), ("refunding", "refunded"), ("paid", "refunded"),
    ]  # fmt: skip
    for statement in (
        "UPDATE order_event SET to_state = 'paid'", "DELETE FROM order_event", "DELETE FROM shop_order",
        "UPDATE order_line SET amount_minor = 1", "UPDATE order_line SET weights = '{}'",
    ):  # fmt: skip
        with pytest.raises(DatabaseError), write(till.shop.engine) as connection:
            connection.execute(text(statement))


@pytest.mark.parametrize(
    ("amount", "basis_points", "tax"), [(1190, 1900, 190), (1900, 0, 0), (1, 1900, 0), (100, 10_000, 50)]
)
def test_tax_is_part_of_the_price(amount, basis_points, tax):
    assert tax_within(amount, basis_points) == tax


def test_a_fee_above_the_price_is_the_platform_s_loss_and_nobody_else_s(till: Till):
    till.packs["cheap"] = a_pack("cheap", 20)
    order = till.bought("cheap")
    assert order.state == "paid"
    assert posted(till, unclaimed("ada", "EUR")) == 0
    assert posted(till, clearing("EUR")) == -10
    assert give_back(till.shop, till.provider, order.lines[0].id, buyer_id=till.buyer).state == "refunded"
    balanced(till)
