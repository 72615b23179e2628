"""Recall of each attack and how many honest pairs merge, over fingerprints."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
from recordings import task_of

from curation.duplicates import find_duplicates
from curation.duplicates.matching import candidates, compare

PICTURES = ("picture_digests", "picture_signals")
JOINTS = ("joint_digests", "joint_path")
Z = 1.959964


@dataclass(frozen=True)
class Share:
    """How many of how many, with Wilson's interval of 95% (Wilson 1927)."""

    count: int
    total: int

    @property
    def value(self) -> float:
        return self.count / self.total if self.total else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        if not self.total:
            return 0.0, 1.0
        middle = self.count + Z**2 / 2
        half = Z * (self.count * (1 - self.value) + Z**2 / 4) ** 0.5
        return (middle - half) / (self.total + Z**2), (middle + half) / (self.total + Z**2)


@dataclass(frozen=True)
class AttackResult:
    """Copies of one attack: found by the whole way, among the candidates, and beside their victims by one kind of evidence."""

    name: str
    found: Share
    candidates: Share
    joints_only: Share
    pictures_only: Share


@dataclass(frozen=True)
class HonestResult:
    """Pairs of honest episodes of one task: merged when compared directly, and in one cluster by the whole way."""

    num_episodes: int
    num_datasets: int
    compared: Share
    clustered: Share
    episodes: Share
    seconds_per_1000_pairs: float
    examples: tuple[str, ...]


def same_task_pairs(fingerprints: pl.DataFrame) -> list[tuple[int, int]]:
    """Returns all pairs of rows whose datasets show one task with one kind of robot."""
    groups: dict[tuple, list[int]] = {}
    for number, (dataset, size) in enumerate(fingerprints.select("dataset_id", "state_size").iter_rows()):
        groups.setdefault((task_of(dataset), size), []).append(number)
    return [pair for members in groups.values() for pair in combinations(members, 2)]


def honest(fingerprints: pl.DataFrame, max_pairs: int) -> HonestResult:
    """Returns what becomes of the honest pairs; of more than `max_pairs`, that many drawn by chance are compared directly."""
    pairs = same_task_pairs(fingerprints)
    drawn = np.random.default_rng(0).permutation(len(pairs))[:max_pairs]
    names = [f"{dataset}/{episode}" for dataset, episode in fingerprints.select("dataset_id", "episode_index").rows()]
    start = time.process_time()
    compared = list(compare(fingerprints, [pairs[number] for number in sorted(drawn)]))
    took = time.process_time() - start
    merged = [comparison for comparison in compared if comparison.is_copy]
    table = find_duplicates(fingerprints)
    cluster = {(dataset, episode): name for dataset, episode, name in table.select("dataset_id", "episode_index", "cluster_id").rows()}  # fmt: skip
    of_row = [cluster[key] for key in fingerprints.select("dataset_id", "episode_index").rows()]
    return HonestResult(
        num_episodes=fingerprints.height,
        num_datasets=fingerprints["dataset_id"].n_unique(),
        compared=Share(len(merged), len(compared)),
        clustered=Share(sum(of_row[first] == of_row[second] for first, second in pairs), len(pairs)),
        episodes=Share(table.filter(~pl.col("is_original")).height, table.height),
        seconds_per_1000_pairs=took / max(len(compared), 1) * 1000,
        examples=tuple(f"{names[c.first]} and {names[c.second]}: {c.evidence()}" for c in merged),
    )


def attack(
    name: str, honest_rows: pl.DataFrame, copies: pl.DataFrame, victims: Sequence[Sequence[tuple[str, int]]]
) -> AttackResult:
    """Returns how many copies are found.

    Args:
        copies: FINGERPRINTS rows of a dataset id of their own.
        victims: per copy the episodes that it was made of; all must be found.
    """
    both = pl.concat([honest_rows, copies])
    place = {key: number for number, key in enumerate(both.select("dataset_id", "episode_index").rows())}
    wanted = [[(place[victim], honest_rows.height + number) for victim in own] for number, own in enumerate(victims)]
    proposed = set(candidates(both))
    found = find_duplicates(both, order=honest_rows["dataset_id"].unique().sort().to_list())
    row_of = {(row["dataset_id"], row["episode_index"]): row for row in found.iter_rows(named=True)}
    joints = both.with_columns(pl.lit(None).cast(both.schema[name]).alias(name) for name in PICTURES)
    pictures = both.with_columns(pl.lit(None).cast(both.schema[name]).alias(name) for name in JOINTS)
    keys = copies.select("dataset_id", "episode_index").rows()
    return AttackResult(
        name=name,
        found=_share(_is_found(row_of, key, own) for key, own in zip(keys, victims, strict=True)),
        candidates=_share(all(pair in proposed for pair in own) for own in wanted),
        joints_only=_share(all(c.is_copy for c in compare(joints, own)) for own in wanted),
        pictures_only=_share(all(c.is_copy for c in compare(pictures, own)) for own in wanted),
    )


def _is_found(rows: dict, copy: tuple[str, int], victims: Sequence[tuple[str, int]]) -> bool:
    row = rows[copy]
    clusters = {rows[victim]["cluster_id"] for victim in victims}
    return not row["is_original"] and clusters == {row["cluster_id"]}


def _share(outcomes: Iterable[bool]) -> Share:
    outcomes = list(outcomes)
    return Share(sum(outcomes), len(outcomes))
