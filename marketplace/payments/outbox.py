"""What the provider is asked for. Written down in the transaction that wants it, sent afterwards, again and again under one key.

A call that was cut off may have been done: the key makes the second one the first, and where the provider has forgotten keys, its
own state is read before it is asked again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from data_contracts.errors import OrderError, PaymentRefused, PaymentUnavailable
from marketplace.database import read, write
from marketplace.ledger import moment, moment_of
from marketplace.order_tables import provider_call
from marketplace.orders import Order, OrderLine, move_lines, move_order, order_of
from marketplace.payments.inbox import look_at, wait_after
from marketplace.payments.provider import CheckoutRequest, Item, PaymentProvider, is_on_its_way
from marketplace.sales import shares_left
from marketplace.shop import Shop

CHECKOUT, REFUND, EXPIRE = "checkout", "refund", "expire"
TAKEN_FOR = timedelta(seconds=60)
"""How long another worker leaves a call to the one that took it."""
CHECKOUT_LASTS = timedelta(hours=1)
KEYS_LAST = timedelta(hours=20)
"""Stripe may forget an idempotency key after 24 hours."""

OF_KEY = select(provider_call.c.key).where(provider_call.c.key == bindparam("asked_key"))
ADD_CALL = insert(provider_call)


def want_checkout(connection: Connection, order: Order, now: datetime) -> None:
    """Asks for a page on which the order is paid; once."""
    key = f"checkout:{order.id}"
    if connection.execute(OF_KEY, {"asked_key": key}).one_or_none() is None:
        _want(connection, key, CHECKOUT, order.id, None, now)


def want_refund(connection: Connection, order: Order, line: OrderLine, now: datetime) -> None:
    """Asks for everything that is left of a line to be given back. Where an earlier refund failed, this is another one."""
    move_lines(connection, order, [line], "refunding", "asked for", now)
    earlier = select(func.count()).where(provider_call.c.line_id == line.id)
    _want(connection, f"refund:{line.id}:{connection.scalar(earlier) + 1}", REFUND, order.id, line.id, now)


def want_expiry(connection: Connection, order: Order, now: datetime) -> None:
    """Asks for the order's page to be closed."""
    _want(connection, f"expire:{order.id}", EXPIRE, order.id, None, now)


def unsent(connection: Connection, line_id: str) -> list[str]:
    """Returns the keys of calls about a line that are not done."""
    wanted = select(provider_call.c.key).where(provider_call.c.line_id == line_id, provider_call.c.due_at.is_not(None))
    return list(connection.scalars(wanted))


def send(shop: Shop, provider: PaymentProvider, key: str) -> str | None:
    """Sends one call that is due. Returns what went wrong, which is kept and tried again where that can help, or None."""
    call = _take(shop, key)
    if call is None:
        return None
    try:
        _SENDERS[call.kind](shop, provider, call)
    except PaymentUnavailable as error:
        return _failed(shop, call, str(error), is_given_up=False)
    except (PaymentRefused, OrderError) as error:
        return _failed(shop, call, str(error), is_given_up=True)
    with write(shop.engine) as connection:
        connection.execute(update(provider_call).where(provider_call.c.key == key).values(due_at=None, error=None))
    return None


def send_due(shop: Shop, provider: PaymentProvider) -> int:
    """Sends every call that is due. Returns how many there were."""
    due = select(provider_call.c.key).where(provider_call.c.due_at <= moment(shop.now()))
    with read(shop.engine) as connection:
        keys = list(connection.scalars(due.order_by(provider_call.c.created_at)))
    for key in keys:
        send(shop, provider, key)
    return len(keys)


def _send_checkout(shop: Shop, provider: PaymentProvider, call: Row) -> None:
    with read(shop.engine) as connection:
        order = order_of(connection, call.order_id)
    if order.state != "created":
        return
    if shop.now() - moment_of(call.created_at) > KEYS_LAST:
        with write(shop.engine) as connection:
            move_order(connection, order_of(connection, order.id), "expired", "no page could be had", shop.now())
        return
    address = shop.settings.address
    request = CheckoutRequest(
        order.id,
        order.currency,
        tuple(Item(f"{line.title} {line.version}", line.amount_minor) for line in order.lines if line.amount_minor),
        f"{address}/order?order={order.id}&paid=1",
        f"{address}/order?order={order.id}",
        moment_of(order.created_at) + CHECKOUT_LASTS,
    )
    checkout = provider.create_checkout(request, call.key)
    with write(shop.engine) as connection:
        order = order_of(connection, order.id)
        if order.state == "created":
            move_order(
                connection, order, "awaiting_payment", "the page is there", shop.now(), checkout_id=checkout.id,
                checkout_url=checkout.url,
            )  # fmt: skip


def _send_refund(shop: Shop, provider: PaymentProvider, call: Row) -> None:
    with read(shop.engine) as connection:
        order = order_of(connection, call.order_id)
        left = sum(shares_left(connection, call.line_id).values())
    line = order.line(call.line_id)
    if line.state != "refunding" or not left or order.payment_id is None:
        return
    if call.num_attempts > 1:  # it may have been done
        payment = provider.payment(order.payment_id)
        if payment and is_on_its_way(payment, line.id):
            return
    provider.refund(order.payment_id, left, line.id, call.key)


def _send_expiry(shop: Shop, provider: PaymentProvider, call: Row) -> None:
    with read(shop.engine) as connection:
        order = order_of(connection, call.order_id)
    if order.checkout_id and provider.expire_checkout(order.checkout_id).status == "complete":
        look_at(shop, provider, order.id)  # it was paid first


_SENDERS: dict[str, Callable[[Shop, PaymentProvider, Row], None]] = {
    CHECKOUT: _send_checkout, REFUND: _send_refund, EXPIRE: _send_expiry,
}  # fmt: skip


def _want(connection: Connection, key: str, kind: str, order_id: str, line_id: str | None, now: datetime) -> None:
    row = {
        "key": key, "kind": kind, "order_id": order_id, "line_id": line_id, "created_at": moment(now),
        "due_at": moment(now), "num_attempts": 0, "is_given_up": False,
    }  # fmt: skip
    connection.execute(ADD_CALL, row)


def _take(shop: Shop, key: str) -> Row | None:
    """Takes a due call for a while, so that no other worker sends it meanwhile."""
    now = shop.now()
    with write(shop.engine) as connection:
        call = connection.execute(select(provider_call).where(provider_call.c.key == key)).one()
        if call.due_at is None or call.due_at > moment(now):
            return None
        taken = {"due_at": moment(now + TAKEN_FOR), "num_attempts": call.num_attempts + 1}
        connection.execute(update(provider_call).where(provider_call.c.key == key).values(**taken))
        return connection.execute(select(provider_call).where(provider_call.c.key == key)).one()


def _failed(shop: Shop, call: Row, said: str, *, is_given_up: bool) -> str:
    due_at = None if is_given_up else moment(shop.now() + wait_after(call.num_attempts))
    values = {"due_at": due_at, "error": said, "is_given_up": is_given_up}
    with write(shop.engine) as connection:
        connection.execute(update(provider_call).where(provider_call.c.key == call.key).values(**values))
        if is_given_up and call.kind == REFUND:
            order = order_of(connection, call.order_id)
            line = order.line(call.line_id)
            if line.state == "refunding":
                move_lines(connection, order, [line], "sold", "the refund was refused", shop.now())
        if is_given_up and call.kind == CHECKOUT:
            order = order_of(connection, call.order_id)
            if order.state == "created":
                move_order(connection, order, "cancelled", "the payment provider refused", shop.now())
    return said
