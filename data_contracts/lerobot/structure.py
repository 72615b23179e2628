"""How the reader words what it met: builds `structure.*` findings and joins those that say the same of several episodes.

What is wrong is decided where it is seen (features, tasks, episodes, survey, checks); this module only gives it form.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from data_contracts.findings import Finding, Severity


def structure(
    name: str, severity: Severity, message: str, /, *, episodes: Iterable[int] | None = None, **evidence: Any
) -> Finding:
    """Returns the finding `structure.<name>`; `episodes` None means the whole dataset."""
    indices = None if episodes is None else tuple(sorted(set(episodes)))
    return Finding(
        code=f"structure.{name}", severity=severity, episodes=indices, message=message, evidence=dict(evidence)
    )


def null_if_all(episodes: Iterable[int], every: Iterable[int]) -> tuple[int, ...] | None:
    """Returns the episodes, or None where they are all of them: the whole dataset is meant then."""
    episodes, every = set(episodes), set(every)
    return None if every and episodes >= every else tuple(sorted(episodes))


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Joins findings of equal code, severity and message into one that names all their episodes, in order of appearance.

    The evidence is that of the first: a message that should stay apart per episode says what differs.
    """
    joined: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        key = (finding.code, finding.severity, finding.message)
        before = joined.get(key)
        if before is None:
            joined[key] = finding
        elif before.episodes is not None:
            episodes = None if finding.episodes is None else tuple(sorted({*before.episodes, *finding.episodes}))
            joined[key] = before.model_copy(update={"episodes": episodes})
    return list(joined.values())
