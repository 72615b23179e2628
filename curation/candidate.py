"""One listed dataset with everything that the lake knows of it, read for the corpus.

What does not belong here: deciding between datasets (`curation.corpus`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from curation.views import Slots, slots
from data_contracts.catalogue import CAMERA_ROLE_TABLE, EPISODES, FINDINGS, JOINT_RANGES, TASK_LABELS
from data_contracts.errors import ContractError, DeftworksError
from data_contracts.layout import Lake
from data_contracts.manifests import (
    CrawlRecord,
    DatasetState,
    DatasetVerdict,
    NormalisedDataset,
    NormalisedEpisode,
    RawDataset,
)

NO_CAMERAS = Slots(None, None, None)
NOT_HAD = ("unreachable", "gone", "gated", "quarantined")
"""States of a CrawlRecord that say why there is no current dataset."""
MANY_DIGITS = re.compile(r"\d+\.\d{5,}(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class Candidate:
    """A listed dataset. What could not be read is None; `failure` then says why, and `failed_state` in which state it ends."""

    dataset_id: str
    contributor: str
    failure: str | None = None
    failed_state: DatasetState = "quarantined"
    revision: str | None = None
    published_at: str | None = None
    verdict: DatasetVerdict | None = None
    findings: pl.DataFrame | None = None
    episodes: pl.DataFrame | None = None
    joint_ranges: pl.DataFrame | None = None
    normalised: NormalisedDataset | None = None
    labels: dict[int, str | None] | None = None
    slots: Slots = NO_CAMERAS

    @property
    def is_accepted(self) -> bool:
        """True when its normalised episodes may enter the corpus, copies apart."""
        return self.failure is None and self.verdict is not None and self.verdict.accepted

    @property
    def refusal(self) -> str | None:
        """Why no episode of it may enter; None when it is accepted."""
        if self.failure is not None:
            return self.failure
        if self.verdict is None or self.verdict.accepted:
            return None
        return self.verdict.reason or "rejected"

    @cached_property
    def normalised_episodes(self) -> dict[int, NormalisedEpisode]:
        """Its normalised episodes by the number that the source gave them."""
        return {episode.episode_index: episode for episode in self.normalised.episodes} if self.normalised else {}

    @property
    def lost(self) -> dict[int, str]:
        """Episodes that could not be normalised, with the reason."""
        return self.normalised.lost if self.normalised else {}

    @property
    def state(self) -> DatasetState:
        """Its state as far as it alone decides: copies are not known here."""
        if self.failure is not None:
            return self.failed_state
        return "rejected" if self.refusal is not None else "accepted"


def read_candidate(lake: Lake, row: dict[str, Any], failure: str | None) -> Candidate:
    """Returns a candidate; whatever is missing, broken or does not belong together becomes its `failure`.

    A dataset of a remote source that could not be had is in the state that its crawl record names, whatever an earlier crawl
    left of it.

    Args:
        row: its row of SOURCE_LISTING.
        failure: what went wrong with its partition, or None.
    """
    known: dict[str, Any] = {"dataset_id": row["dataset_id"], "contributor": row["contributor"]}
    try:
        for part in (_crawled, _revision, _judged, _normalised, _described):
            known |= part(lake, row, known)
            if "failure" in known:
                break
    except DeftworksError as error:
        known["failure"] = failure or str(error)
    known["failure"] = known.get("failure") or failure
    if known["failure"] is not None:
        known["failure"] = settled(known["failure"], lake, row)
    return Candidate(**known)


def _crawled(lake: Lake, row: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    path = lake.crawl_record(row["dataset_id"])
    if not path.exists():
        return {}
    record = CrawlRecord.read(path)
    is_of_this_source = record.source.partition(":")[0] == row["source"].partition(":")[0]
    if not is_of_this_source or record.state not in NOT_HAD:
        return {}
    return {
        "failure": record.reason or f"{record.repo_id} is {record.state}.",
        "failed_state": record.state,
        "revision": record.sha and f"hub:{record.sha}",
    }


def _revision(lake: Lake, row: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    raw = RawDataset.read(lake.raw(row["dataset_id"]) / "raw.json")
    return {"revision": raw.revision, "published_at": raw.published_at}


def _judged(lake: Lake, row: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    folder = lake.findings(row["dataset_id"])
    return {
        "verdict": DatasetVerdict.read(folder / "verdict.json"),
        "findings": FINDINGS.read(folder / "findings.parquet"),
        "episodes": EPISODES.read(folder / "episodes.parquet"),
        "joint_ranges": JOINT_RANGES.read(folder / "joint_ranges.parquet"),
    }


def _normalised(lake: Lake, row: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    manifest = NormalisedDataset.read(lake.normalised(row["dataset_id"]) / "meta" / "deftworks.json")
    kept = set(known["episodes"].filter("is_kept")["episode_index"]) if known["verdict"].accepted else set()
    settled_episodes = {e.episode_index for e in manifest.episodes} | manifest.lost.keys()
    if manifest.revision != known["revision"] or settled_episodes != kept:
        raise ContractError(
            f"{row['dataset_id']} was normalised from another revision or another verdict than the present one.",
            hint="Run normalised_dataset of this partition again.",
        )
    return {"normalised": manifest}


def _described(lake: Lake, row: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    if not known["verdict"].accepted:
        return {}
    labels = TASK_LABELS.read(lake.task_labels(row["dataset_id"]) / "task_labels.parquet")
    roles = CAMERA_ROLE_TABLE.read(lake.camera_roles(row["dataset_id"]) / "camera_roles.parquet")
    return {"labels": dict(labels.select("episode_index", "label").rows()), "slots": slots(roles)}


def settled(text: str, lake: Lake, row: dict[str, Any]) -> str:
    """Returns a reason as the corpus may hash it: no place of this machine, and numbers rounded to four decimals."""
    if row["path"]:
        text = text.replace(str(Path(row["path"])), row["dataset_id"])
    text = text.replace(f"{lake.home}/", "").replace(str(lake.home), "the lake")
    return MANY_DIGITS.sub(lambda number: f"{float(number[0]):.4f}", text)
