"""What somebody owns: which versions may be downloaded, what is new, what was recalled, and until when it may be given back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from data_contracts.identifiers import split_semantic_version
from marketplace.buying import may_give_back, refund_until
from marketplace.database import read
from marketplace.downloads import downloads_of
from marketplace.entitlements import Entitlement, Recall, downloadable, entitlements_of, recalls_of
from marketplace.orders import Order, OrderLine, orders_of
from marketplace.shelf import versions_on_shelf
from marketplace.shop import Shop
from skill_packs.layout import walk


@dataclass(frozen=True)
class Owned:
    """One purchase. `versions` may be downloaded now, newest first; `taken` is the newest that was; `until` is when giving back ends."""

    entitlement: Entitlement
    order: Order
    line: OrderLine
    versions: tuple[Path, ...]
    recalls: tuple[Recall, ...]
    taken: str | None
    until: datetime | None

    @property
    def newest(self) -> str | None:
        return self.versions[0].name if self.versions else None

    @property
    def has_update(self) -> bool:
        """True where there is a later version than the one that was downloaded."""
        both = self.newest and self.taken
        return bool(both) and split_semantic_version(self.newest) > split_semantic_version(self.taken)


def library_of(shop: Shop, person_id: str) -> list[Owned]:
    """Returns a person's purchases: those that hold first, the newest first among them."""
    on_shelf = versions_on_shelf(shop.lake)
    with read(shop.engine) as connection:
        lines = {line.id: (order, line) for order in orders_of(connection, person_id) for line in order.lines}
        owned = [
            _owned(connection, shop, one, *lines[one.line_id], on_shelf.get(one.skill_id))
            for one in entitlements_of(connection, person_id)
        ]
    return sorted(owned, key=lambda one: not one.entitlement.is_active)


def size_of(folder: Path) -> int:
    """Returns how many bytes the files of a pack have."""
    return sum((folder / inner).stat().st_size for inner in walk(folder))


def _owned(
    connection: Connection, shop: Shop, one: Entitlement, order: Order, line: OrderLine, on_shelf: str | None
) -> Owned:
    taken = {download.version for download in downloads_of(connection, one.id)}
    return Owned(
        entitlement=one,
        order=order,
        line=line,
        versions=tuple(reversed(downloadable(connection, shop.lake, one, on_shelf))),
        recalls=tuple(
            recall for recall in recalls_of(connection, one.skill_id)
            if split_semantic_version(recall.version)[0] == one.major
        ),
        taken=max(taken, key=split_semantic_version, default=None),
        until=refund_until(shop, order) if may_give_back(shop, order, line) else None,
    )  # fmt: skip
