"""What a shop does with money from buyers, through Stripe's own client: sessions, payments, refunds, disputes."""

from __future__ import annotations

import pytest
import stripe

from marketplace.local_payments.launch import LocalPayments
from tests.marketplace.local_payments.people import client_of, sale_of, sell, visit


def test_a_session_becomes_a_payment_with_its_fee(bank: LocalPayments, client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(
        sale_of(
            1999,
            metadata={"order": "17"},
            client_reference_id="order-17",
            customer_email="ada@example.org",
            payment_intent_data={"metadata": {"order": "17"}, "transfer_group": "order-17"},
        )
    )
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert session.id.startswith("cs_test_")
    assert session.url == f"{bank.address}/pay/{session.id}"
    assert session.metadata["order"] == "17"

    assert bank.pay(session.id) == f"https://shop.example/paid?session={session.id}"

    expand = ["payment_intent.latest_charge.balance_transaction", "line_items"]
    paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": expand})
    intent, charge = paid.payment_intent, paid.payment_intent.latest_charge
    assert (paid.status, paid.payment_status, paid.amount_total, paid.url) == ("complete", "paid", 1999, None)
    assert paid.line_items.data[0].description == "Pick a cube"
    assert client.v1.checkout.sessions.line_items.list(session.id).data[0].amount_total == 1999
    assert (intent.status, intent.amount_received, intent.transfer_group) == ("succeeded", 1999, "order-17")
    assert (intent.metadata["order"], charge.metadata["order"], charge.paid) == ("17", "17", True)
    transaction = charge.balance_transaction
    assert (transaction.type, transaction.amount, transaction.fee, transaction.net) == ("charge", 1999, 55, 1944)
    assert client.v1.payment_intents.retrieve(intent.id).latest_charge == charge.id
    assert client.v1.charges.retrieve(charge.id).balance_transaction == transaction.id
    assert [found.id for found in client.v1.charges.list({"payment_intent": intent.id})] == [charge.id]
    assert intent.id in [found.id for found in client.v1.payment_intents.list({"limit": 3})]


@pytest.mark.parametrize(
    ("amount", "fee"), [(50, 26), (100, 27), (99, 26), (1999, 55), (300, 30), (99_999_999, 1_500_025)]
)
def test_the_fee_is_rounded_half_up(bank: LocalPayments, client: stripe.StripeClient, amount: int, fee: int) -> None:
    """1.5 % of 100 is 1.5, of 300 is 4.5: both round up; of 99 it is 1.485."""
    assert sell(bank, client, amount).payment_intent.latest_charge.balance_transaction.fee == fee


def test_paying_twice_pays_once(bank: LocalPayments, client: stripe.StripeClient) -> None:
    session = sell(bank, client)
    bank.pay(session.id)
    assert client.v1.checkout.sessions.retrieve(session.id).payment_intent == session.payment_intent.id
    charges = client.v1.charges.list({"payment_intent": session.payment_intent.id})
    assert len(charges.data) == 1


def test_a_session_expires_when_asked_and_when_its_time_is_over(
    bank: LocalPayments, client: stripe.StripeClient
) -> None:
    session = client.v1.checkout.sessions.create(sale_of())
    assert client.v1.checkout.sessions.expire(session.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        client.v1.checkout.sessions.expire(session.id)

    now = bank.advance_clock(0)
    late = client.v1.checkout.sessions.create(sale_of(expires_at=now + 3600))
    bank.advance_clock(3601)
    assert client.v1.checkout.sessions.retrieve(late.id).status == "expired"
    status, _, text = visit(bank, "POST", f"/pay/{late.id}")
    assert status == 410
    assert "has expired" in text
    assert [found.id for found in client.v1.checkout.sessions.list({"status": "expired", "limit": 2})] == [
        late.id,
        session.id,
    ]


def test_refunds_in_parts_keep_the_fee_and_never_exceed_the_payment(
    bank: LocalPayments, client: stripe.StripeClient
) -> None:
    charge = sell(bank, client, 1000).payment_intent.latest_charge
    first = client.v1.refunds.create({"charge": charge.id, "amount": 300, "metadata": {"why": "late"}})
    assert (first.status, first.amount, first.metadata["why"]) == ("succeeded", 300, "late")
    transaction = client.v1.balance_transactions.retrieve(first.balance_transaction)
    assert (transaction.type, transaction.amount, transaction.fee, transaction.net) == ("refund", -300, 0, -300)
    with pytest.raises(
        stripe.InvalidRequestError, match=r"7.01 EUR.*greater than unrefunded amount.*7.00 EUR"
    ) as refused:
        client.v1.refunds.create({"charge": charge.id, "amount": 701})
    assert refused.value.param == "amount"

    rest = client.v1.refunds.create({"payment_intent": charge.payment_intent, "reason": "requested_by_customer"})
    assert rest.amount == 700
    after = client.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert (after.refunded, after.amount_refunded, len(after.refunds.data)) == (True, 1000, 2)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge.id})
    assert refused.value.code == "charge_already_refunded"
    assert client.v1.refunds.retrieve(first.id, {"expand": ["charge"]}).charge.id == charge.id
    assert [found.id for found in client.v1.refunds.list({"charge": charge.id})] == [rest.id, first.id]


def test_a_refund_that_fails_later_gives_the_money_back(bank: LocalPayments, client: stripe.StripeClient) -> None:
    charge = sell(bank, client, 1000).payment_intent.latest_charge
    bank.fault("refund_fails", seconds=60)
    refund = client.v1.refunds.create({"charge": charge.id})
    assert refund.status == "pending"
    bank.advance_clock(61)
    refund = client.v1.refunds.retrieve(refund.id)
    assert refund.status == "failed"
    back = client.v1.balance_transactions.retrieve(refund.failure_balance_transaction)
    assert (back.type, back.net) == ("refund_failure", 1000)

    bank.fault("refund_pends", seconds=60)
    again = client.v1.refunds.create({"charge": charge.id})
    assert again.status == "pending"
    bank.advance_clock(61)
    assert client.v1.refunds.retrieve(again.id).status == "succeeded"
    assert bank.fail_refund(again.id)["status"] == "failed"
    assert not client.v1.charges.retrieve(charge.id).refunded


def test_a_dispute_takes_the_amount_and_a_fee_and_gives_back_what_was_won(
    bank: LocalPayments, client: stripe.StripeClient
) -> None:
    won, lost = (sell(bank, client, 2000).payment_intent.latest_charge for _ in range(2))
    before = _total(client)
    opened = client.v1.disputes.retrieve(bank.dispute(won.id)["id"], {"expand": ["charge"]})
    assert (opened.status, opened.amount, opened.charge.disputed) == ("needs_response", 2000, True)
    assert (opened.balance_transactions[0].type, opened.balance_transactions[0].net) == ("adjustment", -3500)
    assert _total(client) == before - 3500
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": won.id})
    assert refused.value.code == "charge_disputed"
    bank.end_dispute(opened.id, "won")
    assert _total(client) == before

    given_up = bank.dispute(lost.id, 500)
    assert client.v1.disputes.close(given_up["id"]).status == "lost"
    assert _total(client) == before - 2000
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        client.v1.disputes.close(given_up["id"])
    assert [found.id for found in client.v1.disputes.list({"limit": 2})] == [given_up["id"], opened.id]


@pytest.mark.parametrize(
    ("changed", "param", "code"),
    [
        ({"line_items": []}, None, None),
        ({"mode": "subscription"}, "mode", None),
        ({"success_url": "javascript:alert(1)"}, "success_url", "url_invalid"),
        ({"success_url": "https://shop.example/\r\nX: y"}, "success_url", "url_invalid"),
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"payment_intent_data": {"colour": "red"}}, "payment_intent_data[colour]", "parameter_unknown"),
        ({"expires_at": 17}, "expires_at", None),
        ({"metadata": {"k" * 41: "v"}}, "metadata", None),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
    ],
)
def test_a_session_that_makes_no_sense_is_refused(
    client: stripe.StripeClient, changed: dict, param: str | None, code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(sale_of() | changed)
    assert refused.value.http_status == 400
    assert (param, code) == (None, None) or (refused.value.param, refused.value.code) == (param, code)


@pytest.mark.parametrize(
    ("price", "param"),
    [
        ({"currency": "eur", "unit_amount": "ten"}, "line_items[0][price_data][unit_amount]"),
        ({"currency": "xxx", "unit_amount": 10}, "line_items[0][price_data][currency]"),
        ({"currency": "eur", "unit_amount": 49}, "line_items"),
        ({"currency": "eur", "unit_amount": -1}, "line_items[0][price_data][unit_amount]"),
        ({"currency": "eur"}, "line_items[0][price_data][unit_amount]"),
    ],
)
def test_a_price_that_makes_no_sense_is_refused(client: stripe.StripeClient, price: dict, param: str) -> None:
    items = [{"quantity": 1, "price_data": price | {"product_data": {"name": "Pick"}}}]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(sale_of() | {"line_items": items})
    assert refused.value.param == param


def test_errors_are_those_that_the_client_knows(bank: LocalPayments, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such charge: 'ch_none'") as refused:
        client.v1.charges.retrieve("ch_none")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as refused:
        client.v1.customers.list()
    assert refused.value.http_status == 404
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.charges.list({"expand": ["data.currency"]})
    stranger = stripe.StripeClient("sk_test_wrong", base_addresses={"api": bank.address})
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.balance.retrieve()
    assert visit(bank, "GET", "/v1/balance")[0] == 401
    assert visit(bank, "PATCH", "/v1/balance")[0] == 404


def test_lists_are_walked_in_both_directions(bank: LocalPayments, client: stripe.StripeClient) -> None:
    ids = [client.v1.checkout.sessions.create(sale_of()).id for _ in range(5)][::-1]
    walked = [one.id for one in client.v1.checkout.sessions.list({"limit": 2}).auto_paging_iter()]
    assert walked[:5] == ids
    assert len(walked) == len(set(walked))
    back = client.v1.checkout.sessions.list({"limit": 2, "ending_before": ids[3]})
    assert [one.id for one in back] == ids[1:3]
    assert back.has_more
    created = client.v1.checkout.sessions.retrieve(ids[0]).created
    assert not client.v1.checkout.sessions.list({"created": {"gt": created}}).data
    assert client.v1.checkout.sessions.list({"created": {"gte": created, "lte": created}}).data[0].id == ids[0]
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        client.v1.checkout.sessions.list({"starting_after": "cs_test_none"})


def test_another_currency_has_a_balance_of_its_own(bank: LocalPayments) -> None:
    client = client_of(bank)
    charge = sell(bank, client, 0, line_items=sale_of(500, currency="jpy")["line_items"]).payment_intent.latest_charge
    assert charge.currency == "jpy"
    amounts = {money.currency: money.amount for money in client.v1.balance.retrieve().available}
    assert amounts["jpy"] == 500 - 33


def _total(client: stripe.StripeClient) -> int:
    balance = client.v1.balance.retrieve()
    return sum(money.amount for money in [*balance.available, *balance.pending] if money.currency == "eur")
