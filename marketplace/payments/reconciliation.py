"""Whether the provider's account and our ledger tell the same story: every movement, and what is there at the end.

Each transaction that touches the clearing account names the provider's movement (`about.provider`). A movement that several of our
transactions belong to (the lines of an order) is compared with their sum.

Sales go on meanwhile, so that no two readings are of one moment. What the provider had before we settled what we knew of must be in the
ledger; what the ledger had before the provider was asked again must be there; and its balance must be what the movements add up to at
some moment between the two.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, func, insert, select

from data_contracts.errors import DeftworksError, PaymentUnavailable
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

TO_BANK = frozenset({"payout", "payout_failure", "payout_cancel", "topup", "topup_reversal"})
PROVIDERS_FEES = frozenset({"stripe_fee", "stripe_fx_fee", "tax_fee", "network_cost"})


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
    before = _by_name(provider.movements(None))
    balances = provider.balances()
    work(shop, provider)
    unsettled_now = _look_at_unsettled(shop, provider)
    with write(shop.engine) as connection:
        for movement in before.values():
            _book_own(connection, movement, shop)
    with read(shop.engine) as connection:
        ours = _clearing_movements(connection)
        inner = [*unsettled_now, *_inner_differences(connection)]
    after = _by_name(provider.movements(None))
    differences = [*_movement_differences(ours, before, after), *_balance_differences(ours, before, after, balances)]
    with write(shop.engine) as connection:
        waiting = tuple(_waiting(connection))
        report = Report(moment(shop.now()), len(after), balances, (*differences, *inner), waiting)
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
    is_own = movement.kind in TO_BANK | PROVIDERS_FEES and movement.net
    if not is_own or find(connection, f"provider:{movement.id}"):
        return
    to = bank if movement.kind in TO_BANK else fees
    entries = [Entry(clearing(movement.currency), movement.net), Entry(to(movement.currency), -movement.net)]
    request = Request(f"provider:{movement.id}", movement.kind, entries, movement.at, about={"provider": movement.id})
    post(connection, request, shop.now())


def _by_name(movements: Iterable[Movement]) -> dict[str, Movement]:
    """Returns movements by their names, oldest first: those of one moment as the provider lists them."""
    return {one.id: one for one in reversed(list(movements))}


def _look_at_unsettled(shop: Shop, provider: PaymentProvider) -> list[Difference]:
    """Looks at what may have changed without our having heard of it. Returns the orders that cannot be settled, and why."""
    found = []
    with read(shop.engine) as connection:
        orders = unsettled(connection)
    for order_id in orders:
        try:
            look_at(shop, provider, order_id)
        except PaymentUnavailable:
            raise
        except DeftworksError as error:
            found.append(Difference(order_id, None, None, str(error)))
    return found


def _clearing_movements(connection: Connection) -> dict[tuple[str, str], int]:
    """Returns (provider's name of a movement, currency) -> what our ledger says of it."""
    found: Counter[tuple[str, str]] = Counter()
    for transaction in stored_transactions(connection):
        for name, amount in transaction.entries:
            if name.startswith("provider:clearing:") and transaction.state in ("posted", "settles"):
                movement = str(transaction.about.get("provider", f"transaction {transaction.number}"))
                found[movement, name.rpartition(":")[2]] += amount
    return found


def _movement_differences(
    ours: dict[tuple[str, str], int], before: dict[str, Movement], after: dict[str, Movement]
) -> Iterator[Difference]:
    for name, one in after.items():
        amount = ours.get((name, one.currency))
        is_new = name not in before and amount is None
        if amount != one.net and not is_new and (amount is not None or one.net):
            yield Difference(name, amount, one.net, f"{one.kind} of {one.at:%Y-%m-%d %H:%M}")
    for (name, currency), amount in ours.items():
        if name not in after or after[name].currency != currency:
            yield Difference(name, amount, None, "the provider has no such movement")


def _balance_differences(
    ours: dict[tuple[str, str], int], before: dict[str, Movement], after: dict[str, Movement], balances: dict[str, int]
) -> Iterator[Difference]:
    new = [one for name, one in after.items() if name not in before]
    for currency in sorted({*balances, *(currency for _, currency in ours)}):
        mine = {name: amount for (name, of), amount in ours.items() if of == currency}
        expected = sum(amount for name, amount in mine.items() if name in before or name not in after)
        found, possible = balances.get(currency, 0), expected
        is_there = found == possible
        for one in new:
            if one.currency == currency:
                possible += one.net
                is_there = is_there or found == possible
        if not is_there:
            yield Difference(f"balance in {currency}", expected, found, "what is there now")


def _inner_differences(connection: Connection) -> Iterator[Difference]:
    for one in audit(connection):
        yield Difference(f"{one.rule} {one.where}", None, None, one.said)
    for order in newest_orders(connection, limit=1000, state="needs_review"):
        yield Difference(order.id, None, None, "a payment of another amount came: send it back on the provider's pages")


def _waiting(connection: Connection) -> list[str]:
    calls = select(provider_call).where(provider_call.c.due_at.is_not(None) | provider_call.c.is_given_up)
    events = select(provider_event).where(provider_event.c.due_at.is_not(None))
    return [
        *(f"call {row.key}: {row.error or 'not sent yet'}" for row in connection.execute(calls)),
        *(f"message {row.id} ({row.type}): {row.error or 'not read yet'}" for row in connection.execute(events)),
    ]
