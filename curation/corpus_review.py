"""What a reviewer should look at first: rules over the finished corpus, each with why, and the datasets it points at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from data_contracts.manifests import CorpusManifest

Facts = dict[str, Any]
MOST_ITEMS = 12
MOST_CODES = 5
CONVENTIONS = ("motion.unit_convention", "motion.zero_convention", "motion.calibration_offset", "motion.raw_counts")


def review(
    manifest: CorpusManifest, episodes: pl.DataFrame, findings: pl.DataFrame, cameras: pl.DataFrame
) -> list[Facts]:
    """Returns the rules that point at something: title, why, items (dataset, what) and how many more there are.

    Args:
        episodes: table CORPUS_EPISODES.
        findings: table FINDINGS of all datasets and of the corpus.
        cameras: table CAMERA_ROLE_TABLE of all datasets.
    """
    rules = [
        ("No verdict", "A stage failed or what the lake holds does not fit together: mend it and run it again.",
         [_item(d.dataset, d.reason) for d in manifest.datasets if d.state == "quarantined"]),
        ("Borderline", "Fewer than half of the episodes pass the gates: look whether the gates are right about it.",
         list(_borderline(manifest, episodes))),
        ("Near copies between contributors", "Likeness decided who is credited; a person should agree.",
         list(_near_copies(episodes))),
        ("Units and zero of the joints", "Values in another convention spoil a mixture without any error.",
         list(_conventions(findings))),
        ("Cameras without a role", "What is not known to be a top or a wrist view is masked in training.",
         list(_unknown_cameras(episodes, cameras))),
        ("Warnings with most episodes", "One wrong rule here costs most; so does one right rule that is ignored.",
         list(_warnings(episodes))),
    ]  # fmt: skip
    return [
        {"title": title, "why": why, "items": items[:MOST_ITEMS], "num_more": max(0, len(items) - MOST_ITEMS)}
        for title, why, items in rules
        if items
    ]


def _borderline(manifest: CorpusManifest, episodes: pl.DataFrame) -> Iterable[Facts]:
    is_usable = pl.col("is_kept") | pl.col("copy_of").is_not_null()
    counts = episodes.group_by("dataset_id").agg(is_usable.sum().alias("usable"), pl.len().alias("all"))
    for dataset, usable, total in counts.filter(pl.col("usable") * 2 < pl.col("all")).sort("dataset_id").rows():
        if usable:
            yield _item(dataset, f"{usable} of {total} episodes pass")


def _near_copies(episodes: pl.DataFrame) -> Iterable[Facts]:
    near = episodes.filter(copy_kind="near").with_columns(credited=pl.col("copy_of").str.split("/").list.first())
    owners = episodes.select(pl.col("dataset_id").alias("credited"), pl.col("contributor").alias("owner")).unique()
    foreign = near.join(owners, on="credited").filter(pl.col("contributor") != pl.col("owner"))
    counts = foreign.group_by("dataset_id", "credited").len().sort(["len", "dataset_id"], descending=[True, False])
    for dataset, credited, count in counts.rows():
        yield _item(dataset, f"{count} near cop{'y' if count == 1 else 'ies'} of {credited}")


def _conventions(findings: pl.DataFrame) -> Iterable[Facts]:
    found = findings.filter(pl.col("code").is_in(CONVENTIONS)).sort("dataset_id", "code")
    for dataset, code, message in found.select("dataset_id", "code", "message").rows():
        yield _item(dataset, f"{code}: {message}")


def _unknown_cameras(episodes: pl.DataFrame, cameras: pl.DataFrame) -> Iterable[Facts]:
    """Datasets with kept episodes and a camera of no known role; those that fill no slot at all first."""
    slots = pl.any_horizontal(pl.col("camera_top", "camera_wrist", "camera_side").is_not_null())
    kept = (
        episodes.filter("is_kept").group_by("dataset_id").agg(slots.any().alias("fills_a_slot"), pl.len().alias("kept"))
    )
    unknown = cameras.filter(role="unknown").group_by("dataset_id").agg(pl.col("camera_key").sort())
    rows = kept.join(unknown, on="dataset_id").sort(
        ["fills_a_slot", "kept", "dataset_id"], descending=[False, True, False]
    )
    for dataset, fills_a_slot, count, keys in rows.rows():
        lost = "" if fills_a_slot else f"; no slot is filled, {count} episodes show nothing"
        yield _item(dataset, ", ".join(keys) + lost)


def _warnings(episodes: pl.DataFrame) -> Iterable[Facts]:
    warned = episodes.filter("is_kept").explode("warnings", empty_as_null=True).drop_nulls("warnings")
    codes = warned.group_by("warnings").len().sort(["len", "warnings"], descending=[True, False]).rows()
    for code, count in codes[:MOST_CODES]:
        datasets = warned.filter(warnings=code).group_by("dataset_id").len()
        dataset, most = datasets.sort(["len", "dataset_id"], descending=[True, False]).row(0)
        elsewhere = f", {most} of them here" if datasets.height > 1 else ""
        yield _item(dataset, f"{code}: {count} kept episodes of {_number(datasets.height, 'dataset')}{elsewhere}")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _item(dataset: str, what: str | None) -> Facts:
    return {"dataset": dataset, "what": what or ""}
