"""Everything that the page of one pack shows of the release. What the shop's database knows of it is `pack_in_shop`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.manifests import RateWithInterval
from data_contracts.skill_pack import SkillPack

if TYPE_CHECKING:
    from marketplace.catalogue import Catalogue

OWN = "policy"


@dataclass(frozen=True)
class Recording:
    """One filmed rollout. `seed` is that of its start, None where the rollouts do not name the recording."""

    path: Path
    is_success: bool
    seed: int | None = None


@dataclass(frozen=True)
class OfferDetails:
    """A pack in depth. `folder` is where its files lie in this shop's lake; `recordings` are a success and a failure in turn.

    `rates` are world -> policy or baseline -> rate, the pack's own (OWN) first; empty where no rollouts were written down.
    """

    pack: SkillPack
    pack_id: str
    folder: Path
    size_bytes: int
    contributors: list[dict[str, Any]]
    datasets: list[dict[str, Any]]
    recordings: list[Recording]
    rates: dict[str, dict[str, RateWithInterval]]


def offer_details(catalogue: Catalogue, skill_id: str) -> OfferDetails:
    """Returns the pack on sale under this id, or raises LakeError. Recordings that the release lacks are left out."""
    pack = catalogue.pack(skill_id)
    row = catalogue.query("SELECT pack_id, path, size_bytes FROM catalogue WHERE skill_id = ?", skill_id).row(
        0, named=True
    )
    return OfferDetails(
        pack=pack,
        pack_id=row["pack_id"],
        folder=catalogue.lake.home / row["path"],
        size_bytes=row["size_bytes"],
        contributors=catalogue.contributors(skill_id),
        datasets=catalogue.datasets(skill_id),
        recordings=_recordings(catalogue, pack),
        rates=_rates(catalogue.rates(skill_id)),
    )


def _recordings(catalogue: Catalogue, pack: SkillPack) -> list[Recording]:
    media = catalogue.media(pack.skill_id, pack.version)
    seeds = catalogue.query(
        "SELECT video, seed FROM rollouts WHERE skill_id = ? AND policy = ? AND video IS NOT NULL", pack.skill_id, OWN
    )
    seed_of = {Path(video).name: seed for video, seed in seeds.iter_rows()}
    found = [
        Recording(media / (name := Path(video.path).name), video.is_success, seed_of.get(name)) for video in pack.videos
    ]
    found = [one for one in found if one.path.is_file()]
    pairs = zip_longest(*([one for one in found if one.is_success is outcome] for outcome in (True, False)))
    return [one for one in chain.from_iterable(pairs) if one]


def _rates(rows: list[dict[str, Any]]) -> dict[str, dict[str, RateWithInterval]]:
    rates: dict[str, dict[str, RateWithInterval]] = {}
    for row in sorted(rows, key=lambda row: (row["world"], row["policy"] != OWN, row["policy"])):
        numbers = {name: row[name] for name in ("num_successes", "num_rollouts", "low", "high")}
        rates.setdefault(row["world"], {})[row["policy"]] = RateWithInterval(**numbers)
    return rates
