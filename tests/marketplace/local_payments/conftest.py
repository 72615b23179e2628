"""A bank in a process of its own for each module, and Stripe's own client to talk to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe

from marketplace.local_payments.launch import LocalPayments, start_local_payments
from tests.marketplace.local_payments.people import Receiver, client_of, onboarded


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[LocalPayments]:
    with start_local_payments(tmp_path_factory.mktemp("bank"), webhook_url=receiver.url, faults=True) as running:
        yield running


@pytest.fixture
def client(bank: LocalPayments) -> Iterator[stripe.StripeClient]:
    yield client_of(bank)
    bank.clear_faults()


@pytest.fixture
def payee(bank: LocalPayments, client: stripe.StripeClient) -> str:
    """An account whose owner agreed to be paid."""
    return onboarded(bank, client)
