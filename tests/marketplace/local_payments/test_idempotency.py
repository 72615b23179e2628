"""The same key does the same thing once, from however many threads and processes, and through every fault."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
import stripe

from marketplace.local_payments.launch import LocalPayments
from tests.marketplace.local_payments.people import client_of, sale_of, sell, visit

OTHER_PROCESS = """
import sys, stripe
address, api_key, charge, worker = sys.argv[1:]
client = stripe.StripeClient(api_key, base_addresses={"api": address}, max_network_retries=8)
for number in range(5):
    print(client.v1.refunds.create({"charge": charge, "amount": 10}, {"idempotency_key": f"refund-{number}"}).id)
"""


def test_a_repeated_request_gets_the_first_answer(bank: LocalPayments, client: stripe.StripeClient) -> None:
    charge = sell(bank, client).payment_intent.latest_charge
    key = {"idempotency_key": "refund-once"}
    first = client.v1.refunds.create({"charge": charge.id, "amount": 500}, key)
    again = client.v1.refunds.create({"charge": charge.id, "amount": 500}, key)
    assert first.id == again.id
    assert first.last_response.headers.get("Idempotent-Replayed") is None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert client.v1.charges.retrieve(charge.id).amount_refunded == 500


def test_a_key_is_of_one_request_only(bank: LocalPayments, client: stripe.StripeClient) -> None:
    charge = sell(bank, client).payment_intent.latest_charge
    key = {"idempotency_key": "refund-other"}
    client.v1.refunds.create({"charge": charge.id, "amount": 500}, key)
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        client.v1.refunds.create({"charge": charge.id, "amount": 501}, key)
    with pytest.raises(stripe.IdempotencyError):
        client.v1.checkout.sessions.create(sale_of(), key)


def test_a_refusal_is_repeated_too_but_not_that_of_a_parameter(
    bank: LocalPayments, client: stripe.StripeClient
) -> None:
    """As at Stripe: a transfer that was refused for want of money stays refused under its key."""
    charge = sell(bank, client, 1000).payment_intent.latest_charge
    key = {"idempotency_key": "refund-refused"}
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        client.v1.refunds.create({"charge": charge.id, "amount": 2000}, key)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded") as refused:
        client.v1.refunds.create({"charge": charge.id, "amount": 2000}, key)
    assert refused.value.headers["Idempotent-Replayed"] == "true"
    key = {"idempotency_key": "refund-mistyped"}
    with pytest.raises(stripe.InvalidRequestError, match="Invalid integer"):
        client.v1.refunds.create({"charge": charge.id, "amount": "ten"}, key)
    assert client.v1.refunds.create({"charge": charge.id, "amount": 10}, key).amount == 10


def test_what_is_refused_halfway_has_done_nothing(bank: LocalPayments, client: stripe.StripeClient) -> None:
    charge = sell(bank, client).payment_intent.latest_charge
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.refunds.create({"charge": charge.id, "amount": 10, "expand": ["amount"]})
    assert not client.v1.refunds.list({"charge": charge.id}).data
    assert client.v1.charges.retrieve(charge.id).amount_refunded == 0


def test_keys_are_forgotten_after_a_day(bank: LocalPayments, client: stripe.StripeClient) -> None:
    charge = sell(bank, client).payment_intent.latest_charge
    key = {"idempotency_key": "refund-daily"}
    first = client.v1.refunds.create({"charge": charge.id, "amount": 10}, key)
    bank.advance_clock(24 * 3600 + 1)
    assert client.v1.refunds.create({"charge": charge.id, "amount": 10}, key).id != first.id


def test_threads_with_one_key_refund_once(bank: LocalPayments, client: stripe.StripeClient) -> None:
    charge = sell(bank, client).payment_intent.latest_charge
    retrying = client_of(bank, max_network_retries=8)

    def refund(_: int) -> str:
        return retrying.v1.refunds.create({"charge": charge.id, "amount": 10}, {"idempotency_key": "refund-threads"}).id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(refund, range(16)))) == 1
    assert client.v1.charges.retrieve(charge.id).amount_refunded == 10


def test_processes_with_the_same_keys_refund_once(bank: LocalPayments, client: stripe.StripeClient) -> None:
    charge = sell(bank, client).payment_intent.latest_charge
    command = [sys.executable, "-c", OTHER_PROCESS, bank.address, bank.api_key, charge.id]
    running = [subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True) for number in range(3)]
    answers = {process.communicate(timeout=60)[0] for process in running}
    assert len(answers) == 1
    assert len(answers.pop().split()) == 5
    assert client.v1.charges.retrieve(charge.id).amount_refunded == 50


def test_a_key_in_progress_is_a_conflict(bank: LocalPayments, client: stripe.StripeClient) -> None:
    charge = sell(bank, client).payment_intent.latest_charge
    bank.fault("delay", "POST /v1/refunds", seconds=1.0)
    body = urlencode({"charge": charge.id, "amount": 10}).encode()
    headers = {"Authorization": f"Bearer {bank.api_key}", "Idempotency-Key": "refund-slow"}
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: visit(bank, "POST", "/v1/refunds", body, headers), range(2)))
    assert sorted(status for status, _, _ in answers) == [200, 409]
    assert "idempotency_key_in_use" in next(text for status, _, text in answers if status == 409)
    assert client.v1.charges.retrieve(charge.id).amount_refunded == 10


@pytest.mark.parametrize("kind", ["timeout_after_commit", "error_500_after_commit"])
def test_what_was_done_before_a_failure_is_found_under_its_key(
    bank: LocalPayments, client: stripe.StripeClient, kind: str
) -> None:
    charge = sell(bank, client).payment_intent.latest_charge
    bank.fault(kind, "POST /v1/refunds")
    key = {"idempotency_key": f"refund-{kind}"}
    with pytest.raises(stripe.APIConnectionError if kind.startswith("timeout") else stripe.APIError):
        client.v1.refunds.create({"charge": charge.id, "amount": 10}, key)
    done = client.v1.refunds.list({"charge": charge.id}).data
    assert [one.amount for one in done] == [10]
    again = client.v1.refunds.create({"charge": charge.id, "amount": 10}, key)
    assert again.id == done[0].id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
