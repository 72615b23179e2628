"""What can be made to go wrong, and that it goes wrong as asked."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import stripe

from data_contracts.errors import PaymentRefused
from marketplace.local_payments.faults import Fault, Faults
from marketplace.local_payments.launch import LOG, LocalPayments, start_local_payments
from tests.marketplace.local_payments.people import client_of, sale_of, sell


def test_errors_before_do_nothing_and_count(bank: LocalPayments, client: stripe.StripeClient) -> None:
    charge = sell(bank, client).payment_intent.latest_charge
    bank.fault("error_500_before", "POST /v1/refunds", count=2)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.refunds.create({"charge": charge.id, "amount": 10}, {"idempotency_key": "before"})
    assert not client.v1.refunds.list({"charge": charge.id}).data
    assert client.v1.refunds.create({"charge": charge.id, "amount": 10}, {"idempotency_key": "before"}).amount == 10


def test_rate_limits_and_delays(bank: LocalPayments, client: stripe.StripeClient) -> None:
    bank.fault("rate_limited", "GET *")
    with pytest.raises(stripe.RateLimitError):
        client.v1.balance.retrieve()
    bank.fault("delay", "* /v1/balance", seconds=0.3)
    before = time.monotonic()
    client.v1.balance.retrieve()
    assert time.monotonic() - before >= 0.3


def test_the_client_gets_through_faults_by_trying_again(bank: LocalPayments) -> None:
    client = client_of(bank, max_network_retries=3)
    bank.fault("timeout_after_commit", "POST /v1/checkout/sessions")
    bank.fault("error_500_after_commit", "POST /v1/checkout/sessions")
    session = client.v1.checkout.sessions.create(sale_of(client_reference_id="through"))
    found = client.v1.checkout.sessions.list({"limit": 5}).data
    assert [one.id for one in found if one.client_reference_id == "through"] == [session.id]


def test_random_faults_are_those_of_their_seed(bank: LocalPayments, client: stripe.StripeClient) -> None:
    def history() -> list[bool]:
        bank.random_faults(7, rate_limited=0.5)
        happened = []
        for _ in range(20):
            try:
                client.v1.balance.retrieve()
                happened.append(False)
            except stripe.RateLimitError:
                happened.append(True)
        bank.clear_faults()
        return happened

    first = history()
    assert first == history()
    assert 0 < sum(first) < 20
    assert "seed 7" in (bank.folder / LOG).read_text()


def test_a_fault_is_for_what_it_names() -> None:
    faults = Faults(enabled=True)
    faults.add(Fault("delay", "POST /v1/transfers*", count=2))
    assert faults.take(("delay",), "POST /v1/refunds") is None
    assert faults.take(("rate_limited",), "POST /v1/transfers") is None
    assert faults.take(("delay",), "POST /v1/transfers/tr_1/reversals") == Fault(
        "delay", "POST /v1/transfers*", count=2
    )
    assert faults.waiting() == [Fault("delay", "POST /v1/transfers*", count=1)]


def test_without_faults_there_is_nothing_to_control(tmp_path: Path) -> None:
    with start_local_payments(tmp_path) as bank:
        with pytest.raises(PaymentRefused, match="Unrecognized request URL"):
            bank.fault("rate_limited")
        assert client_of(bank).v1.balance.retrieve().available[0].amount == 0


def test_only_who_has_the_key_controls(bank: LocalPayments) -> None:
    key, bank.api_key = bank.api_key, "sk_test_wrong"
    try:
        with pytest.raises(PaymentRefused, match="Invalid API Key"):
            bank.advance_clock(1)
    finally:
        bank.api_key = key
