"""What a buyer does: put packs into the cart, order them, come back from paying, cancel, give back. Called by pages and the HTTP API.

Nothing here is decided by a page: who asks is an argument, and everything that changes is written before the provider is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from data_contracts.errors import NotFound, OrderError
from marketplace.catalogue import Catalogue
from marketplace.database import read, write
from marketplace.ledger import moment, moment_of
from marketplace.order_tables import cart_item, order_line
from marketplace.orders import PAID, UNPAID, Order, OrderLine, PackOnSale, move_order, order_of, place_order
from marketplace.payments.inbox import look_at
from marketplace.payments.outbox import send, unsent, want_checkout, want_expiry, want_refund
from marketplace.payments.provider import PaymentProvider
from marketplace.payments.settling import grant_free
from marketplace.shop import Shop


def pack_on_sale(catalogue: Catalogue, skill_id: str) -> PackOnSale:
    """Returns a pack of the current release at its price. Raises LakeError where it is not in it."""
    pack = catalogue.pack(skill_id)
    return PackOnSale(
        skill_id, pack.version, catalogue.pack_id(skill_id), pack.title, pack.price.amount_minor, pack.price.currency,
        pack.split.platform_bp, pack.provenance.contributors,
    )  # fmt: skip


def cart_of(connection: Connection, person_id: str) -> list[str]:
    """Returns the skills in a person's cart, in the order in which they were put there."""
    wanted = select(cart_item.c.skill_id).where(cart_item.c.person_id == person_id).order_by(cart_item.c.added_at)
    return list(connection.scalars(wanted))


def put_into_cart(shop: Shop, person_id: str, skill_id: str) -> None:
    """Puts a skill into a cart, once."""
    with write(shop.engine) as connection:
        if skill_id not in cart_of(connection, person_id):
            row = {"person_id": person_id, "skill_id": skill_id, "added_at": moment(shop.now())}
            connection.execute(insert(cart_item).values(**row))


def take_out_of_cart(shop: Shop, person_id: str, skill_ids: Sequence[str]) -> None:
    """Takes skills out of a cart; those that are not in it are no error."""
    with write(shop.engine) as connection:
        _empty(connection, person_id, skill_ids)


def buy(
    shop: Shop, provider: PaymentProvider, buyer_id: str, packs: Sequence[PackOnSale], request_key: str,
    country: str | None = None,
) -> Order:  # fmt: skip
    """Orders packs. Returns the order: paid where it costs nothing, else with the address of the page where it is paid, or still
    without one where the provider does not answer now; it is asked again by itself.

    Raises:
        OrderError: see `place_order`.
    """
    with write(shop.engine) as connection:
        order = place_order(connection, buyer_id, packs, request_key, shop.settings, shop.now(), country)
        if order.state == "created" and not order.total_minor:
            order = grant_free(connection, order, shop.settings, shop.now())
            _empty(connection, buyer_id, [pack.skill_id for pack in packs])
        elif order.state == "created":
            want_checkout(connection, order, shop.now())
    if order.state == "created":
        send(shop, provider, f"checkout:{order.id}")
        with read(shop.engine) as connection:
            order = order_of(connection, order.id)
    return order


def come_back(shop: Shop, provider: PaymentProvider, buyer_id: str, order_id: str) -> Order:
    """Returns an order as its payment is now, asked of the provider; what was bought leaves the cart."""
    with read(shop.engine) as connection:
        order_of(connection, order_id, buyer_id)
    order = look_at(shop, provider, order_id)
    if order.state in PAID:
        take_out_of_cart(shop, buyer_id, [line.skill_id for line in order.lines])
    return order


def cancel(shop: Shop, provider: PaymentProvider, buyer_id: str, order_id: str) -> Order:
    """Cancels an order that is not paid. A payment that is made all the same counts."""
    with write(shop.engine) as connection:
        order = order_of(connection, order_id, buyer_id)
        if order.state not in UNPAID:
            raise OrderError(f"{order.id} is {order.state}: it cannot be cancelled.")
        order = move_order(connection, order, "cancelled", "the buyer cancelled it", shop.now())
        want_expiry(connection, order, shop.now())
    send(shop, provider, f"expire:{order.id}")
    with read(shop.engine) as connection:
        return order_of(connection, order.id)


def refund_until(shop: Shop, order: Order) -> datetime | None:
    """Returns until when a buyer may give back what they bought; None where it was never paid."""
    if order.paid_at is None:
        return None
    return moment_of(order.paid_at) + timedelta(days=shop.settings.refunds.window_days)


def may_give_back(shop: Shop, order: Order, line: OrderLine) -> bool:
    """True while a buyer may give a line back by themselves."""
    until = refund_until(shop, order)
    return line.state == "sold" and line.amount_minor > 0 and until is not None and shop.now() <= until


def give_back(shop: Shop, provider: PaymentProvider, line_id: str, *, buyer_id: str | None = None) -> Order:
    """Gives a line of an order back: its money is on the way, downloads end when it is there. Asked for twice it is once.

    Args:
        buyer_id: who asks; None is an operator, for whom no window closes.

    Raises:
        NotFound: the buyer has no such line.
        OrderError: the window has closed, or it is not there to be given back.
    """
    with write(shop.engine) as connection:
        order = order_of(connection, _order_of_line(connection, line_id), buyer_id)
        line = order.line(line_id)
        if line.state not in ("refunding", "refunded"):
            if not line.amount_minor or (buyer_id is not None and not may_give_back(shop, order, line)):
                until = refund_until(shop, order)
                raise OrderError(
                    f"{line.title} cannot be given back any more: it was possible until {until:%Y-%m-%d}."
                    if until and line.state == "sold" and line.amount_minor
                    else f"{line.title} is {line.state if line.amount_minor else 'free'}: there is nothing to give back.",
                    hint="Write to the shop if something is wrong with it.",
                )
            want_refund(connection, order, line, shop.now())
        keys = unsent(connection, line_id)
    for key in keys:
        send(shop, provider, key)
    return look_at(shop, provider, order.id)


def _order_of_line(connection: Connection, line_id: str) -> str:
    found = connection.scalars(select(order_line.c.order_id).where(order_line.c.id == line_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no line {line_id!r} of an order.", hint="Look at the list of your orders.")
    return found


def _empty(connection: Connection, person_id: str, skill_ids: Sequence[str]) -> None:
    of_them = (cart_item.c.person_id == person_id) & cart_item.c.skill_id.in_(list(skill_ids))
    connection.execute(delete(cart_item).where(of_them))
