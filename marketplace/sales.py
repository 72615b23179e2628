"""What a sale and a refund are in the ledger: who pays, who is owed, to the last minor unit.

A sale's price less tax and the provider's fee is shared between platform and contributors as the skill's split says, the
contributors' part among them by the attribution that the pack version froze (kept frames for now). A refund takes back from each
what is left of their share of that very sale. Belongs here: accounts and entries, as pure functions and one question to the ledger.
When an order may be refunded does not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from data_contracts.errors import LedgerError, MoneyError
from data_contracts.skills import BASIS_POINTS, Split
from marketplace.ledger import Account, Entry, Request, Transaction, account_of, balance, transactions_of
from marketplace.money import divide, format_money

PLATFORM, TAX = "platform", "tax"
SALE, REFUND, DISPUTE, REVERSAL = "sale", "refund", "dispute", "reversal"
UNASKED, LOSS = "unasked", "loss"


@dataclass(frozen=True)
class Sale:
    """A paid order. `gross` is what the buyer paid, `tax` and the provider's `fee` are parts of it, all in minor units.

    `weights` is the attribution of the pack version: contributor -> weight. `unclaimed` are those of them without an account yet.
    """

    order_id: str
    currency: str
    gross: int
    tax: int
    fee: int
    split: Split
    weights: Mapping[str, int]
    unclaimed: frozenset[str] = frozenset()


def clearing(currency: str) -> Account:
    """Returns what the payment provider holds for us."""
    return Account(f"provider:clearing:{currency}", currency, 1, may_overdraw=True)


def fees(currency: str) -> Account:
    """Returns what the payment provider kept."""
    return Account(f"provider:fees:{currency}", currency, 1)


def platform(currency: str) -> Account:
    """Returns our own part; it may run negative, since fees of refunded sales are ours."""
    return Account(f"platform:revenue:{currency}", currency, -1, may_overdraw=True)


def tax_collected(currency: str) -> Account:
    """Returns what is owed to tax authorities; negative where they owe us, after refunds of what was passed on."""
    return Account(f"tax:collected:{currency}", currency, -1, may_overdraw=True)


def held(contributor: str, currency: str) -> Account:
    """Returns what a contributor earned and may not have yet: a refund can still take it."""
    return Account(f"contributor:{contributor}:held:{currency}", currency, -1)


def available(contributor: str, currency: str) -> Account:
    """Returns what a contributor can be paid."""
    return Account(f"contributor:{contributor}:available:{currency}", currency, -1)


def unclaimed(contributor: str, currency: str) -> Account:
    """Returns what waits for a contributor who has no account; nothing is paid from it without their consent."""
    return Account(f"contributor:{contributor}:unclaimed:{currency}", currency, -1)


def clawback(contributor: str, currency: str) -> Account:
    """Returns what a contributor owes us: paid out before a refund took it back."""
    return Account(f"contributor:{contributor}:clawback:{currency}", currency, 1)


def buyers_due(currency: str) -> Account:
    """Returns what came from buyers and is nobody's sale; negative where a bank took more of it back than came."""
    return Account(f"buyer:refund_due:{currency}", currency, -1, may_overdraw=True)


def sale_request(sale: Sale, key: str, event_at: datetime, provider: str | None = None) -> Request:
    """Returns the transaction of a sale. Where tax and fee are more than the price, the platform bears it.

    Args:
        provider: the provider's name of the movement, by which both are compared.

    Raises:
        MoneyError: tax or fee is negative, tax more than the price, or contributors have a part and there are none.
    """
    currency, shared = sale.currency, sale.gross - sale.tax - sale.fee
    if min(sale.tax, sale.fee, sale.gross - sale.tax) < 0 or not sale.gross:
        raise MoneyError(
            f"Order {sale.order_id}: {format_money(sale.gross, currency)} cannot hold tax {sale.tax} and fee {sale.fee}."
        )
    split = {PLATFORM: sale.split.platform_bp, "contributors": BASIS_POINTS - sale.split.platform_bp}
    parts = divide(shared, split) if shared >= 0 else {PLATFORM: shared, "contributors": 0}
    shares = divide(parts["contributors"], sale.weights)
    owed = [
        Entry((unclaimed if name in sale.unclaimed else held)(name, currency), -share) for name, share in shares.items()
    ]
    # The fee was the platform's to pay, and the platform's part so much larger before it.
    entries = [
        Entry(clearing(currency), sale.gross - sale.fee), Entry(fees(currency), sale.fee),
        Entry(platform(currency), -parts[PLATFORM] - sale.fee), Entry(tax_collected(currency), -sale.tax), *owed,
    ]  # fmt: skip
    about = {"weights": dict(sorted(sale.weights.items())), "platform_bp": sale.split.platform_bp}
    return Request(key, SALE, entries, event_at, sale.order_id, about | _of(provider))


def refund_request(
    connection: Connection, order_id: str, amount: int, key: str, event_at: datetime, *, kind: str = REFUND, fee: int = 0,
    provider: str | None = None,
) -> Request:  # fmt: skip
    """Returns the transaction that gives `amount` of an order back: from each what is in proportion to what is left of their share, so
    that any refunds together take nobody's share twice. The provider keeps its fee, and may take another one, which is ours.

    Raises:
        LedgerError: the order was not sold, or less than `amount` is left of it.
    """
    taken = transactions_of(connection, order_id)
    if not any(one.kind == SALE for one in taken):
        raise LedgerError(f"Order {order_id} was never sold.", hint="Refund what is in the ledger.")
    currency = next(one for one in taken if one.kind == SALE).entries[0][0].rpartition(":")[2]
    left = shares_left(connection, order_id)
    if not 0 < amount <= sum(left.values()):
        raise LedgerError(
            f"Order {order_id} has {format_money(sum(left.values()), currency)} left, not {format_money(amount, currency)}."
        )
    parts = divide(amount, left)
    entries = [Entry(clearing(currency), -amount - fee), Entry(fees(currency), fee)]
    for party, part in parts.items():
        entries += _taken_from(connection, party, part, currency)
    return Request(key, kind, entries, event_at, order_id, {"amount": amount} | _of(provider))


def reversal_request(
    connection: Connection, taken: Transaction, amount: int, key: str, event_at: datetime, *, fee: int = 0,
    provider: str | None = None,
) -> Request:  # fmt: skip
    """Returns the transaction that gives `amount` of what `taken` took back: a refund that failed, a dispute that was won, possibly in
    part. The fee of what was taken stays, save for `fee`, which is what the provider takes now (or, below zero, returns).

    Raises:
        LedgerError: less than `amount` of it was not given back yet.
    """
    left = not_given_back(connection, taken)
    currency = taken.entries[0][0].rpartition(":")[2]
    if not 0 < amount <= sum(left.values()):
        raise LedgerError(
            f"{taken.key} has {format_money(sum(left.values()), currency)} to come back, not {format_money(amount, currency)}.",
            hint="Compare it with the provider's own pages.",
        )
    entries = [Entry(account_of(connection, name), -part) for name, part in divide(amount, left).items()]
    entries += [Entry(clearing(currency), amount - fee), Entry(fees(currency), fee)]
    kind = LOSS if taken.kind == LOSS else REVERSAL
    return Request(key, kind, entries, event_at, taken.order_id, {"reverses": taken.key} | _of(provider))


def not_given_back(connection: Connection, taken: Transaction) -> dict[str, int]:
    """Returns what a transaction took from each account and reversals have not given back."""
    left = Counter({name: amount for name, amount in taken.entries if not name.startswith("provider:")})
    for one in transactions_of(connection, str(taken.order_id)):
        if one.about.get("reverses") == taken.key:
            left.update({name: amount for name, amount in one.entries if not name.startswith("provider:")})
    return dict(left)


def unasked_request(
    order_id: str, amount: int, fee: int, currency: str, key: str, event_at: datetime, provider: str
) -> Request:
    """Returns the transaction of money that came for an order and is not what was asked for, or (below zero) went back."""
    entries = [
        Entry(clearing(currency), amount - fee),
        Entry(fees(currency), fee),
        Entry(buyers_due(currency), -amount),
    ]
    return Request(key, UNASKED, entries, event_at, order_id, _of(provider))


def unasked_left(connection: Connection, order_id: str) -> int:
    """Returns what came for an order without being what was asked for, and has not gone back."""
    taken = (one for one in transactions_of(connection, order_id) if one.kind == UNASKED)
    return -sum(amount for one in taken for name, amount in one.entries if name.startswith("buyer:"))


def loss_request(
    order_id: str, amount: int, fee: int, currency: str, key: str, event_at: datetime, provider: str
) -> Request:
    """Returns the transaction of what was taken from us beyond what an order holds; or of a fee alone, with an amount of nothing."""
    entries = [Entry(clearing(currency), -amount - fee), Entry(fees(currency), fee), Entry(platform(currency), amount)]
    return Request(key, LOSS, entries, event_at, order_id, _of(provider))


def shares_left(connection: Connection, order_id: str) -> dict[str, int]:
    """Returns what each party of a sale got and has not given back: platform (its fee with it), tax, contributors by name."""
    left: Counter[str] = Counter()
    for transaction in transactions_of(connection, order_id):
        if transaction.kind in (SALE, REFUND, DISPUTE, REVERSAL):
            for name, amount in transaction.entries:
                left[_party(name)] -= amount
    return {party: share for party, share in sorted(left.items()) if share and not party.startswith("provider")}


def _of(provider: str | None) -> dict[str, str]:
    return {"provider": provider} if provider else {}


def _party(account_id: str) -> str:
    """Returns whose account it is. Contributors are told from the platform by their prefix."""
    kind, name, *_ = account_id.split(":")
    return f"contributor:{name}" if kind == "contributor" else kind


def _taken_from(connection: Connection, party: str, amount: int, currency: str) -> list[Entry]:
    """Returns the debits of one party: a contributor's held money first, then available, and what is missing is owed to us."""
    if party == PLATFORM:
        return [Entry(platform(currency), amount)]
    if party == TAX:
        return [Entry(tax_collected(currency), amount)]
    name, entries = party.removeprefix("contributor:"), []
    for account in (unclaimed(name, currency), held(name, currency), available(name, currency)):
        part = min(amount, max(balance(connection, account).available, 0))
        entries.append(Entry(account, part))
        amount -= part
    return [*entries, Entry(clawback(name, currency), amount)]
