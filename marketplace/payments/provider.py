"""The port to a payment provider: what the shop asks, in plain values. Amounts are integers in minor units.

Nothing here knows Stripe, SQL or HTTP. An order is one payment; what came of it is read as a whole (`Payment`), so that the order in
which news arrive does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

CheckoutStatus = Literal["open", "complete", "expired"]


@dataclass(frozen=True)
class Item:
    """A line on the provider's page."""

    title: str
    amount_minor: int


@dataclass(frozen=True)
class CheckoutRequest:
    """What a buyer is to pay, and where they go afterwards."""

    order_id: str
    currency: str
    items: tuple[Item, ...]
    paid_url: str
    cancelled_url: str
    expires_at: datetime


@dataclass(frozen=True)
class Checkout:
    """The page where a buyer pays, and the payment once there is one."""

    id: str
    status: CheckoutStatus
    url: str | None
    payment_id: str | None


@dataclass(frozen=True)
class Movement:
    """One change of our balance at the provider: `net` = `amount` - `fee`."""

    id: str
    kind: str
    amount: int
    fee: int
    currency: str
    at: datetime
    about: str | None
    """What it belongs to, by the provider's name: a charge, a refund, a dispute."""

    @property
    def net(self) -> int:
        return self.amount - self.fee


@dataclass(frozen=True)
class Refund:
    """Money on its way back. `failure` is the movement that brought it to us again; what was called off never moved."""

    id: str
    amount: int
    line_id: str | None
    movement: Movement | None
    failure: Movement | None
    is_called_off: bool = False

    @property
    def has_failed(self) -> bool:
        return self.failure is not None or self.is_called_off


@dataclass(frozen=True)
class Dispute:
    """A buyer's bank takes a payment back: at once, and possibly for good."""

    id: str
    is_open: bool
    movements: tuple[Movement, ...]


@dataclass(frozen=True)
class Payment:
    """All that the provider holds about one payment."""

    id: str
    order_id: str | None
    amount: int
    currency: str
    movement: Movement
    refunds: tuple[Refund, ...]
    disputes: tuple[Dispute, ...]


def is_on_its_way(payment: Payment, line_id: str) -> bool:
    """True where a line's money was sent back and has not failed to arrive."""
    return any(refund.line_id == line_id and not refund.has_failed for refund in payment.refunds)


@dataclass(frozen=True)
class Event:
    """News. `order_id` or `payment_id` says which order to look at again."""

    id: str
    type: str
    order_id: str | None
    payment_id: str | None


class PaymentProvider(Protocol):
    """What the shop needs. Every method may raise PaymentUnavailable (again later) or PaymentRefused (never like this)."""

    is_test: bool

    def create_checkout(self, request: CheckoutRequest, key: str) -> Checkout:
        """Returns a page where the order is paid; the same one for the same key."""

    def checkout(self, checkout_id: str) -> Checkout: ...

    def expire_checkout(self, checkout_id: str) -> Checkout:
        """Closes the page, unless it was paid. Returns what it is now."""

    def payment(self, payment_id: str) -> Payment | None:
        """Returns the payment as it is now, or None while the money is not there."""

    def refund(self, payment_id: str, amount: int, line_id: str, key: str) -> None:
        """Sends money back for a line of an order: once, however often it is asked for."""

    def event(self, body: bytes, signature: str) -> Event:
        """Returns the news of a message from outside. Raises SignatureRefused where the provider did not sign these bytes."""

    def balances(self) -> dict[str, int]:
        """Returns what the provider holds for us, by currency, on its way or there."""

    def movements(self, since: datetime | None) -> Iterator[Movement]:
        """Yields every change of our balance from a moment on, newest first."""
