"""Shape of the dataset as a whole. Nearly all of it is met by the reader (`data_contracts.lerobot`), which reports it itself.

Here is what only a use can say: a vision-language-action policy needs a camera, a state and an action.
"""

from __future__ import annotations

from collections import Counter

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
    """meta/info.json declares no state or no action. (A declared one that the rows lack is the reader's to report.)"""
    findings = []
    for key in (STATE, ACTION):
        if key not in dataset.columns:
            where = " (the data has one, whose names and type nobody says)" if _has_values(dataset, key) else ""
            message = f"meta/info.json declares no column {key!r}{where}."
            findings.append(dataset.finding("structure.missing_column", "gate", message, column=key))
    return findings


def _has_values(dataset: DatasetFacts, key: str) -> bool:
    return any(key in episode.columns and episode.columns[key].low_D.size for episode in dataset.episodes)


def detect_shape_mismatch(dataset: DatasetFacts) -> list[Finding]:
    """Some episodes have vectors of another width than most: one dataset has one width, and these cannot be told apart."""
    findings = []
    for key in (STATE, ACTION):
        widths = {e.index: e.columns[key].low_D.size for e in dataset.episodes if key in e.columns}
        usual = Counter(width for width in widths.values() if width).most_common(1)
        other = [index for index, width in widths.items() if usual and width not in (0, usual[0][0])]
        if other:
            message = f"{key!r} has another number of values than in most episodes ({usual[0][0]})."
            findings.append(dataset.finding("structure.shape_mismatch", "gate", message, episodes=other, feature=key))
    return findings


DETECTORS = (
    Detector("structure.missing_video", "dataset", detect_missing_video),
    Detector("structure.missing_column", "dataset", detect_missing_column),
    Detector("structure.shape_mismatch", "dataset", detect_shape_mismatch),
)
