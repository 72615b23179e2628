"""Findings as the corpus carries them: those that only the whole corpus can say, and the codes that name each episode.

What does not belong here: finding anything within one dataset (`curation.quality`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from data_contracts.catalogue import FINDINGS
from data_contracts.errors import ContractError
from data_contracts.findings import Axis, Severity, axis_of

Codes = dict[str, Severity]
WORST_FIRST: tuple[Severity, ...] = ("gate", "warn", "note")


@dataclass(frozen=True)
class NamedCodes:
    """The codes of one dataset's findings with their worst severities: of the dataset as a whole, and of single episodes."""

    of_dataset: Codes = field(default_factory=dict)
    of_episode: dict[int, Codes] = field(default_factory=dict)

    def touching(self, episode_index: int, severity: Severity) -> list[str]:
        """Returns the codes of that severity that name the episode or its whole dataset, sorted."""
        named = worst(self.of_dataset, self.of_episode.get(episode_index, {}))
        return sorted(code for code, found in named.items() if found == severity)


def named_codes(findings: pl.DataFrame) -> NamedCodes:
    """Returns which codes name what. Rows of one dataset, table FINDINGS."""
    of_dataset: Codes = {}
    of_episode: dict[int, Codes] = {}
    for code, severity, episodes in findings.select("code", "severity", "episodes").rows():
        for codes in [of_dataset] if episodes is None else [of_episode.setdefault(e, {}) for e in episodes]:
            codes[code] = _worse(severity, codes.get(code))
    return NamedCodes(of_dataset, of_episode)


def worst(*several: Mapping[str, Severity]) -> Codes:
    """Returns all codes, each with the worst severity that any of them gives it."""
    merged: Codes = {}
    for codes in several:
        for code, severity in codes.items():
            merged[code] = _worse(severity, merged.get(code))
    return merged


def by_axis(codes: Mapping[str, Severity]) -> dict[Axis, Codes]:
    """Returns the codes of each axis, sorted."""
    axes: dict[Axis, Codes] = {"integrity": {}, "task_evidence": {}}
    for code in sorted(codes):
        axes[axis_of(code)][code] = codes[code]
    return axes


def corpus_wide(*parts: pl.DataFrame) -> pl.DataFrame:
    """Returns what only the whole corpus shows as one table FINDINGS in a fixed order.

    Raises:
        ContractError: one of them gates. Which episodes are normalised was decided before the corpus was seen.
    """
    together = FINDINGS.check(pl.concat([FINDINGS.frame([]), *parts]))
    for code in together.filter(severity="gate")["code"].unique().sort():
        raise ContractError(f"{code} gates for the corpus as a whole.", hint="Report it as a warn.")
    return together.sort("dataset_id", "code", "severity", "message", "evidence_json")


def _worse(one: Severity, other: Severity | None) -> Severity:
    return one if other is None else min(one, other, key=WORST_FIRST.index)
