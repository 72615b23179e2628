"""What the shop's database knows of a pack, and what it is to whoever looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from data_contracts.identifiers import split_semantic_version
from marketplace.buying import cart_of
from marketplace.database import read
from marketplace.entitlements import entitlements_of, recalls_of
from marketplace.reviews import reviews_of

if TYPE_CHECKING:
    from marketplace.accounts.people import Person
    from marketplace.entitlements import Recall
    from marketplace.reviews import Review
    from marketplace.shop import Shop


@dataclass(frozen=True)
class PackInShop:
    """`has` is where whoever looks has it; another major version in their library is another thing to buy."""

    recalls: tuple[Recall, ...]
    reviews: tuple[Review, ...]
    has: Literal["library", "cart", "nothing"]

    def is_recalled(self, version: str) -> bool:
        return any(recall.version == version for recall in self.recalls)

    @property
    def stars(self) -> float | None:
        """Returns the mean of the reviews' stars; None without any."""
        return sum(review.stars for review in self.reviews) / len(self.reviews) if self.reviews else None


def pack_in_shop(shop: Shop, skill_id: str, version: str, person: Person | None) -> PackInShop:
    """Returns what is known of a skill, and what it is to a person who is signed in, or to a stranger."""
    with read(shop.engine) as connection:
        recalls, reviews = recalls_of(connection, skill_id), reviews_of(connection, skill_id)
        owned = entitlements_of(connection, person.id) if person else []
        wanted = cart_of(connection, person.id) if person else []
    major = split_semantic_version(version)[0]
    is_owned = any(one.skill_id == skill_id and one.major == major and one.revoked_at is None for one in owned)
    return PackInShop(
        tuple(recalls), tuple(reviews), "library" if is_owned else "cart" if skill_id in wanted else "nothing"
    )
