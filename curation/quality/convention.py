"""Units and zero of the joints, as findings. Recognising is `data_contracts.joint_conventions`; whether they change is normalising's."""

from __future__ import annotations

import numpy as np

from curation.quality.detector import Detector
from curation.quality.facts import ACTION, STATE, DatasetFacts
from data_contracts.findings import Finding
from data_contracts.joint_conventions import Convention, JointRanges, odd_episodes, settled

_MEANING = {
    "degrees": "degrees",
    "normalised": "-100 to 100 of each joint's range",
    "radians": "radians",
    "counts": "raw encoder counts",
}


def detect_unit_convention(dataset: DatasetFacts) -> list[Finding]:
    """Says in which unit the joints are; warns where state and action, or episodes, disagree."""
    found = _conventions(dataset)
    findings = [_note(dataset, key, convention, ranges) for key, (convention, ranges, _) in found.items()]
    findings = [finding for finding in findings if finding is not None]
    sure = {key: convention for key, (convention, _, _) in found.items() if convention.is_sure and convention.family}
    if len({(c.unit, c.zero) for c in sure.values() if c.zero or c.unit != "degrees"}) > 1:
        said = {key: convention.unit for key, convention in sure.items()}
        message = f"state and action count differently: {', '.join(f'{k} in {_spoken(c)}' for k, c in sure.items())}."
        findings.append(dataset.finding("motion.unit_convention", "warn", message, units=said))
    for key, (_, ranges, numbers) in found.items():
        odd = [numbers[place] for place in odd_episodes(ranges, dataset.robot_type)]
        if odd:
            message = f"{key} of {len(odd)} episodes counts in another unit or from another zero than the others."
            findings.append(dataset.finding("motion.unit_convention", "warn", message, episodes=odd, column=key))
    return findings


def detect_zero_convention(dataset: DatasetFacts) -> list[Finding]:
    """Degrees count from the arm stretched out, as before LeRobot's PR 777; replayed today they are another pose."""
    found = {
        key: (convention, ranges)
        for key, (convention, ranges, _) in _conventions(dataset).items()
        if convention.unit == "degrees" and convention.zero == "stretched"
    }
    if not found:
        return []
    has_new_names = any(name.endswith(c.family.suffix) for c, r in found.values() if c.family for name in r.names)
    message = f"{' and '.join(found)} count degrees from the old zero (arm stretched out)" + (
        ", under names that promise the new one." if has_new_names else "."
    )
    evidence = {key: _joints(convention, ranges) for key, (convention, ranges) in found.items()}
    severity = "warn" if has_new_names else "note"
    return [dataset.finding("motion.zero_convention", severity, message, joints=evidence)]


def _conventions(dataset: DatasetFacts) -> dict[str, tuple[Convention, JointRanges, list[int]]]:
    """Returns per column its convention, its ranges and the numbers of the episodes they are of."""
    ranges_of: dict[str, JointRanges] = {}
    numbers_of: dict[str, list[int]] = {}
    for key in (STATE, ACTION):
        episodes = [episode for episode in dataset.episodes if key in episode.columns]
        if not episodes:
            continue
        columns = [episode.columns[key] for episode in episodes]
        same = [k for k, column in enumerate(columns) if column.low_D.size == columns[0].low_D.size]
        ranges_of[key] = JointRanges(
            columns[0].names,
            np.array([columns[k].low_D for k in same]),
            np.array([columns[k].high_D for k in same]),
        )
        numbers_of[key] = [episodes[k].index for k in same]
    conventions = settled(ranges_of, dataset.robot_type)
    return {key: (conventions[key], ranges, numbers_of[key]) for key, ranges in ranges_of.items()}


def _note(dataset: DatasetFacts, key: str, convention: Convention, ranges: JointRanges) -> Finding | None:
    if convention.family is None and convention.unit not in ("radians", "counts"):
        return None  # nothing is known of such a robot's joints
    said = _spoken(convention) if convention.unit in _MEANING else "a unit that cannot be told"
    message = f"{key} is in {said}: {'; '.join(convention.reasons)}."
    return dataset.finding(
        "motion.unit_convention", "note", message,
        column=key, unit=convention.unit, zero=convention.zero, confidence=convention.confidence, joints=_joints(convention, ranges),
    )  # fmt: skip


def _spoken(convention: Convention) -> str:
    zero = {"stretched": " from the old zero", "middle": " from the middle of the range", None: ""}[convention.zero]
    return _MEANING.get(convention.unit, convention.unit) + (zero if convention.unit == "degrees" else "")


def _joints(convention: Convention, ranges: JointRanges) -> dict[str, list[float]]:
    names = convention.joints or ranges.names or tuple(str(place) for place in range(ranges.low_ED.shape[1]))
    low_D, high_D = ranges.low_ED.min(axis=0), ranges.high_ED.max(axis=0)
    return {
        name: [round(float(low), 4), round(float(high), 4)]
        for name, low, high in zip(names, low_D, high_D, strict=True)
    }


DETECTORS = (
    Detector("motion.unit_convention", "dataset", detect_unit_convention),
    Detector("motion.zero_convention", "dataset", detect_zero_convention),
)
