"""Balance transactions and what they add up to. The only writer of the tables `money` and `balances`."""

from __future__ import annotations

from typing import Any

from marketplace.local_payments.bank import Bank, Call
from marketplace.local_payments.errors import insufficient

EMPTY_CURRENCY = "eur"
"""Shown as zero where there was never any money."""


def book(
    bank: Bank,
    owner: str,
    kind: str,
    *,
    amount: int,
    currency: str,
    source: str,
    fee: int = 0,
    available_on: int | None = None,
    category: str | None = None,
) -> str:
    """Returns the id of a new balance transaction over `amount` less `fee`, which is in the balance from now on."""
    store = bank.store
    now = store.now()
    available_on = now if available_on is None else available_on
    detail = {"amount": fee, "application": None, "currency": currency, "description": "Test fee", "type": "stripe_fee"}
    transaction = {
        "id": store.new_id("txn"), "object": "balance_transaction", "amount": amount, "available_on": available_on,
        "balance_type": "payments", "created": now, "currency": currency, "description": None, "exchange_rate": None,
        "fee": fee, "fee_details": [detail] if fee else [], "net": amount - fee, "reporting_category": category or kind,
        "source": source, "status": "pending", "type": kind,
    }  # fmt: skip
    store.add(owner, transaction)
    store.rows(
        "INSERT INTO money VALUES (?, ?, ?, ?, ?)", transaction["id"], owner, currency, amount - fee, available_on
    )
    store.rows(
        "INSERT INTO balances VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
        owner, currency, amount - fee,
    )  # fmt: skip
    return transaction["id"]


def total(bank: Bank, owner: str, currency: str) -> int:
    """Returns what is there, spendable or not."""
    found = bank.store.rows("SELECT amount FROM balances WHERE owner = ? AND currency = ?", owner, currency)
    return found[0][0] if found else 0


def available(bank: Bank, owner: str, currency: str) -> int:
    """Returns what may be spent now, which refunds and disputes can make negative."""
    return total(bank, owner, currency) - _pending(bank, owner, currency)


def take_from(bank: Bank, owner: str, currency: str, amount: int) -> None:
    """Raises Refused where less than that may be spent."""
    if available(bank, owner, currency) < amount:
        raise insufficient(currency)


def retrieve_balance(call: Call) -> dict[str, Any]:
    """Returns Stripe's balance object of the caller."""
    query = "SELECT currency FROM balances WHERE owner = ? ORDER BY currency"
    currencies = [currency for (currency,) in call.store.rows(query, call.owner)] or [EMPTY_CURRENCY]
    pending = {currency: _pending(call.bank, call.owner, currency) for currency in currencies}
    whole = {currency: total(call.bank, call.owner, currency) for currency in currencies}
    return {
        "object": "balance",
        "available": [_money(currency, whole[currency] - pending[currency]) for currency in currencies],
        "livemode": False,
        "pending": [_money(currency, pending[currency]) for currency in currencies],
    }


def _pending(bank: Bank, owner: str, currency: str) -> int:
    query = "SELECT coalesce(sum(net), 0) FROM money WHERE owner = ? AND currency = ? AND available_on > ?"
    return bank.store.rows(query, owner, currency, bank.store.now())[0][0]


def _money(currency: str, amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}
