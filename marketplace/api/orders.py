"""JSON about orders: place one, see what became of it, give something back. For scripts; pages call the same functions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field

from data_contracts.errors import LakeError, NotFound
from marketplace.api.callers import Caller, require_scope, shop_of
from marketplace.api.failures import documented
from marketplace.api.webhooks import provider_of
from marketplace.buying import buy, come_back, give_back, pack_on_sale
from marketplace.catalogue import open_catalogue
from marketplace.database import read
from marketplace.orders import MOST_LINES, Order, PackOnSale, orders_of
from marketplace.shop import Shop

router = APIRouter(tags=["purchases"])
Reader = Annotated[Caller, Depends(require_scope("read"))]
Buyer = Annotated[Caller, Depends(require_scope("buy"))]
OrderId = Annotated[str, Path(max_length=64, description="`order_…`")]
LineId = Annotated[str, Path(max_length=64, description="Of a line of an order: `order_….1`.")]


class OrderRequest(BaseModel):
    """What is wanted, at the price of the current release."""

    skills: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=MOST_LINES)
    request_key: str = Field(
        min_length=16, max_length=64, pattern=r"^[A-Za-z0-9_-]+$", description="Random; asked twice it is one order."
    )
    country: str | None = Field(
        None, pattern=r"^[A-Z]{2}$", description="Where the buyer lives; their account's, unless said."
    )


class Line(BaseModel):
    """A pack in an order. Amounts are in the currency's minor unit and contain tax."""

    id: str
    skill_id: str
    version: str
    pack_id: str
    title: str
    state: str
    amount_minor: int
    tax_minor: int


class OrderSaid(BaseModel):
    """An order."""

    id: str
    state: str
    currency: str
    total_minor: int
    tax_minor: int
    created_at: str
    paid_at: str | None
    checkout_url: str | None = Field(description="Where it is paid, while it waits for that.")
    lines: list[Line]


@router.get("/orders", responses=documented(401, 403, 429))
def list_orders(request: Request, caller: Reader) -> list[OrderSaid]:
    """All orders of who asks, newest first."""
    with read(shop_of(request).engine) as connection:
        return [_said(order) for order in orders_of(connection, caller.person.id)]


@router.post("/orders", status_code=201, responses=documented(401, 403, 404, 409, 429, 503))
def place_order(request: Request, wanted: OrderRequest, caller: Buyer) -> OrderSaid:
    """Orders packs. A person pays at `checkout_url`; what is free is handed over at once."""
    shop, person = shop_of(request), caller.person
    packs = _on_sale(shop, wanted.skills)
    # Keys of different people never meet: another's is no way to learn of their order.
    key = f"{person.id}:{wanted.request_key}"
    return _said(buy(shop, provider_of(request), person.id, packs, key, wanted.country or person.country))


@router.get("/orders/{order}", responses=documented(401, 403, 404, 429, 503))
def see_order(request: Request, order: OrderId, caller: Reader) -> OrderSaid:
    """An order of who asks, as its payment is now."""
    return _said(come_back(shop_of(request), provider_of(request), caller.person.id, order))


@router.post("/order-lines/{line}/give-back", responses=documented(401, 403, 404, 409, 429, 503))
def give_line_back(request: Request, line: LineId, caller: Buyer) -> OrderSaid:
    """Gives a line back, within the window: its money is on the way, downloads end when it is there. Asked twice it is once."""
    return _said(give_back(shop_of(request), provider_of(request), line, buyer_id=caller.person.id))


def _on_sale(shop: Shop, skills: list[str]) -> list[PackOnSale]:
    try:
        catalogue = open_catalogue(shop.lake)
        return [pack_on_sale(catalogue, skill) for skill in skills]
    except LakeError as error:
        raise NotFound(error.message, hint=error.hint) from error


def _said(order: Order) -> OrderSaid:
    own = {name: getattr(order, name) for name in OrderSaid.model_fields if name not in ("lines", "checkout_url")}
    lines = [Line(**{name: getattr(line, name) for name in Line.model_fields}) for line in order.lines]
    url = order.checkout_url if order.state == "awaiting_payment" else None
    return OrderSaid(**own, lines=lines, checkout_url=url)
