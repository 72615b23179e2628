"""Payments that no happy path has: in another currency, taken back in parts, by the bank after the shop, on the provider's own pages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_contracts.errors import OrderError
from marketplace.buying import cancel, give_back
from marketplace.database import read, write
from marketplace.entitlements import recall_pack
from marketplace.ledger import balance
from marketplace.money import DECIMALS
from marketplace.payments.outbox import send_due
from marketplace.payments.reconciliation import reconcile
from marketplace.sales import buyers_due, clearing, fees, platform, unclaimed
from tests.marketplace.payments.pocket_provider import DISPUTE_FEE, FEE
from tests.marketplace.payments.test_orders import balanced, owned, posted, states
from tests.marketplace.till import Till, a_pack


def test_money_that_was_settled_in_another_currency_is_nobody_s_sale(till: Till):
    """The provider changed it into the currency of our account there: fee and balance are in that one."""
    till.packs["drawer"] = a_pack("drawer", currency="USD")
    order = till.order("drawer")
    till.provider.pay(order.checkout_id)
    payment = next(iter(till.provider.payments.values()))
    changed = replace(payment.movement, amount=1755, currency="EUR")
    till.provider.all_movements = [changed]
    till.provider.payments[payment.id] = replace(payment, movement=changed)
    assert till.look(order).state == "needs_review"
    assert owned(till) == set()
    assert (posted(till, clearing("EUR")), posted(till, clearing("USD"))) == (1755 - FEE, 0)


def test_a_payment_of_another_amount_is_owed_to_its_buyer_until_it_is_sent_back(till: Till):
    order = till.order("drawer")
    till.provider.pay(order.checkout_id, amount=1000)
    for _ in range(2):
        assert till.look(order).state == "needs_review"
    assert posted(till, buyers_due("EUR")) == 1000
    assert [one.what for one in reconcile(till.shop, till.provider).differences] == [order.id]
    payment_id = till.now(order).payment_id
    till.provider.refund_at_desk(payment_id, 400)
    assert till.look(order).state == "needs_review"
    till.provider.refund_at_desk(payment_id, 600)
    assert till.look(order).state == "cancelled"
    assert till.look(order).state == "cancelled"
    assert (posted(till, buyers_due("EUR")), posted(till, clearing("EUR")), owned(till)) == (0, -FEE, set())
    balanced(till)
    till.provider.fail_refund(payment_id)
    assert till.look(order).state == "needs_review"
    assert posted(till, buyers_due("EUR")) == 600


def test_a_bank_that_takes_another_amount_s_payment_back_ends_it_too(till: Till):
    order = till.order("drawer")
    till.provider.pay(order.checkout_id, amount=1000)
    till.provider.dispute(next(iter(till.provider.payments)))
    till.provider.expire_checkout(order.checkout_id)
    assert till.look(order).state == "cancelled"
    assert posted(till, fees("EUR")) == FEE + DISPUTE_FEE
    balanced(till)


def test_a_refund_that_names_no_line_is_shared_and_then_a_line_is_given_back(till: Till):
    order = till.bought("drawer", "button")
    till.provider.refund_at_desk(order.payment_id, 501)
    assert states(till, till.look(order)) == ["sold", "sold"]
    balanced(till)
    after = give_back(till.shop, till.provider, order.lines[0].id, buyer_id=till.buyer)
    assert [line.state for line in after.lines] == ["refunded", "sold"]
    till.provider.refund_at_desk(order.payment_id, 3800 - 501 - (1900 - 251))
    assert till.look(order).state == "refunded"
    balanced(till)


def test_a_line_s_refund_that_crossed_another_one_takes_the_rest_from_the_other_lines(till: Till):
    order = till.bought("drawer", "button")
    till.provider.refund_at_desk(order.payment_id, 500)
    till.provider.refund(order.payment_id, 1900, order.lines[0].id, "crossed")
    assert states(till, till.look(order)) == ["refunded", "sold"]
    assert owned(till) == {"button"}
    balanced(till)
    till.provider.refund_at_desk(order.payment_id, 1400)
    assert till.look(order).state == "refunded"
    balanced(till)


def test_what_a_bank_takes_after_it_was_given_back_is_the_platform_s_loss(till: Till):
    order = till.bought("drawer", "button")
    give_back(till.shop, till.provider, order.lines[0].id, buyer_id=till.buyer)
    till.provider.dispute(order.payment_id, 3800)
    assert states(till, till.look(order)) == ["refunded", "disputed"]
    assert posted(till, platform("EUR")) == -1900
    assert posted(till, unclaimed("ada", "EUR")) == 0
    balanced(till)
    till.provider.close_dispute(order.payment_id, is_won=True)
    assert states(till, till.look(order)) == ["refunded", "sold"]
    assert posted(till, platform("EUR")) > 0
    balanced(till)


@pytest.mark.parametrize("back", [1, 1000, 1899])
def test_a_dispute_won_in_part_brings_back_that_part(till: Till, back: int):
    order = till.bought("drawer", "button")
    till.provider.dispute(order.payment_id, 1900)
    till.look(order)
    till.provider.close_dispute(order.payment_id, is_won=True, back=back, fee=-DISPUTE_FEE)
    till.look(order)
    assert posted(till, clearing("EUR")) == 3800 - FEE - 1900 + back
    assert posted(till, fees("EUR")) == FEE
    balanced(till)
    assert states(till, order) == ["sold", "sold"]


def test_a_fee_alone_in_a_dispute_brings_nothing_back(till: Till):
    order = till.bought("drawer")
    till.provider.dispute(order.payment_id)
    till.look(order)
    till.provider.close_dispute(order.payment_id, is_won=True, back=0, fee=700)
    assert states(till, till.look(order)) == ["charged_back"]
    assert owned(till) == set()
    assert posted(till, fees("EUR")) == FEE + DISPUTE_FEE + 700
    balanced(till)


def test_a_dispute_s_movements_may_be_listed_in_any_order(till: Till):
    order = till.bought("drawer")
    till.provider.dispute(order.payment_id)
    till.provider.close_dispute(order.payment_id, is_won=True)
    payment = till.provider.payments[order.payment_id]
    turned = replace(payment.disputes[0], movements=payment.disputes[0].movements[::-1])
    till.provider.payments[payment.id] = replace(payment, disputes=(turned,))
    assert states(till, till.look(order)) == ["sold"]
    balanced(till)


def test_a_bank_that_only_asks_takes_nothing_and_holds_nothing(till: Till):
    order = till.bought("drawer")
    till.provider.dispute(order.payment_id, 0)
    assert states(till, till.look(order)) == ["sold"]
    assert owned(till) == {"drawer"}
    balanced(till)


def test_what_was_read_before_the_order_moved_is_read_again(till: Till, monkeypatch):
    """Two look at once: the one that read first writes last, and must not undo what it did not see."""
    order = till.bought("drawer", "button")
    till.provider.refund_at_desk(order.payment_id, 100)
    ask, early = till.provider.payment, till.provider.payments[order.payment_id]
    till.provider.dispute(order.payment_id)
    answers = [early]

    def payment(payment_id: str):
        if answers:
            answers.clear()
            monkeypatch.setattr(till.provider, "payment", ask)
            assert states(till, till.look(order)) == ["disputed", "disputed"]
            return early
        return ask(payment_id)

    monkeypatch.setattr(till.provider, "payment", payment)
    assert [line.state for line in till.look(order).lines] == ["disputed", "disputed"]
    till.provider.close_dispute(order.payment_id, is_won=False)
    assert states(till, till.look(order)) == ["charged_back", "charged_back"]
    balanced(till)


def test_nobody_gives_a_free_line_back(till: Till):
    till.packs["free"] = a_pack("free", 0)
    order = till.bought("free", "drawer")
    for line in order.lines[:1]:
        with pytest.raises(OrderError, match="free"):
            give_back(till.shop, till.provider, line.id)
    assert states(till, order) == ["sold", "sold"]
    give_back(till.shop, till.provider, order.lines[1].id)
    assert till.now(order).state == "refunded"
    assert owned(till) == {"free"}
    balanced(till)


def test_an_order_that_was_paid_while_it_was_cancelled_is_handed_over_without_any_message(till: Till):
    order = till.order("drawer")
    till.provider.pay(order.checkout_id)
    cancel(till.shop, till.provider, till.buyer, order.id)
    assert till.now(order).state == "paid"
    assert owned(till) == {"drawer"}
    balanced(till)


def test_a_payment_under_way_waits_and_one_that_came_is_sold(till: Till):
    order = till.order("drawer")
    till.provider.pay(order.checkout_id)
    paid = dict(till.provider.payments)
    till.provider.payments.clear()
    assert till.look(order).state == "awaiting_payment"
    till.provider.payments |= paid
    assert reconcile(till.shop, till.provider).differences == ()
    assert till.now(order).state == "paid"


@pytest.mark.parametrize(("currency", "amount"), [("JPY", 1900), ("KWD", 5670), ("EUR", 51)])
def test_every_currency_is_counted_in_its_own_smallest_unit(till: Till, currency: str, amount: int):
    assert DECIMALS[currency] == {"JPY": 0, "KWD": 3, "EUR": 2}[currency]
    till.packs["drawer"] = a_pack("drawer", amount, currency=currency)
    order = till.bought("drawer")
    assert till.provider.requests[order.checkout_id].items[0].amount_minor == amount
    assert posted(till, clearing(currency)) == amount - FEE
    give_back(till.shop, till.provider, order.lines[0].id, buyer_id=till.buyer)
    assert posted(till, clearing(currency)) == -FEE
    with read(till.shop.engine) as connection:
        assert balance(connection, clearing("EUR")).posted == (-FEE if currency == "EUR" else 0)
    balanced(till)


def test_a_second_tab_cannot_order_what_waits_to_be_paid(till: Till):
    first = till.order("drawer", key="tab 1")
    with pytest.raises(OrderError, match="already"):
        till.order("drawer", "button", key="tab 2")
    cancel(till.shop, till.provider, till.buyer, first.id)
    assert till.order("drawer", key="tab 2").state == "awaiting_payment"


def test_a_recalled_version_cannot_be_ordered(till: Till):
    with write(till.shop.engine) as connection:
        recall_pack(connection, "drawer", "1.0.0", "sha256:drawer", "drops things", till.buyer, till.clock())
    with pytest.raises(OrderError, match="recalled"):
        till.order("drawer")
    till.packs["drawer"] = a_pack("drawer", version="1.0.1")
    assert till.order("drawer").state == "awaiting_payment"


def test_an_order_that_was_paid_while_cancelled_and_its_successor_are_owned_until_both_are_given_back(till: Till):
    first = till.order("drawer", key="tab 1")
    till.provider.is_down = True  # so that its page stays open
    cancel(till.shop, till.provider, till.buyer, first.id)
    till.provider.is_down = False
    second = till.order("drawer", key="tab 2")
    for order in (first, second):
        till.provider.pay(order.checkout_id)
        assert till.look(order).state == "paid"
    till.clock.advance(minutes=2)
    send_due(till.shop, till.provider)  # to close a page that is closed
    give_back(till.shop, till.provider, first.lines[0].id, buyer_id=till.buyer)
    assert owned(till) == {"drawer"}
    give_back(till.shop, till.provider, second.lines[0].id, buyer_id=till.buyer)
    assert owned(till) == set()
    balanced(till)
