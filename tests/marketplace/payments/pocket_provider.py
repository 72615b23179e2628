"""A payment provider in memory, for tests of what the shop makes of one: PaymentProvider, and what a buyer, a bank or a bad day does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from data_contracts.errors import PaymentRefused, PaymentUnavailable
from marketplace.payments.provider import Checkout, CheckoutRequest, Dispute, Event, Movement, Payment, Refund

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEE, DISPUTE_FEE = 30, 1500


@dataclass
class PocketProvider:
    """`cut_off`: the next so many calls are done and not answered; `is_down`: none is done."""

    is_test: bool = True
    cut_off: int = 0
    is_down: bool = False
    requests: dict[str, CheckoutRequest] = field(default_factory=dict)
    checkouts: dict[str, Checkout] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    answers: dict[str, object] = field(default_factory=dict)
    all_movements: list[Movement] = field(default_factory=list)

    def create_checkout(self, request: CheckoutRequest, key: str) -> Checkout:
        self._up()
        if key not in self.answers:
            checkout = Checkout(f"cs_{len(self.checkouts)}", "open", f"http://pay/{len(self.checkouts)}", None)
            self.answers[key] = self.checkouts[checkout.id] = checkout
            self.requests[checkout.id] = request
        self._answer()
        return self.answers[key]

    def checkout(self, checkout_id: str) -> Checkout:
        self._up()
        return self.checkouts[checkout_id]

    def expire_checkout(self, checkout_id: str) -> Checkout:
        self._up()
        if self.checkouts[checkout_id].status == "open":
            self.checkouts[checkout_id] = replace(self.checkouts[checkout_id], status="expired", url=None)
        self._answer()
        return self.checkouts[checkout_id]

    def payment(self, payment_id: str) -> Payment | None:
        self._up()
        return self.payments.get(payment_id)

    def refund(self, payment_id: str, amount: int, line_id: str, key: str) -> None:
        self._up()
        if key not in self.answers:
            payment = self.payments[payment_id]
            if amount > payment.amount + sum(r.movement.amount for r in payment.refunds if not r.failure):
                raise PaymentRefused("more than is left")
            refund = self._refund(payment, amount, line_id)
            self.answers[key] = refund
        self._answer()

    def event(self, body: bytes, signature: str) -> Event:
        order_id = body.decode()
        return Event(f"evt_{signature}", "checkout.session.completed", order_id, None)

    def balances(self) -> dict[str, int]:
        self._up()
        found: dict[str, int] = {}
        for one in self.all_movements:
            found[one.currency] = found.get(one.currency, 0) + one.net
        return found

    def movements(self, since: datetime | None) -> Iterator[Movement]:
        self._up()
        yield from reversed(self.all_movements)

    def pay(self, checkout_id: str, amount: int | None = None) -> None:
        """A buyer pays on the page."""
        request = self.requests[checkout_id]
        assert self.checkouts[checkout_id].status == "open"
        total = amount or sum(item.amount_minor for item in request.items)
        payment_id = f"pi_{len(self.payments)}"
        self.checkouts[checkout_id] = Checkout(checkout_id, "complete", None, payment_id)
        self.payments[payment_id] = Payment(
            payment_id, request.order_id, total, request.currency, self._move("charge", total, FEE, request.currency), (), ()
        )  # fmt: skip

    def refund_at_desk(self, payment_id: str, amount: int) -> None:
        """Somebody sends money back on the provider's own pages, where no line is named."""
        self._refund(self.payments[payment_id], amount, None)

    def fail_refund(self, payment_id: str) -> None:
        """The buyer's bank does not take the newest refund."""
        payment = self.payments[payment_id]
        *others, last = payment.refunds
        failed = replace(last, failure=self._move("refund_failure", last.amount, 0, payment.currency))
        self.payments[payment_id] = replace(payment, refunds=(*others, failed))

    def dispute(self, payment_id: str, amount: int | None = None) -> None:
        """The buyer's bank takes back what was not refunded, or another amount; asks only, where that is nothing."""
        payment = self.payments[payment_id]
        left = payment.amount + sum(r.movement.amount for r in payment.refunds if not r.failure)
        taken = left if amount is None else amount
        moves = (self._move("adjustment", -taken, DISPUTE_FEE, payment.currency),) if taken else ()
        dispute = Dispute(f"dp_{len(self.all_movements)}", True, moves)
        self.payments[payment_id] = replace(payment, disputes=(*payment.disputes, dispute))

    def close_dispute(self, payment_id: str, is_won: bool, *, back: int | None = None, fee: int = 0) -> None:
        """Ends the newest dispute. What is won comes back, all of it or `back`; `fee` goes with it."""
        payment = self.payments[payment_id]
        *others, last = payment.disputes
        amount = -last.movements[0].amount if back is None else back
        moves = (self._move("adjustment", amount, fee, payment.currency),) if is_won else ()
        closed = replace(last, is_open=False, movements=(*last.movements, *moves))
        self.payments[payment_id] = replace(payment, disputes=(*others, closed))

    def move(self, kind: str, amount: int, fee: int = 0, currency: str = "EUR") -> Movement:
        """The provider moves money by itself: pays out, takes a fee."""
        return self._move(kind, amount, fee, currency)

    def _refund(self, payment: Payment, amount: int, line_id: str | None) -> Refund:
        moved = self._move("refund", -amount, 0, payment.currency)
        refund = Refund(f"re_{len(self.all_movements)}", amount, line_id, moved, None)
        self.payments[payment.id] = replace(payment, refunds=(*payment.refunds, refund))
        return refund

    def _move(self, kind: str, amount: int, fee: int, currency: str = "EUR") -> Movement:
        movement = Movement(f"txn_{len(self.all_movements)}", kind, amount, fee, currency, AT, None)
        self.all_movements.append(movement)
        return movement

    def _up(self) -> None:
        if self.is_down:
            raise PaymentUnavailable("down")

    def _answer(self) -> None:
        if self.cut_off:
            self.cut_off -= 1
            raise PaymentUnavailable("cut off")
