"""What findings amount to: which episodes are kept, whether the dataset is accepted, and the one sentence that says why not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from data_contracts.catalogue import EPISODES, FINDINGS, JOINT_RANGES
from data_contracts.findings import Finding, gated_episodes
from data_contracts.manifests import DatasetVerdict


@dataclass(frozen=True)
class Judgement:
    """The verdict, and the tables `findings`, `episodes` and `joint_ranges` of `data_contracts.catalogue`."""

    verdict: DatasetVerdict
    findings: pl.DataFrame
    episodes: pl.DataFrame
    joint_ranges: pl.DataFrame = field(default_factory=lambda: JOINT_RANGES.frame([]))


class EpisodeRow(NamedTuple):
    """An episode as the verdict counts it."""

    index: int
    num_frames: int
    duration_s: float
    task: str | None


def conclude(
    dataset_id: str, version: str | None, robot: str | None, rows: Sequence[EpisodeRow], findings: Sequence[Finding]
) -> Judgement:
    """Returns the judgement. A dataset is accepted when at least one episode is left that no gate finding names."""
    gated = gated_episodes(list(findings), [row.index for row in rows])
    accepted = len(gated) < len(rows)
    verdict = DatasetVerdict(
        dataset=dataset_id,
        version=version,
        robot=robot,
        num_episodes=len(rows),
        num_frames=sum(row.num_frames for row in rows),
        accepted=accepted,
        reason=None if accepted else reason(findings, len(rows)),
        findings=tuple(findings),
    )
    return Judgement(verdict, findings_table(dataset_id, findings), episodes_table(dataset_id, rows, findings))


def reject(dataset_id: str, finding: Finding) -> Judgement:
    """Returns the judgement of a candidate of which nothing but this is known."""
    return conclude(dataset_id, None, None, [], [finding])


def reason(findings: Sequence[Finding], num_episodes: int) -> str:
    """Returns the message of the gate finding that names the most episodes; of several, the first."""
    gates = [finding for finding in findings if finding.severity == "gate"]
    if not gates:
        return "The dataset lists no episodes."
    return max(gates, key=lambda gate: num_episodes if gate.episodes is None else len(gate.episodes)).message


def findings_table(dataset_id: str, findings: Sequence[Finding]) -> pl.DataFrame:
    """Returns the findings as the table `findings`."""
    return FINDINGS.frame(
        {
            "dataset_id": dataset_id,
            "code": finding.code,
            "severity": finding.severity,
            "episodes": None if finding.episodes is None else list(finding.episodes),
            "message": finding.message,
            "evidence_json": json.dumps(finding.model_dump(mode="json")["evidence"], ensure_ascii=False),
        }
        for finding in findings
    )


def episodes_table(dataset_id: str, rows: Sequence[EpisodeRow], findings: Sequence[Finding]) -> pl.DataFrame:
    """Returns the episodes as the table `episodes`, each with the codes of the gates that name it."""
    gates = [
        (finding.code, None if finding.episodes is None else frozenset(finding.episodes))
        for finding in findings
        if finding.severity == "gate"
    ]
    table = []
    for row in rows:
        codes = [code for code, episodes in gates if episodes is None or row.index in episodes]
        table.append(
            {
                "dataset_id": dataset_id,
                "episode_index": row.index,
                "num_frames": row.num_frames,
                "duration_s": row.duration_s,
                "task": row.task,
                "is_kept": not codes,
                "reasons": sorted(set(codes)),
            }
        )
    return EPISODES.frame(table)
