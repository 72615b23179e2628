"""What was sold, given back and earned, by pack and month: added up from the ledger's entries, in minor units and nothing else.

Operators see all of it, a contributor what is theirs. A sale counts in the month in which it was paid, a refund in that of the refund.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, func, select

from data_contracts.errors import NotAllowed
from marketplace.accounts.people import Person
from marketplace.operating import Hold, balances_of, check_operator
from marketplace.order_tables import order_line, shop_order
from marketplace.sales import DISPUTE, REFUND, REVERSAL, SALE
from marketplace.tables import ledger_entry, ledger_transaction

KINDS = (SALE, REFUND, DISPUTE, REVERSAL)


@dataclass
class Turnover:
    """One pack in one month (`2026-11`, UTC) and one currency.

    `gross` was paid and `returned` given back, less what came back from refunds that failed and disputes that were won. What is left
    is divided: gross - returned == fees + platform + tax + sum of contributors.
    """

    skill_id: str
    month: str
    currency: str
    num_sold: int = 0
    num_returned: int = 0
    gross: int = 0
    returned: int = 0
    fees: int = 0
    platform: int = 0
    tax: int = 0
    contributors: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Earning:
    """What a contributor earned with a pack in a month, refunds taken off."""

    skill_id: str
    month: str
    currency: str
    amount: int


def turnover(connection: Connection, who: Person) -> list[Turnover]:
    """Returns every pack's figures by month, newest month first. Raises NotAllowed."""
    check_operator(who)
    return _turnover(connection)


def own_earnings(connection: Connection, who: Person) -> list[Earning]:
    """Returns what a contributor's name that is somebody's earned. Raises NotAllowed where they have none."""
    name = _contributor(who)
    owns = ledger_entry.c.account_id.startswith(f"contributor:{name}:", autoescape=True)
    return [
        Earning(one.skill_id, one.month, one.currency, one.contributors[name])
        for one in _turnover(connection, owns) if name in one.contributors
    ]  # fmt: skip


def own_balances(connection: Connection, who: Person) -> list[Hold]:
    """Returns what waits for somebody as a contributor, by currency. Raises NotAllowed where they have no contributor's name."""
    return balances_of(connection, _contributor(who))


def _contributor(who: Person) -> str:
    if who.contributor is None or who.is_disabled:
        raise NotAllowed("No contributor's name is yours yet.", hint="Show an operator that the recordings are yours.")
    return who.contributor


def _turnover(connection: Connection, *only: ColumnElement[bool]) -> list[Turnover]:
    month = func.substr(ledger_transaction.c.event_at, 1, 7).label("month")
    keys = (order_line.c.skill_id, month, shop_order.c.currency, ledger_transaction.c.kind)
    joined = ledger_transaction.join(order_line, order_line.c.id == ledger_transaction.c.order_id).join(
        shop_order, shop_order.c.id == order_line.c.order_id
    )
    counts = select(*keys, func.count().label("number")).select_from(joined)
    sums = select(*keys, ledger_entry.c.account_id, func.sum(ledger_entry.c.amount).label("amount")).select_from(
        joined.join(ledger_entry, ledger_entry.c.transaction_number == ledger_transaction.c.number)
    )
    is_counted = ledger_transaction.c.kind.in_(KINDS)
    found: dict[tuple[str, str, str], Turnover] = {}

    def place(row) -> Turnover:
        key = (row.skill_id, row.month, row.currency)
        return found.setdefault(key, Turnover(*key))

    for row in connection.execute(counts.where(is_counted).group_by(*keys)):
        one = place(row)
        one.num_sold += row.number if row.kind == SALE else 0
        one.num_returned += {REFUND: row.number, DISPUTE: row.number, REVERSAL: -row.number}.get(row.kind, 0)
    for row in connection.execute(sums.where(is_counted, *only).group_by(*keys, ledger_entry.c.account_id)):
        _add(place(row), row.kind, row.account_id, int(row.amount))
    return sorted(found.values(), key=lambda one: (one.month, one.skill_id, one.currency), reverse=True)


def _add(one: Turnover, kind: str, account_id: str, amount: int) -> None:
    """Adds an entry; credits are below zero in the ledger, and what was earned here."""
    match account_id.split(":"):
        case ["provider", "clearing" | "fees" as part, _]:
            if kind == SALE:
                one.gross += amount
            else:
                one.returned -= amount
            if part == "fees":  # the platform bears them: its revenue holds them too
                one.fees += amount
                one.platform -= amount
        case ["platform", *_]:
            one.platform -= amount
        case ["tax", *_]:
            one.tax -= amount
        case ["contributor", name, *_]:
            one.contributors[name] = one.contributors.get(name, 0) - amount
