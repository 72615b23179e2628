"""Shape of the dataset as a whole. Nearly all of it is met by the reader (`data_contracts.lerobot`), which reports it itself.

Here is what only a use can say: a vision-language-action policy needs a camera, a state and an action.
"""

from __future__ import annotations

from curation.quality.detector import Detector
from curation.quality.facts import ACTION, STATE, DatasetFacts
from data_contracts.findings import Finding


def detect_missing_video(dataset: DatasetFacts) -> Finding | None:
    """No camera is declared. (Declared cameras without files are the reader's to report.)"""
    if dataset.declared_cameras:
        return None
    message = (
        "meta/info.json declares no camera (a feature of dtype video or image); a policy that sees needs at least one."
    )
    return dataset.finding("structure.missing_video", "gate", message)


def detect_missing_column(dataset: DatasetFacts) -> list[Finding]:
    """Neither meta/info.json nor the rows have a state or an action. (A declared one that is absent is the reader's.)"""
    findings = []
    for key in (STATE, ACTION):
        lacking = [e.index for e in dataset.episodes if key in e.columns and not e.columns[key].low_D.size]
        if key in dataset.columns or not lacking:
            continue
        episodes = None if len(lacking) == dataset.num_episodes else lacking
        message = f"There is no column {key!r}, in meta/info.json or in the data."
        findings.append(dataset.finding("structure.missing_column", "gate", message, episodes=episodes, column=key))
    return findings


DETECTORS = (
    Detector("structure.missing_video", "dataset", detect_missing_video),
    Detector("structure.missing_column", "dataset", detect_missing_column),
)
