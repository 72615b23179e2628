"""Orders as people read them: what a state means, what happened when, moments. Plain text, no markup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from marketplace.ledger import moment_of
from marketplace.orders import Order, OrderEvent


@dataclass(frozen=True)
class Said:
    """A state in words; `tone` is good, waiting, bad or over."""

    title: str
    text: str
    chip: str
    tone: str


STATES = {
    "created": Said("One moment…", "We are asking the payment provider for a page where you can pay.", "Being made", "waiting"),
    "awaiting_payment": Said("Waiting for your payment", "This page notices by itself when you have paid.", "Waiting for payment", "waiting"),
    "paid": Said("Thank you. It is yours.", "Everything you bought is in your library, ready to download.", "Paid", "good"),
    "expired": Said("This order has expired", "It was not paid in time, and nothing was charged. Your cart is as it was.", "Expired", "over"),
    "cancelled": Said("This order was cancelled", "Nothing is charged; what was paid by mistake went back. Your cart is as it was.", "Cancelled", "over"),
    "refunded": Said("Your money is on its way back", "The whole order was given back. What runs on your robots goes on running.", "Given back", "over"),
    "needs_review": Said("A person is looking at this", "The payment that arrived is not the amount of this order. You need not do anything; nothing is lost.", "Being looked at", "bad"),
}  # fmt: skip
LINES = {
    "open": ("Not paid yet", "waiting"), "sold": ("Yours", "good"), "refunding": ("Being given back", "waiting"),
    "refunded": ("Given back", "over"), "disputed": ("Disputed", "bad"), "charged_back": ("Charged back", "over"),
}  # fmt: skip
ORDER_EVENTS = {
    "created": "You placed the order", "awaiting_payment": "The payment page was ready", "paid": "Your payment arrived",
    "expired": "The payment page expired", "cancelled": "The order was cancelled", "refunded": "Everything was given back",
    "needs_review": "A person was asked to look at the payment",
}  # fmt: skip
LINE_EVENTS = {
    "refunding": "You asked to give {title} back", "refunded": "{title} was given back; the money is on its way",
    "disputed": "The payment of {title} was disputed at your bank", "charged_back": "Your bank took the payment of {title} back",
}  # fmt: skip


def order_said(order: Order) -> Said:
    """Returns what an order's state means. An order of nothing but free packs is paid without paying."""
    return STATES[order.state]


def events_said(order: Order, events: list[OrderEvent]) -> list[tuple[str, str]]:
    """Returns (when, what happened), oldest first. What only says again what the order says is left out."""
    titles = {line.id: line.title for line in order.lines}
    said = []
    for event in events:
        if event.line_id is None:
            said.append((when(event.at), _of_order(order, event)))
        elif event.to_state in LINE_EVENTS:
            said.append((when(event.at), LINE_EVENTS[event.to_state].format(title=titles[event.line_id])))
        elif event.from_state not in (None, "open"):
            said.append((when(event.at), f"{titles[event.line_id]} is yours again"))
    return said


def when(at: str) -> str:
    """Returns `22 Nov 2026, 14:05 UTC` of a stored moment."""
    return f"{moment_of(at):%-d %b %Y, %H:%M} UTC"


def day(at: str | datetime) -> str:
    """Returns `22 Nov 2026`."""
    return f"{moment_of(at) if isinstance(at, str) else at:%-d %b %Y}"


def _of_order(order: Order, event: OrderEvent) -> str:
    if event.to_state == "paid" and event.from_state == "refunded":
        return "Money came back to us: the order counts again"
    if event.to_state == "paid" and not order.total_minor:
        return "It is free: nothing to pay"
    return ORDER_EVENTS[event.to_state]
