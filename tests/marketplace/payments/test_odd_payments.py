"""Payments that no happy path has: in another currency, taken back in parts, by the bank after the shop, on the provider's own pages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_contracts.errors import OrderError, PaymentRefused
from marketplace.buying import cancel, give_back
from marketplace.database import read, write
from marketplace.entitlements import recall_pack
from marketplace.ledger import balance
from marketplace.money import DECIMALS
from marketplace.payments.inbox import look_at, receive, work
from marketplace.payments.outbox import send as send_call
from marketplace.payments.outbox import send_due, want_refund
from marketplace.payments.provider import Checkout, Event
from marketplace.payments.reconciliation import bank, reconcile
from marketplace.sales import buyers_due, clearing, fees, platform, unclaimed
from tests.marketplace.payments.pocket_provider import DISPUTE_FEE, FEE
from tests.marketplace.payments.test_orders import balanced, owned, posted, states
from tests.marketplace.till import Till, a_pack


def test_a_message_leads_to_its_own_order_whatever_else_is_unpaid(till: Till):
    others = [till.order("cube", key="k0"), till.order("door", key="k1")]
    order = till.order("drawer", key="k2")
    till.provider.pay(order.checkout_id)
    receive(till.shop, till.provider, order.id.encode(), "paid")
    work(till.shop, till.provider)
    assert till.now(order).state == "paid"
    assert [till.now(one).state for one in others] == ["awaiting_payment"] * 2


def test_a_message_that_names_a_payment_leads_to_its_order_and_one_that_names_nothing_to_none(till: Till, monkeypatch):
    till.order("cube", key="k0")
    order = till.bought("drawer", key="k1")
    till.provider.refund_at_desk(order.payment_id, 1900)
    events = {
        b"payment": Event("evt_1", "charge.refunded", None, order.payment_id),
        b"": Event("evt_2", "payout.paid", None, None),
    }
    monkeypatch.setattr(type(till.provider), "event", lambda self, body, signature: events[body])
    for body in events:
        receive(till.shop, till.provider, body, "")
    looked = []
    monkeypatch.setattr("marketplace.payments.inbox.look_at", lambda *args: looked.append(args[2]) or look_at(*args))
    assert work(till.shop, till.provider) == 2
    assert looked == [order.id]
    assert till.now(order).state == "refunded"


def test_what_fails_for_days_is_tried_again_every_hour_and_holds_up_nobody(till: Till):
    """A hundred attempts: the wait between them must not outgrow what a time span can hold."""
    poor = till.order("drawer")
    receive(till.shop, till.provider, poor.id.encode(), "first")
    till.provider.is_down = True
    fresh = till.order("button", key="k2")
    for _ in range(100):
        till.clock.advance(hours=2)
        assert work(till.shop, till.provider) == 1
        assert send_due(till.shop, till.provider) <= 1
    till.provider.is_down = False
    till.clock.advance(hours=2)
    receive(till.shop, till.provider, poor.id.encode(), "second")
    assert work(till.shop, till.provider) == 2
    send_due(till.shop, till.provider)
    assert till.now(fresh).state == "expired"


def test_one_message_that_breaks_the_program_does_not_hold_up_the_others(till: Till, monkeypatch):
    broken, fine = till.order("drawer"), till.order("button", key="k2")
    till.provider.pay(fine.checkout_id)
    for order in (broken, fine):
        receive(till.shop, till.provider, order.id.encode(), order.id)
        till.clock.advance(seconds=1)
    ask = till.provider.checkout

    def checkout(checkout_id: str) -> Checkout:
        if checkout_id == broken.checkout_id:
            raise AttributeError("no such field")
        return ask(checkout_id)

    monkeypatch.setattr(till.provider, "checkout", checkout)
    work(till.shop, till.provider)
    assert till.now(fine).state == "paid"
    till.clock.advance(seconds=5)
    monkeypatch.setattr(till.provider, "checkout", ask)
    assert work(till.shop, till.provider) == 1


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


def test_a_page_is_not_asked_for_under_a_key_that_may_be_forgotten(till: Till):
    """A second page could be paid beside the first. Before that the same key is asked again, and finds what was paid."""
    till.provider.cut_off = 1
    paid, lost = till.order("drawer"), till.order("button", key="k2")
    till.provider.pay("cs_0")
    till.provider.is_down, till.provider.cut_off = True, 0
    till.clock.advance(hours=19)
    lost = till.order("door", key="k3")
    till.provider.is_down = False
    send_due(till.shop, till.provider)
    assert till.look(paid).state == "paid"
    assert till.now(lost).state == "created"
    till.clock.advance(hours=20, minutes=1)
    send_due(till.shop, till.provider)
    assert till.now(lost).state == "expired"
    assert len(till.provider.checkouts) == 2
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


def test_what_the_provider_does_by_itself_is_booked(till: Till):
    till.bought("drawer")
    till.provider.move("payout", -1000)
    for kind in ("stripe_fee", "stripe_fx_fee", "tax_fee", "network_cost"):
        till.provider.move(kind, -7)
    till.provider.move("topup", 300)
    till.provider.move("payout", 0)
    balanced(till)
    assert (posted(till, bank("EUR")), posted(till, fees("EUR"))) == (700, FEE + 28)


def test_an_order_that_cannot_be_settled_is_reported_and_does_not_stop_the_report(till: Till, monkeypatch):
    bad, good = till.order("drawer"), till.order("button", key="k2")
    till.provider.pay(good.checkout_id)
    ask = till.provider.checkout

    def checkout(checkout_id: str) -> Checkout:
        if checkout_id == bad.checkout_id:
            raise OrderError("it is strange")
        return ask(checkout_id)

    monkeypatch.setattr(till.provider, "checkout", checkout)
    report = reconcile(till.shop, till.provider)
    assert [(one.what, one.said) for one in report.differences] == [(bad.id, "it is strange")]
    assert till.now(good).state == "paid"


def test_a_refund_that_was_called_off_before_it_moved_can_be_asked_for_again(till: Till):
    order = till.bought("drawer")
    line = order.lines[0]
    send = till.provider.refund

    def called_off(payment_id: str, amount: int, line_id: str, key: str) -> None:
        send(payment_id, amount, line_id, key)
        payment = till.provider.payments[payment_id]
        refund = replace(payment.refunds[-1], movement=None, is_called_off=True)
        till.provider.payments[payment_id] = replace(payment, refunds=(refund,))
        till.provider.all_movements.pop()

    till.provider.refund = called_off
    assert [one.state for one in give_back(till.shop, till.provider, line.id, buyer_id=till.buyer).lines] == ["sold"]
    assert owned(till) == {"drawer"}
    till.provider.payments[order.payment_id] = replace(till.provider.payments[order.payment_id], refunds=())
    till.provider.refund = send
    assert give_back(till.shop, till.provider, line.id, buyer_id=till.buyer).state == "refunded"
    balanced(till)


def test_a_refund_that_is_refused_leaves_the_line_and_can_be_asked_for_again(till: Till):
    order = till.bought("drawer")
    line, send = order.lines[0], till.provider.refund

    def refuse(*_: object) -> None:
        raise PaymentRefused("the payment is disputed")

    till.provider.refund = refuse
    assert [one.state for one in give_back(till.shop, till.provider, line.id).lines] == ["sold"]
    till.provider.refund = send
    assert give_back(till.shop, till.provider, line.id).state == "refunded"


def test_a_page_that_is_refused_cancels_the_order(till: Till):
    def refuse(*_: object) -> None:
        raise PaymentRefused("the amount is too small")

    till.provider.create_checkout = refuse
    assert till.order("drawer").state == "cancelled"


def test_a_call_that_another_worker_took_is_left_to_it_and_what_was_sent_is_not_sent_again(till: Till):
    """The second worker comes while the first one waits for its answer."""
    send, sent = till.provider.create_checkout, []

    def slowly(request, key):
        sent.append(key)
        assert send_due(till.shop, till.provider) == 0
        assert send_call(till.shop, till.provider, key) is None
        return send(request, key)

    till.provider.create_checkout = slowly
    order = till.order("drawer")
    till.clock.advance(hours=1)
    assert send_due(till.shop, till.provider) == 0
    assert sent == [f"checkout:{order.id}"]


def test_a_refund_of_one_line_that_was_cut_off_is_not_taken_from_the_other(till: Till):
    order = till.bought("drawer", "button")
    till.provider.cut_off = 1
    line = order.lines[0]
    with write(till.shop.engine) as connection:
        want_refund(connection, order, line, till.clock())
    send_due(till.shop, till.provider)
    till.provider.answers.clear()  # it has forgotten its keys, and the other line's money is there
    till.clock.advance(minutes=2)
    send_due(till.shop, till.provider)
    assert states(till, till.look(order)) == ["refunded", "sold"]
    assert len(till.provider.payments[order.payment_id].refunds) == 1
