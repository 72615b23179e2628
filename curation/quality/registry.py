"""Every detector, as data. A new code is a function and a line in its family's module; nothing else changes.

Families follow `data_contracts.findings.CODES`; those without detectors (agreement, duplicate) await theirs.
"""

from __future__ import annotations

from curation.quality import motion, provenance, structure, text, time, video
from curation.quality.detector import Detector, Facts, Scope
from data_contracts.findings import Finding

DETECTORS: tuple[Detector, ...] = (
    *structure.DETECTORS,
    *time.DETECTORS,
    *motion.DETECTORS,
    *video.DETECTORS,
    *text.DETECTORS,
    *provenance.DETECTORS,
)
FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(detector.family for detector in DETECTORS))


def run(scope: Scope, facts: Facts) -> list[Finding]:
    """Returns what every detector of that scope finds, in the order of the registry."""
    return [finding for detector in DETECTORS if detector.scope == scope for finding in detector.findings(facts)]
