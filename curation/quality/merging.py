"""Joins what detectors said of single episodes into one finding per code and severity, which names all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from data_contracts.findings import CODES, Finding

MAX_EVIDENCE = 100
"""Episodes whose evidence is kept: enough to look at, little enough for a table cell."""
MAX_MESSAGES = 2
"""Different sentences that are joined; more of them are told by an example."""
_CODES = [f"{family}.{name}" for family, names in CODES.items() for name in names]
_SEVERITIES = ("gate", "warn", "note")


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Returns one finding per code, severity and scope (dataset, or episodes), in the order of the vocabulary, gates first.

    Messages about the whole dataset are joined; of messages about episodes an example stands for more than two. `evidence["episodes"]` holds each episode's own numbers.
    """
    groups: dict[tuple[str, str, bool], list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.code, finding.severity, finding.episodes is None].append(finding)
    joined = [_joined(group) for group in groups.values()]
    return sorted(joined, key=lambda f: (_SEVERITIES.index(f.severity), _CODES.index(f.code), f.episodes or ()))


def _joined(group: list[Finding]) -> Finding:
    first = group[0]
    if first.episodes is None:
        message = " ".join(dict.fromkeys(finding.message for finding in group))
        evidence = (
            first.evidence if len(group) == 1 else {"all": [finding.evidence for finding in group][:MAX_EVIDENCE]}
        )
        return first.model_copy(update={"message": message, "evidence": evidence})
    episodes = sorted({index for finding in group for index in finding.episodes or ()})
    return Finding(
        code=first.code,
        severity=first.severity,
        episodes=tuple(episodes),
        message=_message(group, len(episodes)),
        evidence=_evidence(group),
    )


def _message(group: list[Finding], num_episodes: int) -> str:
    messages = list(dict.fromkeys(finding.message for finding in group))
    if len(messages) <= MAX_MESSAGES:
        return " ".join(messages)
    first = min(group, key=lambda finding: finding.episodes or ())
    number = first.episodes[0] if first.episodes else "?"
    return f"{num_episodes} episodes, as episode {number}: {first.message}"


def _evidence(group: list[Finding]) -> dict[str, Any]:
    if len(group) == 1:
        return group[0].evidence
    by_episode: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for finding in group:
        for index in finding.episodes or ():
            by_episode[str(index)].append(finding.evidence)
    kept = list(by_episode.items())[:MAX_EVIDENCE]
    return {"episodes": {index: found[0] if len(found) == 1 else found for index, found in kept}}
