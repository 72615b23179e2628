"""PaymentProvider on Stripe's official client. Which server it speaks to, Stripe or the local payment server, is an address.

Stripe's own objects end here. API: https://docs.stripe.com/api, separate charges and transfers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import stripe

from data_contracts.errors import PaymentRefused, PaymentUnavailable, SignatureRefused
from marketplace.payments.provider import Checkout, CheckoutRequest, Dispute, Event, Movement, Payment, Refund

TIMEOUT_S = 20
IS_TEST_KEY = ("sk_test_", "rk_test_")
OPEN_DISPUTE = {"needs_response", "under_review", "warning_needs_response", "warning_under_review"}
PAYMENT_DETAILS = ["latest_charge.balance_transaction"]
REFUND_DETAILS = ["data.balance_transaction", "data.failure_balance_transaction"]


class StripeProvider:
    """See PaymentProvider. `address` is Stripe's unless given."""

    def __init__(
        self, api_key: str, webhook_secret: str, address: str | None = None, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.is_test = api_key.startswith(IS_TEST_KEY)
        self._webhook_secret = webhook_secret
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": address} if address else None,
            max_network_retries=0,  # the outbox asks again, and remembers that it did
            http_client=stripe.RequestsClient(timeout=timeout_s),
        )

    def create_checkout(self, request: CheckoutRequest, key: str) -> Checkout:
        about = {"order_id": request.order_id}
        with _errors():
            session = self._client.v1.checkout.sessions.create(
                params={
                    "mode": "payment",
                    "client_reference_id": request.order_id,
                    "line_items": [
                        {
                            "quantity": 1,
                            "price_data": {
                                "currency": request.currency.lower(),
                                "unit_amount": item.amount_minor,
                                "product_data": {"name": item.title},
                            },
                        }
                        for item in request.items
                    ],
                    "metadata": about,
                    "payment_intent_data": {"metadata": about, "transfer_group": request.order_id},
                    "success_url": request.paid_url,
                    "cancel_url": request.cancelled_url,
                    "expires_at": int(request.expires_at.timestamp()),
                },
                options={"idempotency_key": key},
            )
        return _checkout(session)

    def checkout(self, checkout_id: str) -> Checkout:
        with _errors():
            return _checkout(self._client.v1.checkout.sessions.retrieve(checkout_id))

    def expire_checkout(self, checkout_id: str) -> Checkout:
        with _errors():
            try:
                return _checkout(self._client.v1.checkout.sessions.expire(checkout_id))
            except stripe.InvalidRequestError:  # it is not open any more
                return _checkout(self._client.v1.checkout.sessions.retrieve(checkout_id))

    def payment(self, payment_id: str) -> Payment | None:
        with _errors():
            v1 = self._client.v1
            intent = v1.payment_intents.retrieve(payment_id, params={"expand": PAYMENT_DETAILS})
            charge = intent.latest_charge
            if intent.status != "succeeded" or not charge or not charge.balance_transaction:
                return None
            mine: Any = {"payment_intent": payment_id, "limit": 100}
            refunds = v1.refunds.list(params={**mine, "expand": REFUND_DETAILS}).auto_paging_iter()
            disputes = v1.disputes.list(params=mine).auto_paging_iter() if charge.disputed else ()
            return Payment(
                id=intent.id,
                order_id=_value(intent.metadata, "order_id"),
                amount=intent.amount_received,
                currency=intent.currency.upper(),
                movement=_movement(charge.balance_transaction),
                refunds=tuple(sorted(map(_refund, refunds), key=lambda refund: refund.id)),
                disputes=tuple(sorted(map(_dispute, disputes), key=lambda dispute: dispute.id)),
            )

    def refund(self, payment_id: str, amount: int, line_id: str, key: str) -> None:
        with _errors():
            self._client.v1.refunds.create(
                params={"payment_intent": payment_id, "amount": amount, "metadata": {"line_id": line_id}},
                options={"idempotency_key": key},
            )

    def event(self, body: bytes, signature: str) -> Event:
        try:
            event = self._client.construct_event(body, signature, self._webhook_secret)
        except (ValueError, stripe.SignatureVerificationError) as error:
            raise SignatureRefused(f"A message that claims to be the payment provider's is not: {error}.") from error
        about = event.data.object
        metadata = _value(about, "metadata") or {}
        return Event(
            event.id, event.type, _value(metadata, "order_id"), _id(_value(about, "payment_intent")) or _own_id(about)
        )

    def balances(self) -> dict[str, int]:
        with _errors():
            balance = self._client.v1.balance.retrieve()
        found: dict[str, int] = {}
        for part in (*balance.available, *balance.pending):
            found[part.currency.upper()] = found.get(part.currency.upper(), 0) + part.amount
        return found

    def movements(self, since: datetime | None) -> Iterator[Movement]:
        params: Any = {"limit": 100}
        if since:
            params["created"] = {"gte": int(since.timestamp())}
        with _errors():
            for one in self._client.v1.balance_transactions.list(params=params).auto_paging_iter():
                yield _movement(one)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        # What is asked for is not wrong: it can be done once the key is right.
        raise PaymentUnavailable(
            f"The payment provider does not accept our key ({error.http_status}).", hint="Look at STRIPE_API_KEY."
        ) from error
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise PaymentUnavailable(
            f"The payment provider does not answer: {error.user_message or type(error).__name__}."
        ) from error
    except stripe.StripeError as error:
        if (error.http_status or 500) >= 500 or error.http_status == 409:
            raise PaymentUnavailable(f"The payment provider has an error: {error.http_status}.") from error
        said = error.user_message or error.code or type(error).__name__
        raise PaymentRefused(f"The payment provider refuses ({error.http_status}): {said}.") from error


def _checkout(session: Any) -> Checkout:
    return Checkout(session.id, session.status, session.url, _id(session.payment_intent))


def _movement(one: Any) -> Movement:
    at = datetime.fromtimestamp(one.created, UTC)
    return Movement(one.id, one.type, one.amount, one.fee, one.currency.upper(), at, _id(one.source))


def _refund(refund: Any) -> Refund:
    booked, failed = _value(refund, "balance_transaction"), _value(refund, "failure_balance_transaction")
    return Refund(
        refund.id,
        refund.amount,
        _value(refund.metadata, "line_id"),
        _movement(booked) if booked else None,
        _movement(failed) if failed else None,
        refund.status in ("failed", "canceled") and not failed and not booked,
    )


def _dispute(dispute: Any) -> Dispute:
    return Dispute(dispute.id, dispute.status in OPEN_DISPUTE, tuple(map(_movement, dispute.balance_transactions)))


def _own_id(about: Any) -> str | None:
    return about.id if _value(about, "object") == "payment_intent" else None


def _id(value: Any) -> str | None:
    """Returns the id of what Stripe gives as an id or, expanded, as the thing itself."""
    return value if value is None or isinstance(value, str) else value.id


def _value(thing: Any, name: str) -> Any:
    return getattr(thing, name, None) if thing is not None else None
