"""Asset checks: claims about an asset, each with its evidence in the metadata.

Checks on a dataset's findings are made from the finding codes, one claim per family, so that a new code needs nothing here.
"""

import warnings

import dagster as dg

from data_contracts.findings import Finding
from data_contracts.manifests import DatasetVerdict
from pipelines.partitions import DATASETS
from pipelines.pictures import markdown_table

CLAIMS = {
    "structure": "structure_is_sound",
    "time": "time_is_regular",
    "motion": "motion_is_alive",
    "video": "video_is_decodable",
    "agreement": "video_agrees_with_joints",
    "text": "text_is_an_instruction",
    "provenance": "provenance_is_known",
}
"""Family of finding codes -> what its check claims. Duplicates are known only for the corpus as a whole."""


def partitioned_check(name: str, asset: str, description: str) -> dg.AssetCheckSpec:
    """Returns a check that reports per dataset. Partitioned checks are a preview in Dagster 1.13: they are made here alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(name, asset=asset, description=description, partitions_def=DATASETS)


FINDING_CHECKS = [
    partitioned_check(claim, "dataset_findings", f"No {family} finding that gates or warns.")
    for family, claim in CLAIMS.items()
]


def finding_check_results(verdict: DatasetVerdict) -> list[dg.AssetCheckResult]:
    """Returns one result per family: failed by gates and warnings, with the findings as a table."""
    return [
        _family_result(claim, [f for f in verdict.findings if f.code.startswith(f"{family}.")])
        for family, claim in CLAIMS.items()
    ]


def _family_result(claim: str, findings: list[Finding]) -> dg.AssetCheckResult:
    severities = {finding.severity for finding in findings}
    rows = [{"code": f.code, "severity": f.severity, "episodes": f.episodes, "message": f.message} for f in findings]
    return dg.AssetCheckResult(
        check_name=claim,
        passed=not {"gate", "warn"} & severities,
        severity=dg.AssetCheckSeverity.ERROR if "gate" in severities else dg.AssetCheckSeverity.WARN,
        metadata={"num_findings": len(findings), "findings": markdown_table(rows)},
    )
