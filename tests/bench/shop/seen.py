"""What people who browse see: seconds by click, and what went wrong. And how they browse."""

from __future__ import annotations

from dataclasses import dataclass, field

SESSIONS, MINUTES, THINKING_S = 20, 4.0, (3.0, 7.0)
WORDS = ("drawer", "button", "cup table", "lid", "kitchen", "pen", "so100 box")


@dataclass
class Seen:
    """Seconds by what was clicked, and what went wrong."""

    spans: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(self, what: str, seconds: float) -> None:
        self.spans.setdefault(what, []).append(seconds)

    def all(self) -> list[float]:
        return sorted(span for spans in self.spans.values() for span in spans)


def percentile(spans: list[float], share: float) -> float:
    """Returns the value that `share` of the spans do not exceed."""
    return sorted(spans)[min(len(spans) - 1, int(share * len(spans)))]
