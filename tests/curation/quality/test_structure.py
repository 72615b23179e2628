"""What a policy needs: a camera, a state, an action."""

from __future__ import annotations

import numpy as np

from curation.quality.structure import detect_missing_column, detect_missing_video


def test_a_dataset_without_cameras_is_no_use(make_dataset) -> None:
    assert detect_missing_video(make_dataset(declared_cameras=())).severity == "gate"
    assert detect_missing_video(make_dataset()) is None


def test_a_state_that_is_not_declared_is_no_use(make_episode, make_dataset) -> None:
    """Nothing undeclared is carried over: without its names and type nobody knows what the values are."""
    with_state, without = make_episode(), make_episode(np.zeros((60, 0)), index=1, action_TA=np.ones((60, 2)))
    declared = frozenset({"action"})
    for episodes, hint in (((without,), False), ((with_state, without), True)):
        (finding,) = detect_missing_column(make_dataset(*episodes, columns=declared))
        assert (finding.severity, finding.episodes, finding.evidence["column"]) == ("gate", None, "observation.state")
        assert ("the data has one" in finding.message) == hint


def test_a_declared_column_that_is_absent_is_left_to_the_reader(make_episode, make_dataset) -> None:
    assert detect_missing_column(make_dataset(make_episode(np.zeros((60, 0))))) == []
