"""Asset checks: claims about an asset, each with its evidence in the metadata.

Checks on a dataset's findings are made from the finding codes, one per code, so that a new code needs nothing here.
"""

import json
import warnings

import dagster as dg

from data_contracts.findings import ALL_CODES, Finding, axis_of, meaning_of
from data_contracts.manifests import DatasetVerdict
from pipelines.dataset_stages import read_verdict
from pipelines.partitions import DATASETS
from pipelines.pictures import markdown_table
from pipelines.resources import LakeResource

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
    partitioned_check(
        check_name(code),
        "dataset_findings",
        f"{axis_of(code).replace('_', ' ').capitalize()}. Fails where: {meaning_of(code)}",
    )
    for code in CODES_OF_A_DATASET
]


@dg.multi_asset_check(name="finding_checks", specs=FINDING_CHECKS, can_subset=True)
def finding_checks(context: dg.AssetCheckExecutionContext, lake: LakeResource):
    """Every finding code as a check of its own, for whoever asks again; `report_findings` answers those that matter unasked."""
    verdict = read_verdict(lake.lake, context.partition_key)
    asked = {key.name for key in context.selected_asset_check_keys}
    for code, findings in _by_code(verdict).items():
        if check_name(code) in asked:
            yield _result(code, findings)


def report_findings(context: dg.AssetExecutionContext, verdict: DatasetVerdict, before: DatasetVerdict | None) -> None:
    """Tells Dagster the answer of each check whose code was found, now or `before`.

    The other checks have nothing to say of the dataset. All of them in every run would be seventy events for five that
    anybody reads: four seconds and a megabyte per dataset.
    """
    known = {finding.code for judged in (verdict, before) if judged for finding in judged.findings}
    for code, findings in _by_code(verdict).items():
        if code in known:
            result = _result(code, findings)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", dg.PreviewWarning)
                evaluation = dg.AssetCheckEvaluation(
                    asset_key=dg.AssetKey("dataset_findings"), check_name=check_name(code), passed=result.passed,
                    severity=result.severity, metadata=result.metadata, partition=verdict.dataset,
                )  # fmt: skip
            context.op_execution_context.log_event(evaluation)


def _by_code(verdict: DatasetVerdict) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {code: [] for code in CODES_OF_A_DATASET}
    for finding in verdict.findings:
        found[finding.code].append(finding)
    return found


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
