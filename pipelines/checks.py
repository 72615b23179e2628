"""Asset checks: claims about an asset, each with its evidence in the metadata.

Checks on a dataset's findings are made from the finding codes, one per code, so that a new code needs nothing here.
"""

import json
import warnings

import dagster as dg

from data_contracts.findings import ALL_CODES, Finding, axis_of, meaning_of
from data_contracts.manifests import DatasetVerdict
from pipelines.partitions import DATASETS
from pipelines.pictures import markdown_table

MAX_EVIDENCE = 2000
"""Characters of evidence that the event log keeps; the findings table has all of it."""
CORPUS_FAMILIES = ("duplicate",)
"""Known only for the corpus as a whole."""
CODES_OF_A_DATASET = tuple(sorted(code for code in ALL_CODES if code.partition(".")[0] not in CORPUS_FAMILIES))


def partitioned_check(name: str, asset: str, description: str) -> dg.AssetCheckSpec:
    """Returns a check that reports per dataset. Partitioned checks are a preview in Dagster 1.13: they are made here alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(name, asset=asset, description=description, partitions_def=DATASETS)


def check_name(code: str) -> str:
    """Returns the name of a code's check: `motion.jump` is checked by `motion_jump`."""
    return code.replace(".", "_")


FINDING_CHECKS = [
    partitioned_check(check_name(code), "dataset_findings", f"{axis_of(code)}. Fails where: {meaning_of(code)}")
    for code in CODES_OF_A_DATASET
]


def finding_check_results(verdict: DatasetVerdict) -> list[dg.AssetCheckResult]:
    """Returns one result per code: failed by a gate or a warning, with message, episodes and evidence."""
    found: dict[str, list[Finding]] = {code: [] for code in CODES_OF_A_DATASET}
    for finding in verdict.findings:
        found[finding.code].append(finding)
    return [_result(code, findings) for code, findings in found.items()]


def _result(code: str, findings: list[Finding]) -> dg.AssetCheckResult:
    severities = {finding.severity for finding in findings}
    return dg.AssetCheckResult(
        check_name=check_name(code),
        passed=not {"gate", "warn"} & severities,
        severity=dg.AssetCheckSeverity.ERROR if "gate" in severities else dg.AssetCheckSeverity.WARN,
        metadata={"findings": markdown_table(_row(finding) for finding in findings)} if findings else {},
    )


def _row(finding: Finding) -> dict[str, object]:
    evidence = json.dumps(finding.model_dump(mode="json")["evidence"], ensure_ascii=False)
    shown = evidence if len(evidence) <= MAX_EVIDENCE else f"{evidence[:MAX_EVIDENCE]}…"
    return {
        "severity": finding.severity, "episodes": finding.episodes, "message": finding.message, "evidence": shown,
    }  # fmt: skip
