"""What the clusters say of each dataset, as findings: copies are decided over the whole corpus, so nothing here gates."""

from __future__ import annotations

import json
from collections.abc import Mapping

import polars as pl

from data_contracts.catalogue import DUPLICATES, FINDINGS


def copy_findings(duplicates: pl.DataFrame, contributors: Mapping[str, str]) -> pl.DataFrame:
    """Returns findings (table FINDINGS) of every dataset that holds copies, one per kind and dataset that it copies.

    duplicate.exact_copy and duplicate.near_copy warn; duplicate.cross_contributor notes that the original is another
    contributor's.

    Args:
        duplicates: table DUPLICATES.
        contributors: dataset id to contributor; a dataset that is not named counts as nobody's.
    """
    copies = DUPLICATES.check(duplicates).filter(~pl.col("is_original"))
    groups = copies.group_by("dataset_id", "original_dataset_id", "copy_kind").agg(
        pl.col("episode_index").sort(),
        pl.col("original_episode_index").sort_by("episode_index"),
        pl.col("evidence").sort_by("episode_index").first(),
    )
    rows = []
    for group in groups.sort("dataset_id", "original_dataset_id", "copy_kind").iter_rows(named=True):
        dataset, source, kind = group["dataset_id"], group["original_dataset_id"], group["copy_kind"]
        copied = "itself" if source == dataset else source
        numbers = group["episode_index"]
        told = f"{len(numbers)} episode{'s are' if len(numbers) > 1 else ' is a'} {kind} cop{'ies' if len(numbers) > 1 else 'y'}"
        evidence = {"originals": group["original_episode_index"], "of": source, "for example": group["evidence"]}
        rows.append(
            _row(dataset, f"duplicate.{kind}_copy", "warn", numbers, f"{told} of episodes of {copied}.", evidence)
        )
        owner, credited = contributors.get(dataset), contributors.get(source)
        if owner != credited:
            message = f"{told} of recordings that {credited or 'somebody else'} is credited with ({source})."
            rows.append(_row(dataset, "duplicate.cross_contributor", "note", numbers, message, evidence))
    return FINDINGS.check(FINDINGS.frame(rows))


def _row(dataset: str, code: str, severity: str, episodes: list[int], message: str, evidence: dict) -> dict:
    return {
        "dataset_id": dataset,
        "code": code,
        "severity": severity,
        "episodes": episodes,
        "message": message,
        "evidence_json": json.dumps(evidence, sort_keys=True),
    }
