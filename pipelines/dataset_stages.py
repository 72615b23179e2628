"""One dataset from its listing to its findings, as stages: what the Dagster assets and the crawl both do. What decides each
stage of a dataset stands here too, for whoever asks whether any of them is to be made again.

What does not belong here: anything of Dagster, and how the network is asked (`curation.sources`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.catalogue import EPISODES, FINDINGS, JOINT_RANGES
from data_contracts.errors import ContractError, DatasetUnreadable, DeftworksError, NotADataset
from data_contracts.layout import Lake
from data_contracts.manifests import DatasetVerdict, RawDataset
from data_contracts.stages import StageResult, digest_of, folder_digest, run_stage
from pipelines.failed_stages import read_failures
from pipelines.versions import VERSIONS

if TYPE_CHECKING:
    from annotation import Annotator


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
    return run_stage(lake.findings(dataset_id), findings_inputs(raw), lambda out: _judge(raw, out))


def findings_inputs(raw: RawDataset) -> dict[str, Any]:
    """Returns what decides the stage of `make_findings`."""
    known = {"fetched": raw.fetched, "findings": digest_of([f.model_dump(mode="json") for f in raw.findings])}
    return {"version": VERSIONS["dataset_findings"], "dataset": raw.dataset_id, "revision": raw.revision, **known}


def normalised_inputs(lake: Lake, dataset_id: str) -> dict[str, Any]:
    """Returns what decides the normalised dataset."""
    return {"version": VERSIONS["normalised_dataset"], "findings": folder_digest(lake.findings(dataset_id))}


def described_inputs(lake: Lake, dataset_id: str, asset: str, **settings: str) -> dict[str, Any]:
    """Returns what decides an asset that describes the normalised dataset."""
    return {"version": VERSIONS[asset], "normalised": folder_digest(lake.normalised(dataset_id)), **settings}


@cache
def annotator_of(spec: str) -> Annotator:
    """Returns the annotator that the settings name, loaded once per process: a model takes minutes to load."""
    from annotation import open_annotator

    return open_annotator(spec)


def identity(annotator: Annotator) -> dict[str, str]:
    """Returns what tells one annotator from another, for the inputs of labels."""
    return {"annotator": annotator.name, "prompt": annotator.prompt_hash or ""}


def is_up_to_date(lake: Lake, row: dict[str, Any], annotator: str) -> bool:
    """Returns True where every stage of a listed dataset is what it would be if it were made now, and none failed last time.

    Args:
        row: its row of SOURCE_LISTING.
        annotator: as the settings name it.
    """
    dataset_id = row["dataset_id"]
    if read_failures(lake, [dataset_id]):
        return False
    try:
        return all(folder_digest(folder) == digest_of(inputs) for folder, inputs in _stages(lake, row, annotator))
    except DeftworksError:  # something that is to be read is gone or broken, or the annotator cannot be had
        return False


def _stages(lake: Lake, row: dict[str, Any], annotator: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yields the stages in the order in which they are made: the inputs of one are only known once those before it are there."""
    name = row["dataset_id"]
    yield lake.raw(name), raw_inputs(row)
    yield lake.findings(name), findings_inputs(read_raw(lake, name))
    yield lake.normalised(name), normalised_inputs(lake, name)
    yield lake.camera_roles(name), described_inputs(lake, name, "camera_roles")
    yield lake.fingerprints(name), described_inputs(lake, name, "fingerprints")
    yield lake.task_labels(name), described_inputs(lake, name, "task_labels", **identity(annotator_of(annotator)))


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
