"""One dataset from its listing to its findings, as stages: what the Dagster assets and the crawl both do.

What does not belong here: anything of Dagster, and how the network is asked (`curation.sources`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data_contracts.catalogue import EPISODES, FINDINGS, JOINT_RANGES
from data_contracts.errors import ContractError, DatasetUnreadable, NotADataset
from data_contracts.layout import Lake
from data_contracts.manifests import DatasetVerdict, RawDataset
from data_contracts.stages import StageResult, digest_of, run_stage
from pipelines.versions import VERSIONS


def make_raw(lake: Lake, row: dict[str, Any]) -> StageResult:
    """Makes sure that the lake knows where a listed dataset lies and what it is; a remote one is fetched.

    Args:
        row: its row of SOURCE_LISTING.

    Raises:
        SourceError: it cannot be had.
    """
    from curation.sources import describe_raw

    folder = lake.raw(row["dataset_id"])
    return run_stage(folder, raw_inputs(row), lambda out: describe_raw(row, lake).write(out / "raw.json"))


def raw_inputs(row: dict[str, Any]) -> dict[str, Any]:
    """Returns what decides the stage of `make_raw`: while it stays the same, nothing is asked or read again."""
    return {"version": VERSIONS["raw_dataset"], **row}


def make_findings(lake: Lake, dataset_id: str) -> StageResult:
    """Makes sure that the dataset is judged as its source published it."""
    raw = read_raw(lake, dataset_id)
    known = {"fetched": raw.fetched, "findings": digest_of([f.model_dump(mode="json") for f in raw.findings])}
    inputs = {"version": VERSIONS["dataset_findings"], "dataset": dataset_id, "revision": raw.revision, **known}
    return run_stage(lake.findings(dataset_id), inputs, lambda out: _judge(raw, out))


def read_raw(lake: Lake, dataset_id: str) -> RawDataset:
    return RawDataset.read(lake.raw(dataset_id) / "raw.json")


def read_verdict(lake: Lake, dataset_id: str) -> DatasetVerdict:
    return DatasetVerdict.read(lake.findings(dataset_id) / "verdict.json")


def earlier_verdict(lake: Lake, dataset_id: str) -> DatasetVerdict | None:
    """Returns the verdict that the lake holds, or None where there is none that can be read."""
    try:
        return read_verdict(lake, dataset_id)
    except ContractError:
        return None


def _judge(raw: RawDataset, out: Path) -> None:
    from curation.quality import judge, judge_refused, judge_unreadable

    try:
        if raw.fetched == "all":
            judgement = judge(Path(raw.path), raw.dataset_id, source_findings=raw.findings)
        else:
            judgement = judge_refused(Path(raw.path), raw.dataset_id, raw.findings)
    except (NotADataset, DatasetUnreadable) as error:
        judgement = judge_unreadable(raw.dataset_id, error)
    FINDINGS.write(judgement.findings, out / "findings.parquet")
    EPISODES.write(judgement.episodes, out / "episodes.parquet")
    JOINT_RANGES.write(judgement.joint_ranges, out / "joint_ranges.parquet")
    judgement.verdict.write(out / "verdict.json")
