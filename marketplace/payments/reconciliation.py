"""Whether the provider's account and our ledger tell the same story: every movement, and what is there at the end.

Each transaction that touches the clearing account names the provider's movement (`about.provider`). A movement that several of our
transactions belong to (the lines of an order) is compared with their sum.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, func, insert, select

from marketplace.audit import audit
from marketplace.database import read, write
from marketplace.ledger import Account, Entry, Request, find, moment, post, stored_transactions
from marketplace.order_tables import provider_call, provider_event, reconciliation
from marketplace.orders import newest_orders
from marketplace.payments.inbox import look_at, unsettled, work
from marketplace.payments.outbox import send_due
from marketplace.payments.provider import Movement, PaymentProvider
from marketplace.sales import clearing, fees
from marketplace.shop import Shop

TO_BANK = frozenset({"payout", "payout_failure", "payout_cancel"})
PROVIDERS_FEES = frozenset({"stripe_fee"})


@dataclass(frozen=True)
class Difference:
    """Something that the provider and the ledger say differently. Amounts in minor units; None: it is not there at all."""

    what: str
    ours: int | None
    theirs: int | None
    said: str


@dataclass(frozen=True)
class Report:
    """What a reconciliation found. `waiting` are messages, calls and orders that are not done, each with what went wrong last."""

    at: str
    num_movements: int
    balances: dict[str, int]
    differences: tuple[Difference, ...]
    waiting: tuple[str, ...]

    @property
    def is_balanced(self) -> bool:
        return not self.differences


def reconcile(shop: Shop, provider: PaymentProvider) -> Report:
    """Looks at everything that is unsettled once more, then compares. Returns the report, which is kept.

    Raises:
        PaymentUnavailable: the provider does not answer; nothing is kept.
    """
    send_due(shop, provider)
    work(shop, provider)
    with read(shop.engine) as connection:
        orders = unsettled(connection)
    for order_id in orders:
        look_at(shop, provider, order_id)
    movements = list(provider.movements(None))
    balances = provider.balances()
    with write(shop.engine) as connection:
        for movement in movements:
            _book_own(connection, movement, shop)
        report = Report(
            moment(shop.now()), len(movements), balances, tuple(_differences(connection, movements, balances)),
            tuple(_waiting(connection)),
        )  # fmt: skip
        number = select(func.coalesce(func.max(reconciliation.c.number), 0)).scalar_subquery() + 1
        row = {"at": report.at, "is_balanced": report.is_balanced, "report": json.dumps(asdict(report))}
        connection.execute(insert(reconciliation).values(number=number, **row))
    return report


def reports(connection: Connection, limit: int = 30) -> list[Report]:
    """Returns the newest reports, newest first."""
    wanted = select(reconciliation.c.report).order_by(reconciliation.c.number.desc()).limit(limit)
    return [_report(json.loads(text)) for text in connection.scalars(wanted)]


def bank(currency: str) -> Account:
    """Returns what the provider paid out to our bank."""
    return Account(f"bank:{currency}", currency, 1, may_overdraw=True)


def _report(values: dict) -> Report:
    differences = tuple(Difference(**one) for one in values["differences"])
    return Report(**values | {"differences": differences, "waiting": tuple(values["waiting"])})


def _book_own(connection: Connection, movement: Movement, shop: Shop) -> None:
    """Books what the provider does by itself: paying out to our bank, and its own fees."""
    if movement.kind not in TO_BANK | PROVIDERS_FEES or find(connection, f"provider:{movement.id}"):
        return
    to = bank if movement.kind in TO_BANK else fees
    entries = [Entry(clearing(movement.currency), movement.net), Entry(to(movement.currency), -movement.net)]
    request = Request(f"provider:{movement.id}", movement.kind, entries, movement.at, about={"provider": movement.id})
    post(connection, request, shop.now())


def _differences(connection: Connection, movements: list[Movement], balances: dict[str, int]) -> list[Difference]:
    ours, ledgers = Counter[str](), Counter[str]()
    for transaction in stored_transactions(connection):
        for name, amount in transaction.entries:
            if name.startswith("provider:clearing:") and transaction.state in ("posted", "settles"):
                ours[str(transaction.about.get("provider", f"transaction {transaction.number}"))] += amount
                ledgers[name.rpartition(":")[2]] += amount
    theirs = {movement.id: movement for movement in movements}
    found = [
        Difference(name, ours.get(name), one.net, f"{one.kind} of {one.at:%Y-%m-%d %H:%M}")
        for name, one in theirs.items() if ours.get(name) != one.net
    ]  # fmt: skip
    found += [
        Difference(name, ours[name], None, "the provider has no such movement") for name in ours if name not in theirs
    ]
    for currency in sorted({*ledgers, *balances}):
        if ledgers[currency] != balances.get(currency, 0):
            found.append(
                Difference(f"balance in {currency}", ledgers[currency], balances.get(currency, 0), "what is there now")
            )
    found += [Difference(f"{one.rule} {one.where}", None, None, one.said) for one in audit(connection)]
    found += [
        Difference(order.id, None, None, "a payment of another amount came: look at it")
        for order in newest_orders(connection, limit=1000, state="needs_review")
    ]
    return found


def _waiting(connection: Connection) -> list[str]:
    calls = select(provider_call).where(provider_call.c.due_at.is_not(None) | provider_call.c.is_given_up)
    events = select(provider_event).where(provider_event.c.due_at.is_not(None))
    return [
        *(f"call {row.key}: {row.error or 'not sent yet'}" for row in connection.execute(calls)),
        *(f"message {row.id} ({row.type}): {row.error or 'not read yet'}" for row in connection.execute(events)),
    ]
