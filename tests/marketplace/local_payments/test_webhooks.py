"""Events reach the endpoint: signed, in order, again until taken, and after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from marketplace.local_payments.launch import LocalPayments, start_local_payments
from tests.marketplace.local_payments.people import Receiver, client_of, onboarded, sale_of, sell, wait_for

PAID = ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]


@pytest.fixture(autouse=True)
def quiet(receiver: Receiver, bank: LocalPayments, client: stripe.StripeClient) -> Iterator[None]:
    """Each test begins with nothing under way."""
    _settle(client)
    receiver.received.clear()
    yield
    receiver.answers.clear()
    _settle(client)


def _settle(client: stripe.StripeClient) -> None:
    wait_for(lambda: not any(event.pending_webhooks for event in client.v1.events.list({"limit": 100})))


def _kinds(receiver: Receiver, bank: LocalPayments, count: int) -> list[str]:
    wait_for(lambda: len(receiver.received) >= count)
    return [event.type for event in receiver.events(bank.webhook_secret)]


def test_events_are_signed_and_arrive_in_order(
    bank: LocalPayments, client: stripe.StripeClient, receiver: Receiver
) -> None:
    session = sell(bank, client)
    assert _kinds(receiver, bank, 3) == PAID
    last = receiver.events(bank.webhook_secret)[-1]
    assert last.data.object.id == session.id
    assert last.data.object.payment_status == "paid"
    assert last.id.startswith("evt_")
    body, header = receiver.received[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body + b" ", header, bank.webhook_secret)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, header, "whsec_other")


def test_each_change_has_its_event(bank: LocalPayments, client: stripe.StripeClient, receiver: Receiver) -> None:
    charge = sell(bank, client, 5000).payment_intent.latest_charge
    refund = client.v1.refunds.create({"charge": charge.id, "amount": 1000})
    bank.fail_refund(refund.id)
    payee = onboarded(bank, client)
    transfer = client.v1.transfers.create({"amount": 100, "currency": "eur", "destination": payee})
    client.v1.transfers.reversals.create(transfer.id)
    payout = client.v1.payouts.create({"amount": 100, "currency": "eur"})
    wait_for(lambda: client.v1.payouts.retrieve(payout.id).status == "paid")
    dispute = bank.dispute(charge.id)
    bank.end_dispute(dispute["id"], "won")
    session = client.v1.checkout.sessions.create(sale_of())
    client.v1.checkout.sessions.expire(session.id)
    expected = [
        *PAID, "refund.created", "charge.refunded", "refund.updated", "refund.failed", "account.updated", "transfer.created",
        "transfer.reversed", "payout.created", "payout.paid", "charge.dispute.created", "charge.dispute.funds_withdrawn",
        "charge.dispute.closed", "charge.dispute.funds_reinstated", "checkout.session.expired",
    ]  # fmt: skip
    assert _kinds(receiver, bank, len(expected)) == expected
    newest = client.v1.events.list({"types": ["payout.paid", "transfer.reversed"], "limit": 2}).data
    assert [event.type for event in newest] == ["payout.paid", "transfer.reversed"]
    assert client.v1.events.retrieve(newest[0].id).data.object.id == payout.id
    assert client.v1.events.list({"type": "account.updated"}).data[0].account == payee


def test_an_event_is_sent_until_it_is_taken(
    bank: LocalPayments, client: stripe.StripeClient, receiver: Receiver
) -> None:
    receiver.answers[:] = [500, 302, 200]
    sell(bank, client)
    assert _kinds(receiver, bank, 5) == [PAID[0], PAID[0], *PAID]
    assert len({event.id for event in receiver.events(bank.webhook_secret)}) == 3


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("webhook_duplicate", [PAID[0], PAID[1], PAID[1], PAID[2]]),
        ("webhook_reorder", [PAID[0], PAID[2], PAID[1]]),
        ("webhook_drop_until_retry", PAID),
        ("webhook_delay", PAID),
    ],
)
def test_webhooks_can_be_made_to_misbehave(
    bank: LocalPayments, client: stripe.StripeClient, receiver: Receiver, kind: str, expected: list[str]
) -> None:
    bank.fault(kind, "payment_intent.succeeded", seconds=0.2)
    sell(bank, client)
    assert _kinds(receiver, bank, len(expected)) == expected


def test_endpoints_are_made_and_removed(bank: LocalPayments, client: stripe.StripeClient) -> None:
    other = Receiver()
    try:
        endpoint = client.v1.webhook_endpoints.create({"url": other.url, "enabled_events": ["charge.succeeded"]})
        assert endpoint.secret.startswith("whsec_")
        shown = client.v1.webhook_endpoints.retrieve(endpoint.id)
        assert (shown.enabled_events, "secret" in shown) == (["charge.succeeded"], False)
        assert endpoint.id in [found.id for found in client.v1.webhook_endpoints.list()]
        sell(bank, client)
        wait_for(lambda: other.received)
        assert [event.type for event in other.events(endpoint.secret)] == ["charge.succeeded"]
        assert client.v1.webhook_endpoints.delete(endpoint.id).deleted
        sell(bank, client)
        _settle(client)
        assert len(other.received) == 1
    finally:
        other.close()


def test_undelivered_events_survive_a_restart(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.answers[:] = [503] * 1000
    try:
        with start_local_payments(tmp_path, webhook_url=receiver.url) as bank:
            sell(bank, client_of(bank))
            wait_for(lambda: receiver.received)
            bank.kill()
        elsewhere = Receiver()
        with start_local_payments(tmp_path, webhook_url=elsewhere.url) as bank:
            assert _kinds(elsewhere, bank, 3) == PAID
        elsewhere.close()
    finally:
        receiver.close()
