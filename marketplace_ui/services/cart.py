"""A person's cart as the shop would sell it now: prices of the current release, tax within them, an order that waits already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_contracts.errors import LakeError
from marketplace.buying import cart_of, pack_on_sale
from marketplace.database import read
from marketplace.entitlements import entitlements_of
from marketplace.orders import UNPAID, Order, PackOnSale, orders_of, tax_within
from marketplace.shelf import versions_on_shelf
from marketplace.shop import Shop

if TYPE_CHECKING:
    from marketplace.catalogue import Catalogue


@dataclass(frozen=True)
class Cart:
    """`gone` are skills that are not on the shelf any more; `unpaid` is an order of something in here that waits to be paid."""

    packs: tuple[PackOnSale, ...]
    gone: tuple[str, ...]
    tax_basis_points: int
    unpaid: Order | None

    @property
    def currencies(self) -> list[str]:
        return sorted({pack.currency for pack in self.packs})

    @property
    def total_minor(self) -> int:
        return sum(pack.amount_minor for pack in self.packs)

    @property
    def tax_minor(self) -> int:
        return sum(tax_within(pack.amount_minor, self.tax_basis_points) for pack in self.packs)


def cart_for(shop: Shop, catalogue: Catalogue, person_id: str, country: str | None) -> Cart:
    """Returns a person's cart, priced by a release."""
    skills = wanted_by(shop, person_id)
    with read(shop.engine) as connection:
        orders = orders_of(connection, person_id)
    packs, gone = [], []
    for skill_id in skills:
        try:
            packs.append(pack_on_sale(catalogue, skill_id))
        except LakeError:
            gone.append(skill_id)
    wanted = {pack.skill_id for pack in packs}
    unpaid = (order for order in orders if order.state in UNPAID and wanted & {line.skill_id for line in order.lines})
    rate = shop.settings.tax_basis_points(country, shop.now().date())
    return Cart(tuple(packs), tuple(gone), rate, next(unpaid, None))


def wanted_by(shop: Shop, person_id: str) -> list[str]:
    """Returns the skills in a cart that are not the person's already: what was paid leaves it when they come back from paying."""
    with read(shop.engine) as connection:
        skills = cart_of(connection, person_id)
        owned = (
            {(one.skill_id, one.major) for one in entitlements_of(connection, person_id) if not one.revoked_at}
            if skills
            else set()
        )
    shelf = versions_on_shelf(shop.lake) if skills else {}
    return [skill for skill in skills if (skill, int(shelf.get(skill, "-1").split(".")[0])) not in owned]
