"""Exact copies: episodes whose state and action are equal value for value, within one dataset or across datasets.

What does not belong here: trimmed, re-timed or noisy copies, and any test of likeness. Two demonstrations of one task may
look alike and are both wanted.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from data_contracts.catalogue import DUPLICATES, FINGERPRINTS


def find_duplicates(fingerprints: pl.DataFrame, *, order: Sequence[str] = ()) -> pl.DataFrame:
    """Returns the cluster of every episode (table DUPLICATES); an episode without copies is a cluster of one.

    The cluster is named after the episode hash, so it keeps its name when copies come and go. One copy of each is credited
    as the original. Folders do not say when they were first published, so the rule is: the copy with the smallest
    (dataset_id, episode_index), unless `order` says better.

    Args:
        fingerprints: table FINGERPRINTS, of all datasets together, in any order.
        order: dataset ids whose copies are credited before all others, the first one foremost; for sources that know dates.

    Raises:
        ContractError: an episode is listed twice, or a row breaks the contract of FINGERPRINTS.
    """
    place = {dataset: number for number, dataset in enumerate(order)}
    cluster = "episode_hash"
    ranked = FINGERPRINTS.check(fingerprints).sort(
        pl.col("dataset_id").replace_strict(place, default=len(place), return_dtype=pl.Int64),
        "dataset_id",
        "episode_index",
    )
    clustered = ranked.select(
        "dataset_id",
        "episode_index",
        "episode_hash",
        pl.col("episode_hash").alias("cluster_id"),
        pl.len().over(cluster).cast(pl.Int64).alias("cluster_size"),
        (pl.int_range(pl.len()).over(cluster) == 0).alias("is_original"),
        pl.col("dataset_id").first().over(cluster).alias("original_dataset_id"),
        pl.col("episode_index").first().over(cluster).alias("original_episode_index"),
        split=pl.lit("train"),
    ).with_columns(
        copy_kind=pl.when("is_original").then(None).otherwise(pl.lit("exact")),
        evidence=pl.when("is_original").then(None).otherwise(pl.lit("same state and action")),
    )
    return DUPLICATES.check(clustered).sort(DUPLICATES.key)
