"""What a card shows of a pack, and which release is on the shelf. Finding is `marketplace.search`; one pack in depth `offer_details`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.layout import Lake

if TYPE_CHECKING:
    from marketplace.catalogue import Catalogue


@dataclass(frozen=True)
class Offer:
    """A pack as a card shows it. `low` and `high` are the 95% Wilson interval of the success rate."""

    skill_id: str
    version: str
    title: str
    description: str
    robot_type: str
    cameras: tuple[str, ...]
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


def release_stamp(lake: Lake) -> str | None:
    """Returns what changes whenever another release is shown; None before the first one."""
    from marketplace.catalogue import POINTER

    path = lake.releases / POINTER
    return path.read_text(encoding="utf-8") if path.is_file() else None


def offers(catalogue: Catalogue, rows: Iterable[Mapping[str, Any]]) -> list[Offer]:
    """Returns the packs of rows of table CATALOGUE, in their order."""
    return [_offer(catalogue, row) for row in rows]


def _offer(catalogue: Catalogue, row: Mapping[str, Any]) -> Offer:
    from marketplace.catalogue import POSTER

    poster = catalogue.media(row["skill_id"], row["version"]) / POSTER
    shared = ("skill_id", "version", "title", "description", "robot_type", "is_simulated", "num_successes", "num_rollouts",
              "num_episodes", "num_contributors", "price_minor", "currency")  # fmt: skip
    return Offer(
        **{name: row[name] for name in shared},
        cameras=tuple(row["camera_roles"]),
        low=row["success_low"],
        high=row["success_high"],
        baseline_rate=row["baseline_successes"] / row["num_rollouts"] if row["num_rollouts"] else 0.0,
        poster=poster if poster.is_file() else None,
    )
