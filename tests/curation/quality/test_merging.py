"""One finding per code and severity, naming every episode; and the registry that detectors stand in."""

from __future__ import annotations

import pytest

from curation.quality.merging import merged
from curation.quality.registry import DETECTORS, FAMILIES
from curation.quality.verdict import EpisodeRow, conclude, reason
from data_contracts.catalogue import EPISODES, FINDINGS
from data_contracts.findings import ALL_CODES, CODES, Finding


def finding(
    code: str, severity: str, episodes: tuple[int, ...] | None, message: str = "m", **evidence: object
) -> Finding:
    return Finding(code=code, severity=severity, episodes=episodes, message=message, evidence=evidence)


def test_episodes_of_one_code_are_joined_with_their_own_evidence() -> None:
    (joined,) = merged([finding("motion.stub", "gate", (n,), f"{n} frames", num_frames=n) for n in (7, 2, 5)])
    assert joined.episodes == (2, 5, 7)
    assert joined.message == "3 episodes, as episode 2: 2 frames"
    assert joined.evidence["episodes"]["5"] == {"num_frames": 5}


def test_severities_and_scopes_stay_apart_and_gates_come_first() -> None:
    found = [
        finding("structure.missing_column", "warn", None, "a"), finding("structure.missing_column", "gate", (1,), "b"),
        finding("structure.missing_column", "warn", None, "c"), finding("structure.missing_column", "warn", (1,), "d"),
    ]  # fmt: skip
    joined = merged(found)
    assert [(f.severity, f.episodes) for f in joined] == [("gate", (1,)), ("warn", None), ("warn", (1,))]
    assert joined[1].message == "a c"


def test_merging_does_not_depend_on_order() -> None:
    found = [
        finding("motion.stub", "gate", (2,)),
        finding("text.empty_task", "warn", (1,)),
        finding("motion.jump", "warn", (1,)),
    ]
    assert [f.code for f in merged(found)] == [f.code for f in merged(reversed(found))]


def test_a_dataset_is_accepted_while_one_episode_is_left() -> None:
    rows = [EpisodeRow(index, 20, 1.0, "Pick up the cube") for index in (0, 3)]
    gates = [finding("motion.stub", "gate", (0,), "short"), finding("time.irregular_step", "warn", None)]
    judgement = conclude("ann__cubes", "v2.1", "so100", rows, gates)
    assert (judgement.verdict.accepted, judgement.verdict.reason) == (True, None)
    assert judgement.episodes["is_kept"].to_list() == [False, True]
    assert judgement.episodes["reasons"].to_list() == [["motion.stub"], []]
    assert EPISODES.check(judgement.episodes).height == 2
    assert FINDINGS.check(judgement.findings).height == 2


def test_the_most_frequent_gate_is_the_reason() -> None:
    gates = [finding("motion.stub", "gate", (0,), "short"), finding("video.undecodable", "gate", (1, 2), "broken")]
    assert reason(gates, 3) == "broken"
    assert reason([*gates, finding("structure.missing_data", "gate", None, "gone")], 3) == "gone"
    assert reason([], 0) == "The dataset lists no episodes."


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.code)
def test_detectors_are_named_after_their_code_and_say_what_they_mean(detector) -> None:
    assert detector.code in ALL_CODES
    assert detector.detect.__name__ == f"detect_{detector.code.partition('.')[2]}"
    assert detector.meaning
    assert detector.family in FAMILIES
    assert detector.family in CODES


def test_no_code_has_two_detectors() -> None:
    assert len({detector.code for detector in DETECTORS}) == len(DETECTORS)
