"""Recall of each attack and how many honest pairs merge, over fingerprints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
from recordings import task_of

from curation.duplicates import find_duplicates
from curation.duplicates.comparison import MIN_DIGEST_SHARE, Comparison
from curation.duplicates.matching import compare

FALSE_POSITIVES = 0.001
PICTURES = ("picture_digests", "picture_signals")
JOINTS = ("joint_digests", "joint_path")


@dataclass(frozen=True)
class AttackResult:
    """Shares of the copies of one attack: found by the pipeline, by one kind of evidence alone, and by score."""

    name: str
    num_copies: int
    recall: float
    joints_only: float
    pictures_only: float
    by_score: float


@dataclass(frozen=True)
class HonestResult:
    """Pairs of honest episodes of one task, and how many the fixed limits merge."""

    num_episodes: int
    num_pairs: int
    num_merged: int
    num_merged_by_pipeline: int
    examples: tuple[str, ...]


def score(comparison: Comparison) -> float:
    """Returns how near a pair is to being called a copy: 1 at the limits, 0 where bytes agree, infinite where nothing does."""
    deviations = [np.inf]
    if comparison.is_same_encoding or comparison.digest_share >= MIN_DIGEST_SHARE:
        deviations.append(0.0)
    deviations.append(comparison.joint_excess)
    if comparison.pictures is not None and not comparison.is_other_performance:
        deviations.append(comparison.pictures.excess)
    return min(deviations)


def same_task_pairs(fingerprints: pl.DataFrame) -> list[tuple[int, int]]:
    """Returns all pairs of rows whose datasets show one task with one kind of robot."""
    groups: dict[tuple, list[int]] = {}
    for number, (dataset, size) in enumerate(fingerprints.select("dataset_id", "state_size").iter_rows()):
        groups.setdefault((task_of(dataset), size), []).append(number)
    return [pair for members in groups.values() for pair in combinations(members, 2)]


def honest(fingerprints: pl.DataFrame, max_pairs: int) -> tuple[HonestResult, np.ndarray]:
    """Returns what becomes of the honest pairs, and their scores; of more than `max_pairs`, that many drawn by chance."""
    pairs = same_task_pairs(fingerprints)
    drawn = np.random.default_rng(0).permutation(len(pairs))[:max_pairs]
    pairs = [pairs[number] for number in sorted(drawn)]
    scores, examples = [], []
    for comparison in compare(fingerprints, pairs):
        scores.append(score(comparison))
        if comparison.is_copy:
            names = [
                f"{fingerprints['dataset_id'][n]}/{fingerprints['episode_index'][n]}"
                for n in (comparison.first, comparison.second)
            ]
            examples.append(f"{names[0]} and {names[1]}: {comparison.evidence()}")
    copies = find_duplicates(fingerprints).filter(~pl.col("is_original")).height
    result = HonestResult(fingerprints.height, len(pairs), len(examples), copies, tuple(examples))
    return result, np.array(scores)


def threshold(scores: np.ndarray) -> float:
    """Returns the score that FALSE_POSITIVES of the honest pairs stay below."""
    return float(np.sort(scores)[int(len(scores) * FALSE_POSITIVES)]) if len(scores) else 0.0


def attack(
    name: str,
    honest_rows: pl.DataFrame,
    copies: pl.DataFrame,
    victims: Sequence[Sequence[tuple[str, int]]],
    limit: float,
) -> AttackResult:
    """Returns how many copies are found.

    Args:
        copies: FINGERPRINTS rows of a dataset id of their own.
        victims: per copy the episodes that it was made of; all must be found.
        limit: score for the recall by score.
    """
    both = pl.concat([honest_rows, copies])
    place = {key: number for number, key in enumerate(both.select("dataset_id", "episode_index").rows())}
    found = find_duplicates(both, order=honest_rows["dataset_id"].unique().sort().to_list())
    row_of = {(row["dataset_id"], row["episode_index"]): row for row in found.iter_rows(named=True)}
    wanted = [[(place[victim], honest_rows.height + number) for victim in own] for number, own in enumerate(victims)]
    whole = [[next(iter(compare(both, [pair]))) for pair in own] for own in wanted]
    joints = both.with_columns(pl.lit(None).cast(both.schema[name]).alias(name) for name in PICTURES)
    pictures = both.with_columns(pl.lit(None).cast(both.schema[name]).alias(name) for name in JOINTS)
    return AttackResult(
        name=name,
        num_copies=copies.height,
        recall=_share(
            _is_found(row_of, key, own)
            for key, own in zip(copies.select("dataset_id", "episode_index").rows(), victims, strict=True)
        ),
        joints_only=_share(all(c.is_copy for c in compare(joints, own)) for own in wanted),
        pictures_only=_share(all(c.is_copy for c in compare(pictures, own)) for own in wanted),
        by_score=_share(all(score(comparison) <= limit for comparison in own) for own in whole),
    )


def _is_found(rows: dict, copy: tuple[str, int], victims: Sequence[tuple[str, int]]) -> bool:
    row = rows[copy]
    clusters = {rows[victim]["cluster_id"] for victim in victims}
    return not row["is_original"] and clusters == {row["cluster_id"]}


def _share(outcomes: Iterable[bool]) -> float:
    outcomes = list(outcomes)
    return sum(outcomes) / len(outcomes) if outcomes else float("nan")
