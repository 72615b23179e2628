"""One line of a fit check: what was looked at, the verdict, and the reason with its numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "mapped", "warning", "unknown", "fails"]
"""ok: as the pack needs it; mapped: with what `Fit.mapping` says; warning: it runs, and may do worse; unknown: nobody said;
fails: it does not run."""
_MOST_LISTED = 8


@dataclass(frozen=True)
class Item:
    """`is_vital`: where this is unknown, the arm could be hurt, and the pack does not run."""

    name: str
    verdict: Verdict
    reason: str
    is_vital: bool = False


def listed(words: Iterable[object]) -> str:
    """Returns words with commas between them, of many the first ones."""
    words = [str(word) for word in words]
    more = f" and {len(words) - _MOST_LISTED} more" if len(words) > _MOST_LISTED else ""
    return ", ".join(words[:_MOST_LISTED]) + more
