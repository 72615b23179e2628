"""What the shelf's address asks for, read as a wish. Whatever stands there may have been typed by anybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

from marketplace.search import FACETS, Order, Wish

ORDERS: dict[str, Order] = {"Best evidence": "evidence", "Lowest price": "price", "Newest": "newest"}
MOST_CHOSEN, LONGEST = 20, 100


def wish(values_of: Callable[[str], Sequence[str]], text: str, order: str, page: str) -> Wish:
    """Returns what is looked for.

    Args:
        values_of: a name in the address -> its values.
        text, order, page: what was typed, a name of ORDERS, and a number; anything else is the first of each.
    """
    chosen = {name: frozenset(values_of(name)[:MOST_CHOSEN]) for name in FACETS}
    return Wish(
        text=text[:LONGEST],
        chosen=MappingProxyType({name: values for name, values in chosen.items() if values}),
        order=ORDERS.get(order, "evidence"),
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
    )
