"""What a detector is: a named function for one code. Families list theirs as data; `registry` joins them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from curation.quality.camera_facts import CameraFacts
from curation.quality.facts import DatasetFacts, EpisodeFacts
from data_contracts.findings import Finding

Facts = CameraFacts | EpisodeFacts | DatasetFacts
Scope = Literal["camera", "episode", "dataset"]


@dataclass(frozen=True)
class Detector:
    """`detect` looks at the facts of its scope and reports no code but `code`.

    Scopes: one camera of an episode, an episode with its rows, or the dataset after all episodes were read.
    """

    code: str
    scope: Scope
    detect: Callable[[Any], Finding | list[Finding] | None]

    @property
    def family(self) -> str:
        return self.code.partition(".")[0]

    @property
    def meaning(self) -> str:
        """The first line of the function's docstring, for reports."""
        return (self.detect.__doc__ or "").strip().partition("\n")[0]

    def findings(self, facts: Facts) -> list[Finding]:
        """Returns what it found, as a list."""
        found = self.detect(facts)
        if found is None:
            return []
        return [found] if isinstance(found, Finding) else found
