"""What the provider holds about an order becomes ours: the sale in the ledger, what the buyer may download, refunds, disputes.

A function of the payment as it is now, and each thing is done once under its own key. So it may run for every message, twice at once
or after a kill, in whatever order the news came.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from data_contracts.errors import OrderError
from data_contracts.skills import BASIS_POINTS, Split
from marketplace.accounts.people import claimed_contributors
from marketplace.entitlements import grant, revoke, suspend
from marketplace.ledger import find, moment, post
from marketplace.money import divide, format_money
from marketplace.orders import PAID, Order, OrderLine, move_lines, move_order
from marketplace.payments.outbox import num_asked
from marketplace.payments.provider import Dispute, Movement, Payment, Refund
from marketplace.sales import DISPUTE, REFUND, Sale, refund_request, reversal_request, sale_request, shares_left
from marketplace.settings import ShopSettings

GIVEN_BACK = frozenset({"refunded", "charged_back"})


def settle(connection: Connection, order: Order, payment: Payment, settings: ShopSettings, now: datetime) -> Order:
    """Brings an order to what its payment says, inside `database.write`. Returns it as it is then.

    Raises:
        OrderError: more was given back or disputed than the order holds.
    """
    if order.state not in PAID:
        if (payment.amount, payment.currency) != (order.total_minor, order.currency):
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
    """Money of another amount came than was asked for: a person must look at it."""
    if order.state == "needs_review":
        return order
    found, wanted = format_money(payment.amount, payment.currency), format_money(order.total_minor, order.currency)
    return move_order(connection, order, "needs_review", f"{payment.id} is {found}, not {wanted}", now)


def _settle_refund(connection: Connection, order: Order, refund: Refund, now: datetime) -> None:
    if refund.movement is None:
        return
    _take(connection, order, REFUND, refund.movement, refund.line_id, now)
    if refund.failure:
        _give_back(connection, order, refund.movement, refund.failure, now)


def _settle_dispute(connection: Connection, order: Order, dispute: Dispute, now: datetime) -> None:
    taken: Movement | None = None
    for movement in dispute.movements:
        if movement.amount < 0:
            _take(connection, order, DISPUTE, movement, None, now)
            taken = movement
        elif taken:
            _give_back(connection, order, taken, movement, now)


def _take(
    connection: Connection, order: Order, kind: str, movement: Movement, line_id: str | None, now: datetime
) -> None:
    """Takes what a movement takes from one line, or from all of them by what is left of each; the fee goes with the first."""
    keys = {line.id: f"{movement.id}:{line.id}" for line in order.lines if line.amount_minor}
    if any(find(connection, key) for key in keys.values()):
        return
    left = {name: sum(shares_left(connection, name).values()) for name in keys if line_id in (None, name)}
    amount = -movement.amount
    if amount > sum(left.values()):
        raise OrderError(
            f"{movement.id} takes {format_money(amount, order.currency)} of {order.id}, which has "
            f"{format_money(sum(left.values()), order.currency)} left."
        )
    fee = movement.fee
    for name, part in divide(amount, left).items():
        if part:
            request = refund_request(
                connection, name, part, keys[name], movement.at, kind=kind, fee=fee, provider=movement.id
            )
            post(connection, request, now)
            fee = 0


def _give_back(connection: Connection, order: Order, taken: Movement, back: Movement, now: datetime) -> None:
    fee = back.fee
    for line in order.lines:
        if transaction := find(connection, f"{taken.id}:{line.id}"):
            request = reversal_request(
                connection, transaction, f"{back.id}:{line.id}", back.at, fee=fee, provider=back.id
            )
            if not find(connection, request.key):
                post(connection, request, now)
            fee = 0


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
        num_failed = sum(refund.line_id == line.id and refund.failure is not None for refund in payment.refunds)
        return "refunding" if line.state == "refunding" and num_asked(connection, line.id) > num_failed else "sold"
    for dispute in payment.disputes:
        is_lost_so_far = sum(movement.amount for movement in dispute.movements) < 0
        if is_lost_so_far and any(find(connection, f"{movement.id}:{line.id}") for movement in dispute.movements):
            return "disputed" if dispute.is_open else "charged_back"
    return "refunded"
