"""What the provider holds about an order becomes ours: the sale in the ledger, what the buyer may download, refunds, disputes.

A function of the payment as it is now, and each thing is done once under its own key. So it may run for every message, twice at once
or after a kill, in whatever order the news came.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from data_contracts.errors import OrderError
from data_contracts.skills import BASIS_POINTS, Split
from marketplace.accounts.people import claimed_contributors
from marketplace.entitlements import grant, revoke, suspend
from marketplace.ledger import Transaction, find, moment, post
from marketplace.money import divide, format_money
from marketplace.order_tables import provider_call
from marketplace.orders import PAID, Order, OrderLine, move_lines, move_order
from marketplace.payments.provider import Dispute, Movement, Payment, Refund
from marketplace.sales import (
    DISPUTE,
    LOSS,
    REFUND,
    Sale,
    loss_request,
    not_given_back,
    refund_request,
    reversal_request,
    sale_request,
    shares_left,
    unasked_left,
    unasked_request,
)
from marketplace.settings import ShopSettings

GIVEN_BACK = frozenset({"refunded", "charged_back"})


def settle(connection: Connection, order: Order, payment: Payment, settings: ShopSettings, now: datetime) -> Order:
    """Brings an order to what its payment says, inside `database.write`. Returns it as it is then.

    Raises:
        OrderError: what was taken or came back is in another currency than the order.
    """
    if order.state not in PAID:
        came = (payment.amount, payment.currency), (payment.movement.amount, payment.movement.currency)
        if set(came) != {(order.total_minor, order.currency)}:
            return _set_aside(connection, order, payment, now)
        order = _sell(connection, order, payment, settings, now)
    if not (payment.refunds or payment.disputes):
        return order
    for refund in payment.refunds:
        _settle_refund(connection, order, refund, now)
    for dispute in payment.disputes:
        _settle_dispute(connection, order, dispute, now)
    return _follow_ledger(connection, order, payment, now)


def grant_free(connection: Connection, order: Order, settings: ShopSettings, now: datetime) -> Order:
    """Gives the buyer an order that costs nothing."""
    if order.total_minor:
        raise OrderError(f"{order.id} is not free.")
    if order.state in PAID:
        return order
    moved = move_order(connection, order, "paid", "nothing to pay", now, paid_at=moment(now))
    return _hand_over(connection, moved, settings, now)


def _sell(connection: Connection, order: Order, payment: Payment, settings: ShopSettings, now: datetime) -> Order:
    fee = payment.movement.fee
    fees = divide(fee, {line.id: line.amount_minor for line in order.lines})
    claimed = claimed_contributors(connection)
    for line in order.lines:
        if line.amount_minor:
            split = Split(platform_bp=line.platform_bp, contributors_bp=BASIS_POINTS - line.platform_bp)
            sale = Sale(
                line.id, order.currency, line.amount_minor, line.tax_minor, fees[line.id], split, line.weights,
                frozenset(line.weights) - claimed,
            )  # fmt: skip
            request = sale_request(sale, f"sale:{line.id}", payment.movement.at, payment.movement.id)
            post(connection, request, now)
    paid_at = moment(payment.movement.at)
    moved = move_order(
        connection, order, "paid", f"paid by {payment.id}", now, payment_id=payment.id, fee_minor=fee, paid_at=paid_at
    )
    return _hand_over(connection, moved, settings, now)


def _hand_over(connection: Connection, order: Order, settings: ShopSettings, now: datetime) -> Order:
    grant(connection, order.buyer_id, order.lines, settings.licences.robots, now)
    return move_lines(connection, order, order.lines, "sold", "paid", now)


def _set_aside(connection: Connection, order: Order, payment: Payment, now: datetime) -> Order:
    """Other money came than was asked for: it is its buyer's, a person must look at it, and once it went back that is the end of it."""
    disputed = (movement for dispute in payment.disputes for movement in dispute.movements)
    refunded = (movement for refund in payment.refunds for movement in (refund.movement, refund.failure) if movement)
    for one in (payment.movement, *refunded, *disputed):
        if one.amount or one.fee:
            key = f"unasked:{one.id}"
            post(connection, unasked_request(order.id, one.amount, one.fee, one.currency, key, one.at, one.id), now)
    to = "needs_review" if unasked_left(connection, order.id) > 0 else "cancelled"
    if order.state == to and order.payment_id == payment.id:
        return order
    found, wanted = (
        format_money(payment.movement.amount, payment.movement.currency),
        format_money(order.total_minor, order.currency),
    )
    reason = f"{payment.id} is {found}, not {wanted}" if to == "needs_review" else f"all of {payment.id} went back"
    return move_order(connection, order, to, reason, now, payment_id=payment.id)


def _settle_refund(connection: Connection, order: Order, refund: Refund, now: datetime) -> None:
    if refund.movement is None:
        return
    _take(connection, order, REFUND, refund.movement, refund.line_id, now)
    if refund.failure:
        _give_back(connection, order, refund.movement, refund.failure, now)


def _settle_dispute(connection: Connection, order: Order, dispute: Dispute, now: datetime) -> None:
    taken: Movement | None = None
    for movement in sorted(dispute.movements, key=lambda one: (one.at, one.amount)):
        if movement.amount < 0:
            _take(connection, order, DISPUTE, movement, None, now)
            taken = movement
        elif movement.amount and taken:
            _give_back(connection, order, taken, movement, now)
        else:
            _lose(connection, order, movement, 0, movement.fee, now)


def _take(
    connection: Connection, order: Order, kind: str, movement: Movement, line_id: str | None, now: datetime
) -> None:
    """Takes what a movement takes: from the line that it names, and where that is not enough or none from the others by what is left
    of each. What the whole order does not hold (a bank takes what was given back before) is our loss. The fee goes with the first.
    """
    _check_currency(order, movement)
    if _booked(connection, order, movement):
        return
    left = {line.id: sum(shares_left(connection, line.id).values()) for line in order.lines if line.amount_minor}
    rest, fee = -movement.amount, movement.fee
    named = {name: min(rest, there) for name, there in left.items() if name == line_id}
    others = {name: there for name, there in left.items() if name != line_id}
    rest -= sum(named.values())
    lost = max(rest - sum(others.values()), 0)
    for name, part in (named | divide(rest - lost, others)).items():
        if part:
            key = f"{movement.id}:{name}"
            request = refund_request(connection, name, part, key, movement.at, kind=kind, fee=fee, provider=movement.id)
            post(connection, request, now)
            fee = 0
    if lost:
        _lose(connection, order, movement, lost, fee, now)


def _give_back(connection: Connection, order: Order, taken: Movement, back: Movement, now: datetime) -> None:
    """Gives back what came back of a movement, to each in proportion to what it took from them."""
    _check_currency(order, back)
    if _booked(connection, order, back):
        return
    fee = back.fee
    took = {one.key: one for one in _booked(connection, order, taken)}
    left = {key: sum(not_given_back(connection, one).values()) for key, one in took.items()}
    for key, part in divide(back.amount, left).items():
        if part:
            own_key = f"{back.id}:{key.removeprefix(f'{taken.id}:')}"
            request = reversal_request(connection, took[key], part, own_key, back.at, fee=fee, provider=back.id)
            post(connection, request, now)
            fee = 0


def _lose(connection: Connection, order: Order, movement: Movement, amount: int, fee: int, now: datetime) -> None:
    if amount or fee:
        key = f"{movement.id}:{LOSS}"
        post(connection, loss_request(order.id, amount, fee, order.currency, key, movement.at, movement.id), now)


def _booked(connection: Connection, order: Order, movement: Movement) -> list[Transaction]:
    """Returns what was written for a movement: all of it or, before that, nothing."""
    found = (find(connection, f"{movement.id}:{name}") for name in (*(line.id for line in order.lines), LOSS))
    return [transaction for transaction in found if transaction]


def _check_currency(order: Order, movement: Movement) -> None:
    if movement.currency != order.currency:
        raise OrderError(
            f"{movement.id} of {order.id} is in {movement.currency}, not in {order.currency}.",
            hint="Hold every currency that is sold in at the provider, so that nothing is changed there.",
        )


def _follow_ledger(connection: Connection, order: Order, payment: Payment, now: datetime) -> Order:
    """Moves lines to what their shares say, and with them what the buyer may download."""
    for line in order.lines:
        to = _state_of(connection, line, payment) if line.amount_minor else line.state
        if to != line.state:
            order = move_lines(connection, order, [line], to, "so says the payment", now)
            suspend(connection, line.id, now if to == "disputed" else None)
            revoke(connection, line.id, now if to in GIVEN_BACK else None)
    is_back = all(line.state in GIVEN_BACK for line in order.lines if line.amount_minor)
    if is_back and order.state == "paid":
        return move_order(connection, order, "refunded", "all of it was given back", now)
    if not is_back and order.state == "refunded":
        return move_order(connection, order, "paid", "money came back", now)
    return order


def _state_of(connection: Connection, line: OrderLine, payment: Payment) -> str:
    """Returns the state that a line's money says: what is left of it, and who took the rest."""
    if shares_left(connection, line.id):
        num_failed = sum(refund.line_id == line.id and refund.has_failed for refund in payment.refunds)
        return "refunding" if line.state == "refunding" and _num_asked(connection, line.id) > num_failed else "sold"
    for dispute in payment.disputes:
        is_lost_so_far = sum(movement.amount for movement in dispute.movements) < 0
        if is_lost_so_far and any(find(connection, f"{movement.id}:{line.id}") for movement in dispute.movements):
            return "disputed" if dispute.is_open else "charged_back"
    return "refunded"


def _num_asked(connection: Connection, line_id: str) -> int:
    """Returns how often a line was asked to be given back, without what the provider refused."""
    asked = provider_call.c.line_id == line_id, provider_call.c.is_given_up.is_(False)
    return connection.scalar(select(func.count()).where(*asked)) or 0
