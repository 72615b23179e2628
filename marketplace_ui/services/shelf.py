"""What is on the shelf, and finding something there. One pack in depth is `offer_details`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.layout import Lake

if TYPE_CHECKING:
    from marketplace.catalogue import Catalogue

PRICES = ("Free", "Paid")


@dataclass(frozen=True)
class Offer:
    """A pack as a card shows it. `low` and `high` are the 95% Wilson interval of the success rate."""

    skill_id: str
    version: str
    title: str
    description: str
    robot_type: str
    is_simulated: bool
    num_successes: int
    num_rollouts: int
    low: float
    high: float
    baseline_rate: float
    num_episodes: int
    num_contributors: int
    price_minor: int
    currency: str
    poster: Path | None

    @property
    def rate(self) -> float:
        return self.num_successes / self.num_rollouts if self.num_rollouts else 0.0


@dataclass(frozen=True)
class Wish:
    """What somebody looks for. Empty fields ask for nothing; `least_low` bounds the lower end of the success interval."""

    text: str = ""
    robots: tuple[str, ...] = ()
    price: str | None = None
    least_low: float = 0.0


def release_stamp(lake: Lake) -> str | None:
    """Returns what changes whenever another release is shown; None before the first one."""
    from marketplace.catalogue import POINTER

    path = lake.releases / POINTER
    return path.read_text(encoding="utf-8") if path.is_file() else None


def offers(catalogue: Catalogue) -> list[Offer]:
    """Returns the shelf, best evidence first."""
    return [_offer(catalogue, row) for row in catalogue.packs()]


def find(shelf: Iterable[Offer], wish: Wish) -> list[Offer]:
    """Returns the offers that fulfil every part of the wish, in the order of the shelf."""
    words = wish.text.lower().split()
    return [
        offer
        for offer in shelf
        if all(word in f"{offer.title} {offer.description} {offer.robot_type}".lower() for word in words)
        and (not wish.robots or offer.robot_type in wish.robots)
        and (wish.price is None or (wish.price == "Free") == (offer.price_minor == 0))
        and offer.low >= wish.least_low
    ]


def robots(shelf: Iterable[Offer]) -> list[str]:
    """Returns the robot types on the shelf, sorted."""
    return sorted({offer.robot_type for offer in shelf})


def _offer(catalogue: Catalogue, row: dict) -> Offer:
    from marketplace.catalogue import POSTER

    poster = catalogue.media(row["skill_id"], row["version"]) / POSTER
    shared = ("skill_id", "version", "title", "description", "robot_type", "is_simulated", "num_successes", "num_rollouts",
              "num_episodes", "num_contributors", "price_minor", "currency")  # fmt: skip
    return Offer(
        **{name: row[name] for name in shared},
        low=row["success_low"],
        high=row["success_high"],
        baseline_rate=row["baseline_successes"] / row["num_rollouts"] if row["num_rollouts"] else 0.0,
        poster=poster if poster.is_file() else None,
    )
