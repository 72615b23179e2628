"""What the report of a corpus says, as plain JSON: the figures, every dataset, joint ranges by robot, what to look at first.

What does not belong here: how it looks (`curation.corpus_page`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from curation.corpus_figures import corpus_figures
from curation.corpus_query import read_view
from curation.corpus_review import review
from data_contracts.catalogue import CORPUS_EPISODES
from data_contracts.findings import axis_of
from data_contracts.identifiers import repo_id
from data_contracts.layout import Lake
from data_contracts.manifests import CorpusDataset, CorpusManifest

Facts = dict[str, Any]
SEVERITIES = ("gate", "warn", "note")
MOST_ROBOTS = 12
MOST_JOINTS = 32
MOST_RANGES = 60
DIGITS = 6


def corpus_report(lake: Lake) -> Facts:
    """Returns what is said of the lake's corpus: a function of what the lake holds, the same in every place.

    Keys: those of `corpus_figures`, datasets (state, reason, findings by axis, cameras), robots (joint ranges), review.

    Raises:
        ContractError: the lake has no corpus, or one of another version.
    """
    manifest = CorpusManifest.read(lake.corpus / "manifest.json")
    episodes = CORPUS_EPISODES.read(lake.corpus / "episodes.parquet")
    names = [dataset.dataset for dataset in manifest.datasets]
    findings = read_view(lake, "findings", names)
    cameras = read_view(lake, "camera_roles", names)
    found = {key[0]: part for key, part in findings.group_by("dataset_id", maintain_order=True)}
    roles = {key[0]: part for key, part in cameras.group_by("dataset_id", maintain_order=True)}
    return {
        **corpus_figures(lake),
        "review": review(manifest, episodes, findings, cameras),
        "datasets": [_dataset(d, found.get(d.dataset), roles.get(d.dataset)) for d in manifest.datasets],
        "robots": list(_robots(read_view(lake, "joint_ranges", names))),
    }


def _dataset(dataset: CorpusDataset, findings: pl.DataFrame | None, cameras: pl.DataFrame | None) -> Facts:
    known = dataset.model_dump(mode="json", exclude={"integrity", "task_evidence"})
    is_remote = dataset.revision is not None and dataset.revision.startswith("hub:")
    return {
        **known,
        "repository": repo_id(dataset.dataset) if is_remote else None,
        "findings": _findings(findings),
        "cameras": [] if cameras is None else cameras.sort("camera_key").select("camera_key", "role").to_dicts(),
    }


def _findings(findings: pl.DataFrame | None) -> dict[str, list[Facts]]:
    by_axis: dict[str, list[Facts]] = {"integrity": [], "task_evidence": []}
    rows = [] if findings is None else findings.iter_rows(named=True)
    for row in sorted(rows, key=lambda row: (SEVERITIES.index(row["severity"]), row["code"], row["message"])):
        shown = {name: row[name] for name in ("code", "severity", "message")}
        shown["num_episodes"] = None if row["episodes"] is None else len(row["episodes"])
        by_axis[axis_of(row["code"])].append(shown)
    return by_axis


def _robots(ranges: pl.DataFrame) -> Iterable[Facts]:
    """Yields, for the robots that most datasets name, how far each joint of the state reaches in each dataset."""
    state = ranges.filter(pl.col("column") == "observation.state").with_columns(pl.col("robot_type").fill_null(""))
    counts = state.group_by("robot_type").agg(pl.col("dataset_id").n_unique().alias("datasets"))
    for robot, num_datasets in counts.sort(["datasets", "robot_type"], descending=[True, False]).rows()[:MOST_ROBOTS]:
        of_robot = state.filter(robot_type=robot).sort("dimension", "name", "dataset_id")
        joints = [part for _, part in of_robot.group_by("name", maintain_order=True)]
        yield {
            "robot_type": robot or None,
            "datasets": num_datasets,
            "joints": [_joint(part) for part in joints[:MOST_JOINTS]],
            "num_joints": len(joints),
        }


def _joint(rows: pl.DataFrame) -> Facts:
    """Of very many datasets the ranges that lie farthest from the others' middle: those are what one looks for."""
    middle = rows["centre"].median()
    farthest = rows.sort([(pl.col("centre") - middle).abs(), "dataset_id"], descending=[True, False])
    shown = farthest.head(MOST_RANGES).sort("centre", "dataset_id")
    return {
        "name": rows["name"][0],
        "low": _rounded(rows["low"].min()),
        "high": _rounded(rows["high"].max()),
        "middle": _rounded(middle),
        "num_datasets": rows.height,
        "ranges": [
            {"dataset": dataset, "low": _rounded(low), "high": _rounded(high), "centre": _rounded(centre)}
            for dataset, low, high, centre in shown.select("dataset_id", "low", "high", "centre").rows()
        ],
    }


def _rounded(value: Any) -> float:
    return float(f"{value:.{DIGITS}g}")
