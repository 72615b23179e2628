"""What becomes of Stripe's own errors: what can be done later, and what never can."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_contracts.errors import PaymentRefused, PaymentUnavailable
from marketplace.local_payments.launch import start_local_payments
from marketplace.payments.stripe_provider import StripeProvider


def test_a_wrong_key_is_a_matter_of_time_and_an_unknown_thing_is_not(tmp_path: Path) -> None:
    """Otherwise every refund and every order would be given up while somebody changes the key."""
    with start_local_payments(tmp_path / "bank", webhook_url=None) as bank:
        with pytest.raises(PaymentUnavailable, match="does not accept our key"):
            StripeProvider("sk_test_wrong", bank.webhook_secret, bank.address).checkout("cs_none")
        with pytest.raises(PaymentRefused, match="404"):
            StripeProvider(bank.api_key, bank.webhook_secret, bank.address).checkout("cs_none")
    with pytest.raises(PaymentUnavailable):
        StripeProvider(bank.api_key, bank.webhook_secret, bank.address).checkout("cs_none")
