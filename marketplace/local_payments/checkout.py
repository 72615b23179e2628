"""Checkout sessions, and what paying one makes: a payment intent, its charge and their money. HTML is in checkout_page."""

from __future__ import annotations

from typing import Any

from marketplace.local_payments.balance import book
from marketplace.local_payments.bank import Bank, Call
from marketplace.local_payments.errors import Refused
from marketplace.local_payments.events import emit
from marketplace.local_payments.objects import charge_object, line_item_object, payment_intent_object, session_object
from marketplace.local_payments.store import PLATFORM
from marketplace.money import format_money

LONGEST_S = 24 * 3600
SHORTEST_S = 30 * 60
EXPIRE = "expire_session"
"""The task that is due when a session ends."""


def create_session(call: Call) -> dict[str, Any]:
    """Returns an open session with the address to pay at.

    Raises:
        Refused: it would end too soon or too late, mixes currencies, or comes to too little or too much.
    """
    store, params = call.store, call.params
    now = store.now()
    expires_at = params.get("expires_at", now + LONGEST_S)
    if not now + SHORTEST_S - 60 <= expires_at <= now + LONGEST_S + 60:  # a minute for slow clocks
        raise Refused("The `expires_at` timestamp must be from 30 minutes to 24 hours from now.", param="expires_at")
    items = [line_item_object(store.new_id("li"), store.new_id("price"), item) for item in params["line_items"]]
    total, currency = _total(items, call.bank.tariff.smallest_payment)
    identifier = store.new_id("cs_test")
    session = session_object(
        identifier, params, items, total=total, currency=currency, created=now, expires_at=expires_at
    )
    session["url"] = f"{call.bank.address}/pay/{identifier}"
    store.later(expires_at, EXPIRE, call.owner, identifier)
    return store.add(call.owner, session)


def _total(items: list[dict[str, Any]], smallest: int) -> tuple[int, str]:
    if not items:
        raise Refused("A session in payment mode needs at least one line item.", param="line_items")
    currencies = {item["currency"] for item in items}
    if len(currencies) > 1:
        raise Refused("All line items must have the same currency.", param="line_items")
    total, currency = sum(item["amount_total"] for item in items), currencies.pop()
    if total < smallest:
        least = format_money(smallest, currency.upper())
        raise Refused(
            f"The total amount due must add up to at least {least}.", code="amount_too_small", param="line_items"
        )
    if total > 99_999_999:
        raise Refused("The total amount due is too large.", code="amount_too_large", param="line_items")
    return total, currency


def session_line_items(call: Call) -> dict[str, Any]:
    return call.get("checkout.session")["line_items"]


def expire_session(call: Call) -> dict[str, Any]:
    """Returns the session, expired at the caller's wish. Raises Refused where it is no longer open."""
    session = call.get("checkout.session")
    if session["status"] != "open":
        raise Refused('Only Checkout Sessions with a status in ["open"] can be expired.', param="session")
    return expire(call.bank, call.owner, session)


def expire(bank: Bank, owner: str, session: dict[str, Any]) -> dict[str, Any]:
    if session["status"] == "open":
        session |= {"status": "expired", "url": None}
        bank.store.save(session)
        emit(bank, owner, "checkout.session.expired", session)
    return session


def pay_session(bank: Bank, identifier: str) -> dict[str, Any]:
    """Returns the session, paid if it was open: a second time pays nothing.

    Raises:
        Refused: there is no such session.
    """
    session = bank.get(PLATFORM, "checkout.session", identifier)
    if session["status"] != "open":
        return session
    store = bank.store
    intent = payment_intent_object(store.new_id("pi"), session, store.now())
    charge = charge_object(store.new_id("ch"), intent)
    intent["latest_charge"] = charge["id"]
    settled = store.now() + bank.tariff.settlement_s
    charge["balance_transaction"] = book(
        bank, PLATFORM, "charge", amount=charge["amount"], fee=bank.tariff.fee(charge["amount"]), currency=charge["currency"],
        source=charge["id"], available_on=settled,
    )  # fmt: skip
    session |= {"status": "complete", "payment_status": "paid", "payment_intent": intent["id"], "url": None}
    store.add(PLATFORM, intent)
    store.add(PLATFORM, charge)
    store.save(session)
    emit(bank, PLATFORM, "charge.succeeded", charge)
    emit(bank, PLATFORM, "payment_intent.succeeded", intent)
    emit(bank, PLATFORM, "checkout.session.completed", session)
    return session


def move_open_sessions(bank: Bank) -> None:
    """Lets sessions that can still be paid be paid at the bank's address of now; it may have had another port before."""
    query = """UPDATE objects SET body = json_set(body, '$.url', ? || id)
               WHERE kind = 'checkout.session' AND json_extract(body, '$.status') = 'open'"""
    with bank.store.transaction():
        bank.store.rows(query, f"{bank.address}/pay/")
