"""Copies within a corpus: who is credited before whom, and which one of each family of copies is kept.

What does not belong here: finding copies (`curation.duplicates`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from data_contracts.errors import LakeError
from data_contracts.identifiers import episode_id

EpisodeKey = tuple[str, int]
UPLOADS = "uploads:"


@dataclass(frozen=True)
class Copies:
    """`cluster_of`: each accepted episode's row of DUPLICATES. `kept_for`: the episode kept in its place, itself when kept."""

    cluster_of: dict[EpisodeKey, dict[str, Any]]
    kept_for: dict[EpisodeKey, EpisodeKey]

    def kind(self, key: EpisodeKey) -> str | None:
        """Returns how `key` is a copy of the episode kept in its place, exact or near; None where it is kept itself."""
        kept = self.kept_for[key]
        if kept == key:
            return None
        row = self.cluster_of[key]
        if (row["original_dataset_id"], row["original_episode_index"]) == kept:
            return row["copy_kind"]
        return "exact" if row["episode_hash"] == self.cluster_of[kept]["episode_hash"] else "near"


def credit_order(listing: pl.DataFrame, published: Mapping[str, str | None]) -> list[str]:
    """Returns dataset ids, those credited first at the front: by date of publication, then those without one, then uploads.

    What was published before it was handed in here is the original, whatever the names. Among equals the id decides.

    Args:
        listing: table SOURCE_LISTING.
        published: dataset id to RawDataset.published_at; a dataset that is not in it has no date.
    """

    def rank(row: tuple[str, str]) -> tuple[bool, bool, datetime, str]:
        dataset, source = row
        moment = _moment(published.get(dataset))
        return source == UPLOADS, moment is None, moment or datetime.min.replace(tzinfo=UTC), dataset

    return [dataset for dataset, _ in sorted(listing.select("dataset_id", "source").rows(), key=rank)]


def resolve_copies(
    duplicates: pl.DataFrame, accepted: Mapping[EpisodeKey, Iterable[str]], order: Sequence[str]
) -> Copies:
    """Returns which of the accepted episodes are kept: of an original and its copies, one.

    The original where it is accepted, otherwise the accepted copy that is credited first. A copy of a copy belongs to the
    original at the end of the chain, so nothing that hangs together by copying is kept twice.

    Args:
        duplicates: table DUPLICATES.
        accepted: every episode that may be kept, with the hashes that it is known by.
        order: dataset ids by credit, as `credit_order` gives them.

    Raises:
        LakeError: the duplicates table does not know an accepted episode as it is now.
    """
    rows = {(row["dataset_id"], row["episode_index"]): row for row in duplicates.iter_rows(named=True)}
    for key, hashes in accepted.items():
        if key not in rows or rows[key]["episode_hash"] not in hashes:
            raise LakeError(
                f"The duplicates table does not know {episode_id(*key)} as it is now.",
                hint="It is older than the normalised datasets: materialise fingerprints and duplicates again.",
            )
    place = {dataset: number for number, dataset in enumerate(order)}
    first_of: dict[EpisodeKey, EpisodeKey] = {}
    family_of = {key: _root(rows, key) for key in accepted}
    for key in sorted(accepted, key=lambda key: (family_of[key] != key, place.get(key[0], len(place)), key)):
        first_of.setdefault(family_of[key], key)
    return Copies({key: rows[key] for key in accepted}, {key: first_of[family_of[key]] for key in accepted})


def _root(rows: Mapping[EpisodeKey, Mapping[str, Any]], key: EpisodeKey) -> EpisodeKey:
    """Returns the original at the end of the chain that starts at `key`."""
    seen = [key]
    while not rows[key]["is_original"]:
        key = (rows[key]["original_dataset_id"], rows[key]["original_episode_index"])
        if key in seen or key not in rows:
            raise LakeError(
                f"The duplicates table names no original for {episode_id(*seen[0])}.",
                hint="Materialise duplicates again.",
            )
        seen.append(key)
    return key


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
