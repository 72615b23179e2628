"""One listed dataset with everything that the lake knows of it, read for the corpus.

What does not belong here: deciding between datasets (`curation.corpus`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from curation.views import Slots, slots
from data_contracts.catalogue import CAMERA_ROLE_TABLE, EPISODES, FINDINGS, TASK_LABELS
from data_contracts.errors import ContractError, DeftworksError
from data_contracts.layout import Lake
from data_contracts.manifests import DatasetVerdict, NormalisedDataset, RawDataset

NO_CAMERAS = Slots(None, None, None)


@dataclass(frozen=True)
class Candidate:
    """A listed dataset. What could not be read is None; `failure` then says why, and the dataset is quarantined."""

    dataset_id: str
    contributor: str
    failure: str | None = None
    revision: str | None = None
    verdict: DatasetVerdict | None = None
    findings: pl.DataFrame | None = None
    episodes: pl.DataFrame | None = None
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


def read_candidate(lake: Lake, row: dict[str, Any], failure: str | None) -> Candidate:
    """Returns a candidate; whatever is missing, broken or does not belong together becomes its `failure`.

    Args:
        row: its row of SOURCE_LISTING.
        failure: what went wrong with its partition, or None.
    """
    known: dict[str, Any] = {"dataset_id": row["dataset_id"], "contributor": row["contributor"]}
    try:
        for part in (_revision, _judged, _normalised, _described):
            known |= part(lake, row["dataset_id"], known)
    except DeftworksError as error:
        failure = failure or str(error)
    if failure is not None:
        failure = _without_places(failure, lake, row)
    return Candidate(**known, failure=failure)


def _revision(lake: Lake, dataset: str, known: dict[str, Any]) -> dict[str, Any]:
    return {"revision": RawDataset.read(lake.raw(dataset) / "raw.json").revision}


def _judged(lake: Lake, dataset: str, known: dict[str, Any]) -> dict[str, Any]:
    folder = lake.findings(dataset)
    return {
        "verdict": DatasetVerdict.read(folder / "verdict.json"),
        "findings": FINDINGS.read(folder / "findings.parquet"),
        "episodes": EPISODES.read(folder / "episodes.parquet"),
    }


def _normalised(lake: Lake, dataset: str, known: dict[str, Any]) -> dict[str, Any]:
    manifest = NormalisedDataset.read(lake.normalised(dataset) / "meta" / "deftworks.json")
    kept = set(known["episodes"].filter("is_kept")["episode_index"]) if known["verdict"].accepted else set()
    if manifest.revision != known["revision"] or {e.episode_index for e in manifest.episodes} != kept:
        raise ContractError(
            f"{dataset} was normalised from another revision or another verdict than the present one.",
            hint="Run normalised_dataset of this partition again.",
        )
    return {"normalised": manifest}


def _described(lake: Lake, dataset: str, known: dict[str, Any]) -> dict[str, Any]:
    if not known["verdict"].accepted:
        return {}
    labels = TASK_LABELS.read(lake.task_labels(dataset) / "task_labels.parquet")
    roles = CAMERA_ROLE_TABLE.read(lake.camera_roles(dataset) / "camera_roles.parquet")
    return {"labels": dict(labels.select("episode_index", "label").rows()), "slots": slots(roles)}


def _without_places(text: str, lake: Lake, row: dict[str, Any]) -> str:
    # A reason is part of the corpus hash, and the same corpus may be built in another folder.
    text = text.replace(str(Path(row["path"])), row["dataset_id"])
    return text.replace(f"{lake.home}/", "").replace(str(lake.home), "the lake")
