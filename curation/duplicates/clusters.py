"""Who is a copy of whom, who is credited, and on which side of the split a cluster stands.

What does not belong here: whether two episodes are copies (`matching`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from curation.duplicates.matching import find_matches
from data_contracts.catalogue import DUPLICATES, FINGERPRINTS
from data_contracts.identifiers import episode_id

EVALUATION_SHARE = 0.05


@dataclass(frozen=True)
class Link:
    """A direct match with an episode (by number, in the order of credit)."""

    other: int
    copy_kind: str
    evidence: str


def find_duplicates(fingerprints: pl.DataFrame, *, order: Sequence[str] = ()) -> pl.DataFrame:
    """Returns the cluster of every episode (table DUPLICATES); an episode without copies is a cluster of one.

    Copies are credited to what was there first: datasets in the order given, then the smallest (dataset_id, episode_index).
    An episode is a copy where it matches an earlier one, exactly or nearly; a copy of a copy is credited to the original.
    A recording joined of two others is a copy of both, which stay originals although the three make one cluster. A cluster
    is named after the smallest episode hash in it, and its name alone decides the split: what is linked is never divided.

    Args:
        fingerprints: table FINGERPRINTS, of all datasets together, in any order.
        order: dataset ids whose episodes are credited before all others, the first one foremost; for sources that know dates.

    Raises:
        ContractError: an episode is listed twice, or a row breaks the contract of FINGERPRINTS.
    """
    ranked = _in_order_of_credit(FINGERPRINTS.check(fingerprints), order)
    links = _links(ranked)
    clusters = _components(ranked.height, ((number, link.other) for number, own in enumerate(links) for link in own))
    rows = _credited(ranked, links)
    hashes = ranked["episode_hash"]
    table = pl.DataFrame(rows, schema={name: DUPLICATES.schema[name] for name in _CREDIT_COLUMNS})
    table = ranked.select("dataset_id", "episode_index", "episode_hash").with_columns(
        table, component=pl.Series(clusters, dtype=pl.Int64)
    )
    table = table.with_columns(
        cluster_id=pl.col("episode_hash").min().over("component"),
        cluster_size=pl.len().over("component").cast(pl.Int64),
    )
    splits = {cluster: split_of(cluster) for cluster in hashes.unique()}
    table = table.with_columns(split=pl.col("cluster_id").replace_strict(splits, return_dtype=pl.String))
    return DUPLICATES.check(table.drop("component")).sort(DUPLICATES.key)


def split_of(cluster_id: str) -> str:
    """Returns train or evaluation (about EVALUATION_SHARE of all clusters): a function of the name alone."""
    drawn = int.from_bytes(hashlib.sha256(f"split {cluster_id}".encode()).digest()[:8], "big") / 2**64
    return "evaluation" if drawn < EVALUATION_SHARE else "train"


_CREDIT_COLUMNS = ("is_original", "original_dataset_id", "original_episode_index", "copy_kind", "evidence")


def _in_order_of_credit(fingerprints: pl.DataFrame, order: Sequence[str]) -> pl.DataFrame:
    place = {dataset: number for number, dataset in enumerate(order)}
    return fingerprints.sort(
        pl.col("dataset_id").replace_strict(place, default=len(place), return_dtype=pl.Int64),
        "dataset_id",
        "episode_index",
    )


def _links(ranked: pl.DataFrame) -> list[list[Link]]:
    """Returns for each episode its direct matches among those credited before it: exact ones, then near ones."""
    links: list[list[Link]] = [[] for _ in range(ranked.height)]
    contents = _exact_groups(ranked)
    first_of = {content: number for number, content in reversed(list(enumerate(contents)))}
    for number, content in enumerate(contents):
        first = first_of[content]
        if first != number:
            is_published_so = ranked["episode_hash"][first] == ranked["episode_hash"][number]
            links[number].append(
                Link(first, "exact", f"same state and action{'' if is_published_so else ' once normalised'}")
            )
    shown = [
        (content, *(own or ())) for content, own in zip(contents, ranked["picture_digests"].to_list(), strict=True)
    ]
    likeness_of = {key: number for number, key in reversed(list(enumerate(shown)))}
    distinct = sorted(likeness_of.values())  # equal joints may come with other pictures: another's, or encoded again
    partners: dict[int, list[tuple[int, str]]] = {}
    for match in find_matches(ranked[distinct]):
        first, second = distinct[match.first], distinct[match.second]
        partners.setdefault(first, []).append((second, match.evidence()))
        partners.setdefault(second, []).append((first, match.evidence()))
    for number, key in enumerate(shown):
        near = sorted(partners.get(likeness_of[key], ()))
        links[number] += [
            Link(other, "near", evidence)
            for other, evidence in near
            if other < number and contents[other] != contents[number]
        ]
    return links


def _exact_groups(ranked: pl.DataFrame) -> list[int]:
    """Returns a number per episode, the same where the hash of what was published or of what was written is the same."""
    seen: dict[str, int] = {}
    pairs = []
    for number, (published, written) in enumerate(ranked.select("episode_hash", "written_hash").iter_rows()):
        for key in {f"published {published}", f"written {written or published}"}:
            pairs.append((number, seen.setdefault(key, number)))
    return _components(ranked.height, pairs)


def _credited(ranked: pl.DataFrame, links: list[list[Link]]) -> list[dict[str, Any]]:
    """Returns who is credited for each episode: itself, or the original at the end of the chain that starts at its best link."""
    keys = ranked.select("dataset_id", "episode_index").rows()
    originals: list[int] = []
    rows = []
    for number, own in enumerate(links):
        own = sorted(
            own, key=lambda link: originals[link.other] != link.other
        )  # originals first, otherwise as they came
        originals.append(originals[own[0].other] if own else number)
        dataset, episode = keys[originals[number]]
        is_direct = bool(own) and own[0].other == originals[number]
        rows.append(
            {
                "is_original": not own,
                "original_dataset_id": dataset,
                "original_episode_index": episode,
                "copy_kind": None if not own else own[0].copy_kind if is_direct else "near",
                "evidence": _told(own, keys, is_direct=is_direct) if own else None,
            }
        )
    return rows


def _told(own: list[Link], keys: list[tuple[str, int]], *, is_direct: bool) -> str:
    first = own[0].evidence if is_direct else f"by way of {episode_id(*keys[own[0].other])}: {own[0].evidence}"
    others = [f"also {episode_id(*keys[link.other])}: {link.evidence}" for link in own[1:4]]
    return "; ".join([first, *others])


def _components(size: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Returns for each of `size` things the smallest number that it is connected with (union-find)."""
    parent = list(range(size))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for first, second in pairs:
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    return [root(number) for number in range(size)]
