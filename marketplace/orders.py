"""Orders: what a buyer asks for at which price, and the states that an order and each of its lines can be in.

Every transition is a row that stays. Belongs here: placing, moving, reading. Not here: what a payment makes of an order
(`payments.settling`), which page it is paid on (`payments.outbox`), what may be downloaded (`entitlements`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, literal, select, union_all, update

from data_contracts.errors import NotFound, OrderError
from marketplace.ledger import moment
from marketplace.order_tables import entitlement, order_event, order_line, recall, shop_order
from marketplace.settings import ShopSettings

STATES: dict[str | None, frozenset[str]] = {
    None: frozenset({"created"}),
    "created": frozenset({"awaiting_payment", "paid", "expired", "cancelled", "needs_review"}),
    "awaiting_payment": frozenset({"paid", "expired", "cancelled", "needs_review"}),
    "expired": frozenset({"paid", "cancelled", "needs_review"}),
    "cancelled": frozenset({"paid", "cancelled", "needs_review"}),
    "needs_review": frozenset({"cancelled", "needs_review"}),
    "paid": frozenset({"refunded"}),
    "refunded": frozenset({"paid"}),
}
"""State of an order -> states that can follow. Money that arrived counts, however late: what the provider holds is true."""

LINE_STATES: dict[str | None, frozenset[str]] = {
    None: frozenset({"open"}),
    "open": frozenset({"sold"}),
    "sold": frozenset({"refunding", "refunded", "disputed", "charged_back"}),
    "refunding": frozenset({"sold", "refunded", "disputed", "charged_back"}),
    "refunded": frozenset({"sold"}),
    "disputed": frozenset({"sold", "refunded", "charged_back"}),
    "charged_back": frozenset({"sold"}),
}
UNPAID = frozenset({"created", "awaiting_payment"})
PAID = frozenset({"paid", "refunded"})
MOST_LINES = 50


@dataclass(frozen=True)
class PackOnSale:
    """A version of a pack at its price, as a release shows it. `weights` is its attribution."""

    skill_id: str
    version: str
    pack_id: str
    title: str
    amount_minor: int
    currency: str
    platform_bp: int
    weights: Mapping[str, int]


@dataclass(frozen=True)
class OrderLine:
    id: str
    position: int
    state: str
    skill_id: str
    version: str
    pack_id: str
    title: str
    amount_minor: int
    tax_minor: int
    platform_bp: int
    weights: Mapping[str, int]


@dataclass(frozen=True)
class Order:
    id: str
    buyer_id: str
    state: str
    currency: str
    total_minor: int
    tax_minor: int
    country: str | None
    checkout_id: str | None
    checkout_url: str | None
    payment_id: str | None
    fee_minor: int | None
    created_at: str
    paid_at: str | None
    lines: tuple[OrderLine, ...]

    def line(self, line_id: str) -> OrderLine:
        """Returns a line of this order."""
        return next(line for line in self.lines if line.id == line_id)


@dataclass(frozen=True)
class OrderEvent:
    """An order, or the line that it names, moved."""

    number: int
    line_id: str | None
    from_state: str | None
    to_state: str
    reason: str
    at: str


ORDER_COLUMNS = tuple(name for name in Order.__dataclass_fields__ if name != "lines")
# Statements that every sale needs are built once: building one costs more than running it.
OF_REQUEST = select(shop_order.c.id).where(shop_order.c.request_key == bindparam("asked_key"))
_OF_SKILLS = bindparam("skills", expanding=True)
IN_THE_WAY = union_all(
    select(literal("owned").label("what"), entitlement.c.skill_id, entitlement.c.version).where(
        entitlement.c.person_id == bindparam("buyer"),
        entitlement.c.revoked_at.is_(None),
        entitlement.c.skill_id.in_(_OF_SKILLS),
    ),
    select(literal("waiting"), order_line.c.skill_id, order_line.c.version)
    .join(shop_order, shop_order.c.id == order_line.c.order_id)
    .where(
        shop_order.c.buyer_id == bindparam("buyer"),
        shop_order.c.state.in_(UNPAID),
        order_line.c.skill_id.in_(_OF_SKILLS),
    ),
    select(literal("recalled"), recall.c.skill_id, recall.c.version).where(recall.c.skill_id.in_(_OF_SKILLS)),
)
ADD_ORDER, ADD_LINES = insert(shop_order), insert(order_line)
MOVE_LINE = update(order_line).where(order_line.c.id == bindparam("line")).values(state=bindparam("to"))
_LAST_EVENT = select(func.coalesce(func.max(order_event.c.number), 0)).where(order_event.c.order_id == bindparam("of"))
ADD_EVENT = insert(order_event).values(
    order_id=bindparam("of"), number=_LAST_EVENT.scalar_subquery() + 1, line_id=bindparam("line_id"),
    from_state=bindparam("from_state"), to_state=bindparam("to_state"), reason=bindparam("reason"), at=bindparam("at"),
)  # fmt: skip


def place_order(
    connection: Connection,
    buyer_id: str,
    packs: Sequence[PackOnSale],
    request_key: str,
    settings: ShopSettings,
    now: datetime,
    country: str | None = None,
) -> Order:
    """Writes an order, or returns the one that this request made before. Free packs alone are paid at once: see `settling.grant_free`.

    Args:
        request_key: of the form that asks, random; asked twice it is one order.

    Raises:
        OrderError: nothing or too much is asked for, in several currencies, twice the same, something recalled, or that the buyer has or
            ordered and has not paid yet.
        NotFound: the request key is another buyer's.
    """
    known = connection.execute(OF_REQUEST, {"asked_key": request_key}).one_or_none()
    if known:
        return order_of(connection, known.id, buyer_id)
    _check(connection, buyer_id, packs)
    basis_points = settings.tax_basis_points(country, now.date())
    order_id = f"order_{secrets.token_hex(10)}"
    lines = tuple(
        OrderLine(
            f"{order_id}.{position}", position, "open", pack.skill_id, pack.version, pack.pack_id, pack.title,
            pack.amount_minor, tax_within(pack.amount_minor, basis_points), pack.platform_bp, dict(pack.weights),
        )
        for position, pack in enumerate(packs, start=1)
    )  # fmt: skip
    order = Order(
        id=order_id, buyer_id=buyer_id, state="created", currency=packs[0].currency,
        total_minor=sum(line.amount_minor for line in lines), tax_minor=sum(line.tax_minor for line in lines),
        country=country, checkout_id=None, checkout_url=None, payment_id=None, fee_minor=None, created_at=moment(now),
        paid_at=None, lines=lines,
    )  # fmt: skip
    row = {name: getattr(order, name) for name in ORDER_COLUMNS}
    connection.execute(ADD_ORDER, row | {"request_key": request_key})
    rows = [{name: getattr(line, name) for name in OrderLine.__dataclass_fields__} for line in lines]
    weights = [json.dumps(line.weights, sort_keys=True) for line in lines]
    connection.execute(
        ADD_LINES, [row | {"order_id": order_id, "weights": text} for row, text in zip(rows, weights, strict=True)]
    )
    _record(connection, order_id, [(None, None, "created")], "placed", now)
    return order


def tax_within(amount_minor: int, basis_points: int) -> int:
    """Returns the tax that is part of a price, halves rounded up."""
    return (2 * amount_minor * basis_points + 10_000 + basis_points) // (2 * (10_000 + basis_points))


def order_of(connection: Connection, order_id: str, buyer_id: str | None = None) -> Order:
    """Returns an order; with `buyer_id` only where it is theirs. Raises NotFound."""
    row = connection.execute(select(shop_order).where(shop_order.c.id == order_id)).one_or_none()
    if row is None or (buyer_id is not None and row.buyer_id != buyer_id):
        raise NotFound(f"There is no order {order_id!r}.", hint="Look at the list of your orders.")
    return _orders(connection, [row])[0]


def orders_of(connection: Connection, buyer_id: str) -> list[Order]:
    """Returns a buyer's orders, newest first."""
    wanted = select(shop_order).where(shop_order.c.buyer_id == buyer_id)
    return _orders(connection, connection.execute(wanted.order_by(shop_order.c.created_at.desc())).all())


def newest_orders(connection: Connection, limit: int = 200, state: str | None = None) -> list[Order]:
    """Returns the newest orders of everybody, for operators."""
    wanted = select(shop_order).order_by(shop_order.c.created_at.desc()).limit(limit)
    return _orders(
        connection, connection.execute(wanted if state is None else wanted.where(shop_order.c.state == state)).all()
    )


def history_of(connection: Connection, order_id: str) -> list[OrderEvent]:
    """Returns every transition of an order and its lines, in order."""
    wanted = select(order_event).where(order_event.c.order_id == order_id).order_by(order_event.c.number)
    return [
        OrderEvent(row.number, row.line_id, row.from_state, row.to_state, row.reason, row.at)
        for row in connection.execute(wanted)
    ]


def move_order(connection: Connection, order: Order, to: str, reason: str, now: datetime, **values: Any) -> Order:
    """Moves an order, changing `values` of its row along. Returns it. Raises OrderError where that state cannot follow."""
    _refuse_unless(to in STATES.get(order.state, ()), order.id, order.state, to)
    connection.execute(update(shop_order).where(shop_order.c.id == order.id).values(state=to, **values))
    _record(connection, order.id, [(None, order.state, to)], reason, now)
    return replace(order, state=to, **values)


def move_lines(
    connection: Connection, order: Order, lines: Sequence[OrderLine], to: str, reason: str, now: datetime
) -> Order:
    """Moves lines of an order. Returns it. Raises OrderError where that state cannot follow."""
    for line in lines:
        _refuse_unless(to in LINE_STATES.get(line.state, ()), line.id, line.state, to)
    connection.execute(MOVE_LINE, [{"line": line.id, "to": to} for line in lines])
    _record(connection, order.id, [(line.id, line.state, to) for line in lines], reason, now)
    moved = {line.id for line in lines}
    return replace(order, lines=tuple(replace(line, state=to) if line.id in moved else line for line in order.lines))


def _check(connection: Connection, buyer_id: str, packs: Sequence[PackOnSale]) -> None:
    if not 0 < len(packs) <= MOST_LINES:
        raise OrderError(f"An order has 1 to {MOST_LINES} packs, not {len(packs)}.")
    if len(currencies := {pack.currency for pack in packs}) > 1:
        raise OrderError(f"One order cannot be in {', '.join(sorted(currencies))}.", hint="Order them one by one.")
    skills = [pack.skill_id for pack in packs]
    if len(set(skills)) < len(skills):
        raise OrderError("The same skill is in the order twice.")
    found = connection.execute(IN_THE_WAY, {"buyer": buyer_id, "skills": skills}).all()
    recalled = {(row.skill_id, row.version) for row in found if row.what == "recalled"}
    taken = {(row.skill_id, row.version.split(".")[0]): row.what for row in found if row.what != "recalled"}
    for pack in packs:
        if (pack.skill_id, pack.version) in recalled:
            raise OrderError(f"{pack.title} {pack.version} was recalled.", hint="Wait for its next version.")
        what = taken.get((pack.skill_id, pack.version.split(".")[0]))
        if what == "owned":
            raise OrderError(f"You have {pack.title} already.", hint="Its updates are in your library.")
        if what == "waiting":
            raise OrderError(
                f"You ordered {pack.title} already.", hint="Pay that order, or cancel it: see your orders."
            )


def _orders(connection: Connection, rows: Sequence[Row[Any]]) -> list[Order]:
    wanted = select(order_line).where(order_line.c.order_id.in_([row.id for row in rows]))
    lines: dict[str, list[OrderLine]] = {row.id: [] for row in rows}
    for row in connection.execute(wanted.order_by(order_line.c.position)):
        values = {name: getattr(row, name) for name in OrderLine.__dataclass_fields__}
        lines[row.order_id].append(OrderLine(**values | {"weights": json.loads(row.weights)}))
    return [Order(**{name: getattr(row, name) for name in ORDER_COLUMNS}, lines=tuple(lines[row.id])) for row in rows]


def _record(
    connection: Connection, order_id: str, moves: Sequence[tuple[str | None, str | None, str]], reason: str, now: datetime
) -> None:  # fmt: skip
    rows = [
        {
            "of": order_id,
            "line_id": line_id,
            "from_state": from_state,
            "to_state": to,
            "reason": reason,
            "at": moment(now),
        }
        for line_id, from_state, to in moves
    ]
    connection.execute(ADD_EVENT, rows)


def _refuse_unless(is_allowed: bool, what: str, state: str, to: str) -> None:
    if not is_allowed:
        raise OrderError(f"{what} is {state}: it cannot become {to}.")
