"""Everything that the page of one pack shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.skill_pack import SkillPack

if TYPE_CHECKING:
    from marketplace.catalogue import Catalogue


@dataclass(frozen=True)
class Recording:
    """One filmed rollout."""

    path: Path
    is_success: bool


@dataclass(frozen=True)
class OfferDetails:
    """A pack in depth. `folder` is where its files lie in this shop's lake."""

    pack: SkillPack
    pack_id: str
    folder: Path
    size_bytes: int
    contributors: list[dict[str, Any]]
    recordings: list[Recording]


def offer_details(catalogue: Catalogue, skill_id: str) -> OfferDetails:
    """Returns the pack on sale under this id, or raises LakeError. Recordings that the release lacks are left out."""
    pack = catalogue.pack(skill_id)
    row = next(row for row in catalogue.packs() if row["skill_id"] == skill_id)
    media = catalogue.media(skill_id, pack.version)
    recordings = [Recording(media / Path(video.path).name, video.is_success) for video in pack.videos]
    return OfferDetails(
        pack=pack,
        pack_id=row["pack_id"],
        folder=catalogue.lake.home / row["path"],
        size_bytes=row["size_bytes"],
        contributors=catalogue.contributors(skill_id),
        recordings=[one for one in recordings if one.path.is_file()],
    )
