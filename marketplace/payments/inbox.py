"""What the provider tells us: verified, written down once by its id, answered at once, and worked through afterwards.

A message only says which order to look at. What became of it is read from the provider (`settling`), so that messages may come twice,
late and in any order; an order is also looked at without any message when its buyer comes back or a day is reconciled.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, insert, or_, select, update
from sqlalchemy.exc import DBAPIError

from data_contracts.errors import DeftworksError, PaymentUnavailable
from marketplace.database import read, write
from marketplace.ledger import moment
from marketplace.order_tables import order_line, provider_event, shop_order
from marketplace.orders import Order, move_order, order_of
from marketplace.payments.provider import Event, PaymentProvider
from marketplace.payments.settling import settle
from marketplace.shop import Shop

LONGEST_WAIT = timedelta(hours=1)
MOST_LOOKS = 5


def receive(shop: Shop, provider: PaymentProvider, body: bytes, signature: str) -> Event:
    """Keeps a message; the same one again changes nothing. Raises SignatureRefused where the provider did not sign it."""
    event = provider.event(body, signature)
    now = moment(shop.now())
    with write(shop.engine) as connection:
        if connection.execute(select(provider_event.c.id).where(provider_event.c.id == event.id)).one_or_none() is None:
            connection.execute(
                insert(provider_event).values(
                    id=event.id, type=event.type, order_id=event.order_id, payment_id=event.payment_id,
                    body=body.decode(), received_at=now, due_at=now, num_attempts=0,
                )
            )  # fmt: skip
    return event


def work(shop: Shop, provider: PaymentProvider) -> int:
    """Works through the messages that are due. Returns how many there were; those that failed are due again later."""
    due = select(provider_event).where(provider_event.c.due_at <= moment(shop.now()))
    with read(shop.engine) as connection:
        rows = connection.execute(due.order_by(provider_event.c.received_at)).all()
    for row in rows:
        # One message that we cannot make sense of must not hold up all that came after it.
        values: dict[str, str | int | None] = {"due_at": None, "error": None, "num_attempts": row.num_attempts + 1}
        try:
            with read(shop.engine) as connection:
                order_id = _order_id(connection, row.order_id, row.payment_id)
            if order_id:
                look_at(shop, provider, order_id)
        except DBAPIError:
            raise
        except Exception as error:
            said = str(error) if isinstance(error, DeftworksError) else f"{type(error).__name__}: {error}"
            values |= {"due_at": moment(shop.now() + wait_after(row.num_attempts + 1)), "error": said}
        with write(shop.engine) as connection:
            connection.execute(update(provider_event).where(provider_event.c.id == row.id).values(**values))
    return len(rows)


def look_at(shop: Shop, provider: PaymentProvider, order_id: str) -> Order:
    """Brings an order to what the provider holds about it now. Returns it.

    Raises:
        PaymentUnavailable: the provider does not answer; nothing changed.
    """
    for _ in range(MOST_LOOKS):
        with read(shop.engine) as connection:
            seen = order_of(connection, order_id)
        if not seen.checkout_id:
            return seen
        payment_id, is_expired = seen.payment_id, False
        if payment_id is None:
            checkout = provider.checkout(seen.checkout_id)
            payment_id, is_expired = checkout.payment_id, checkout.status == "expired"
        payment = provider.payment(payment_id) if payment_id else None
        with write(shop.engine) as connection:
            order = order_of(connection, order_id)
            if order != seen:  # somebody else looked meanwhile, and may know what came after we asked
                continue
            if payment:
                return settle(connection, order, payment, shop.settings, shop.now())
            if is_expired and order.state == "awaiting_payment":
                return move_order(connection, order, "expired", "not paid in time", shop.now())
            return order
    raise PaymentUnavailable(f"{order_id} is on the move.", hint="Look again in a moment.")


def wait_after(num_attempts: int) -> timedelta:
    """Returns how long to wait before the next attempt."""
    return min(LONGEST_WAIT, timedelta(seconds=2 ** min(num_attempts, 12)))


def unsettled(connection: Connection) -> list[str]:
    """Returns the orders whose payment may have changed without our having heard of it."""
    is_waiting = shop_order.c.state.in_(("awaiting_payment", "needs_review"))
    has_moving_line = shop_order.c.id.in_(
        select(order_line.c.order_id).where(order_line.c.state.in_(("refunding", "disputed")))
    )
    return list(connection.scalars(select(shop_order.c.id).where(or_(is_waiting, has_moving_line))))


def _order_id(connection: Connection, order_id: str | None, payment_id: str | None) -> str | None:
    """Returns the order that a message is about; None where it is none of ours, or not paid as far as we know."""
    for column, name in ((shop_order.c.id, order_id), (shop_order.c.payment_id, payment_id)):
        if name and (found := connection.scalar(select(shop_order.c.id).where(column == name))):
            return found
    return None
