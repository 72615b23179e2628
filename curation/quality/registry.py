"""Every detector, as data. A new code is a function and a line in its family's module; nothing else changes.

Families follow `data_contracts.findings.CODES`; copies (duplicate) are found across datasets, in `curation.duplicates`.
"""

from __future__ import annotations

from collections.abc import Callable

from curation.quality import (
    agreement,
    commands,
    convention,
    motion,
    optics,
    orientation,
    paths,
    provenance,
    stillness,
    structure,
    text,
    time,
    unusual,
    video,
)
from curation.quality.detector import Detector, Facts, Scope
from curation.quality.facts import DatasetFacts, EpisodeFacts
from data_contracts.findings import Finding

DETECTORS: tuple[Detector, ...] = (
    *structure.DETECTORS,
    *time.DETECTORS,
    *motion.DETECTORS,
    *paths.DETECTORS,
    *unusual.DETECTORS,
    *commands.DETECTORS,
    *convention.DETECTORS,
    *video.DETECTORS,
    *stillness.DETECTORS,
    *optics.DETECTORS,
    *orientation.DETECTORS,
    *agreement.DETECTORS,
    *text.DETECTORS,
    *provenance.DETECTORS,
)
SCORES: dict[str, Callable[[EpisodeFacts], float]] = {
    **time.SCORES,
    **motion.SCORES,
    **paths.SCORES,
    **commands.SCORES,
    **video.SCORES,
    **stillness.SCORES,
    **agreement.SCORES,
}
"""How bad an episode is by itself, higher is worse, also below the threshold: by code, for detectors with a measure."""
DATASET_SCORES: dict[str, Callable[[DatasetFacts], dict[int, float]]] = {
    **optics.SCORES,
    **orientation.SCORES,
    **agreement.DATASET_SCORES,
    **paths.DATASET_SCORES,
    **unusual.DATASET_SCORES,
    **commands.DATASET_SCORES,
}
"""The same by episode where an episode is only bad against the others of its dataset."""
FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(detector.family for detector in DETECTORS))


def run(scope: Scope, facts: Facts) -> list[Finding]:
    """Returns what every detector of that scope finds, in the order of the registry."""
    return [finding for detector in DETECTORS if detector.scope == scope for finding in detector.findings(facts)]
