"""From a source to a normalised dataset: one partition per dataset."""

from pathlib import Path

import dagster as dg

from data_contracts.catalogue import EPISODES, FINDINGS, SOURCE_LISTING
from data_contracts.layout import Lake
from data_contracts.manifests import NormalisedDataset, RawDataset
from data_contracts.stages import run_stage
from pipelines.checks import report_findings
from pipelines.dataset_stages import (
    earlier_verdict,
    make_findings,
    make_raw,
    normalised_inputs,
    read_raw,
    read_verdict,
)
from pipelines.failures import RETRY, dataset_failures, domain_failures
from pipelines.instance import HUB_POOL
from pipelines.partitions import DATASETS
from pipelines.pictures import column_schema, contact_sheet, joint_plot, markdown_table
from pipelines.resources import LakeResource
from pipelines.versions import VERSIONS


@dg.asset(group_name="datasets", code_version=VERSIONS["source_listing"], retry_policy=RETRY)
def source_listing(lake: LakeResource) -> dg.MaterializeResult:
    """Every candidate dataset of the configured sources; its rows become the dataset partitions."""
    from curation.sources import list_datasets

    with domain_failures():
        listing = list_datasets(lake.settings.sources, lake.lake)
        SOURCE_LISTING.write(listing, lake.lake.source_listing / "source_listing.parquet")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": listing.height,
            "dagster/column_schema": column_schema(SOURCE_LISTING),
            "sources": list(lake.settings.sources),
            "datasets": markdown_table(listing.select("dataset_id", "source", "contributor").to_dicts()),
        }
    )


@dg.asset(
    group_name="datasets", partitions_def=DATASETS, deps=[source_listing], code_version=VERSIONS["raw_dataset"],
    retry_policy=RETRY, pool=HUB_POOL,
)  # fmt: skip
def raw_dataset(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """Where the dataset lies and what exactly it is. A folder is left where it is; a dataset of the Hub is fetched and verified."""
    dataset_id = context.partition_key
    with dataset_failures(lake.lake, dataset_id, "raw_dataset"):
        result = make_raw(lake.lake, lake.listed(dataset_id))
        raw = read_raw(lake.lake, dataset_id)
    return dg.MaterializeResult(
        metadata={
            "revision": raw.revision, "path": raw.path, "size_bytes": raw.size_bytes, "num_files": raw.num_files,
            "is_cached": result.is_cached,
        },
        data_version=dg.DataVersion(raw.revision),
    )  # fmt: skip


@dg.asset(
    group_name="datasets", partitions_def=DATASETS, deps=[raw_dataset], code_version=VERSIONS["dataset_findings"],
)  # fmt: skip
def dataset_findings(context: dg.AssetExecutionContext, lake: LakeResource):
    """What is wrong with the dataset as it came, per episode. A rejection is a verdict, not a failure."""
    dataset_id = context.partition_key
    with dataset_failures(lake.lake, dataset_id, "dataset_findings"):
        before = earlier_verdict(lake.lake, dataset_id)
        result = make_findings(lake.lake, dataset_id)
        verdict = read_verdict(lake.lake, dataset_id)
    report_findings(context, verdict, before)
    findings = [finding.model_dump() for finding in verdict.findings]
    return dg.MaterializeResult(
        metadata={
            "accepted": verdict.accepted,
            "reason": verdict.reason or "-",
            "num_episodes": verdict.num_episodes,
            "num_frames": verdict.num_frames,
            "dagster/row_count": len(findings),
            "dagster/column_schema": column_schema(FINDINGS),
            "findings": markdown_table(
                [{k: f[k] for k in ("code", "severity", "episodes", "message")} for f in findings]
            ),
            "is_cached": result.is_cached,
        },
    )


@dg.asset(
    group_name="datasets", partitions_def=DATASETS, deps=[dataset_findings], code_version=VERSIONS["normalised_dataset"],
)  # fmt: skip
def normalised_dataset(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """The kept episodes as LeRobot v3.0. Empty, with its manifest, for a dataset that was rejected."""
    dataset_id = context.partition_key
    with dataset_failures(lake.lake, dataset_id, "normalised_dataset"):
        raw = read_raw(lake.lake, dataset_id)
        inputs = normalised_inputs(lake.lake, dataset_id)
        folder = lake.lake.normalised(dataset_id)
        result = run_stage(folder, inputs, lambda out: _normalise(lake.lake, raw, out))
        manifest = read_normalised(lake.lake, dataset_id)
    pictures = {"frames": contact_sheet(folder), "joints": joint_plot(folder)} if manifest.episodes else {}
    return dg.MaterializeResult(
        metadata={
            "num_episodes": len(manifest.episodes),
            "num_frames": sum(episode.num_frames for episode in manifest.episodes),
            "cameras": [camera.key for camera in manifest.cameras],
            "changes": markdown_table([{"change": change} for change in manifest.changes]),
            "reencoded": markdown_table([{"video": video} for video in manifest.reencoded]),
            "is_cached": result.is_cached,
            **pictures,
        }
    )


def read_normalised(lake: Lake, dataset_id: str) -> NormalisedDataset:
    return NormalisedDataset.read(lake.normalised(dataset_id) / "meta" / "deftworks.json")


def _normalise(lake: Lake, raw: RawDataset, out: Path) -> None:
    from curation.normalise import normalise, nothing_to_normalise

    verdict = read_verdict(lake, raw.dataset_id)
    if not verdict.accepted:
        nothing_to_normalise(raw, verdict, out)
        return
    episodes = EPISODES.read(lake.findings(raw.dataset_id) / "episodes.parquet")
    is_simulated = any(finding.code == "provenance.simulation" for finding in verdict.findings)
    normalise(Path(raw.path), episodes, raw, out, is_simulated=is_simulated)
