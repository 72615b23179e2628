"""What the shop's database knows of a pack, and what it is to whoever looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_contracts.identifiers import split_semantic_version

if TYPE_CHECKING:
    from marketplace.accounts.people import Person
    from marketplace.entitlements import Recall
    from marketplace.reviews import Review
    from marketplace.shop import Shop


@dataclass(frozen=True)
class PackInShop:
    """`is_owned`: who looks may download it; `is_in_cart`: they put it there; both False for strangers."""

    recalls: tuple[Recall, ...]
    reviews: tuple[Review, ...]
    is_owned: bool
    is_in_cart: bool

    def is_recalled(self, version: str) -> bool:
        return any(recall.version == version for recall in self.recalls)

    @property
    def stars(self) -> float | None:
        """Returns the mean of the reviews' stars; None without any."""
        return sum(review.stars for review in self.reviews) / len(self.reviews) if self.reviews else None


def pack_in_shop(shop: Shop, skill_id: str, version: str, person: Person | None) -> PackInShop:
    """Returns what is known of a skill, and what it is to a person who is signed in, or to a stranger."""
    from marketplace.buying import cart_of
    from marketplace.database import read
    from marketplace.entitlements import entitlements_of, recalls_of
    from marketplace.reviews import reviews_of

    major = split_semantic_version(version)[0]
    with read(shop.engine) as connection:
        owned = entitlements_of(connection, person.id) if person else []
        return PackInShop(
            recalls=tuple(recalls_of(connection, skill_id)),
            reviews=tuple(reviews_of(connection, skill_id)),
            is_owned=any(one.skill_id == skill_id and one.major == major and one.is_active for one in owned),
            is_in_cart=bool(person) and skill_id in cart_of(connection, person.id),
        )
