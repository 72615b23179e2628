"""Messages and calls that no happy path has: that name nothing, break, fail for days, are taken by another, refused or cut off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_contracts.errors import OrderError, PaymentRefused
from marketplace.buying import give_back
from marketplace.database import write
from marketplace.orders import Order
from marketplace.payments.inbox import look_at, receive, work
from marketplace.payments.outbox import send as send_call
from marketplace.payments.outbox import send_due, want_refund
from marketplace.payments.provider import Checkout, Event
from marketplace.payments.reconciliation import bank, reconcile
from marketplace.sales import fees
from tests.marketplace.payments.pocket_provider import FEE
from tests.marketplace.payments.test_orders import balanced, owned, posted, states
from tests.marketplace.till import Till


def break_page(patch: pytest.MonkeyPatch, till: Till, order: Order, error: Exception) -> None:
    """Makes asking for the page of this order, and of no other, end in an error."""
    ask = till.provider.checkout

    def checkout(checkout_id: str) -> Checkout:
        if checkout_id == order.checkout_id:
            raise error
        return ask(checkout_id)

    patch.setattr(till.provider, "checkout", checkout)


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
    with monkeypatch.context() as patch:
        break_page(patch, till, broken, AttributeError("no such field"))
        work(till.shop, till.provider)
    assert till.now(fine).state == "paid"
    till.clock.advance(seconds=5)
    assert work(till.shop, till.provider) == 1


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
    break_page(monkeypatch, till, bad, OrderError("it is strange"))
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
