"""What a policy needs: a camera, a state, an action."""

from __future__ import annotations

import numpy as np

from curation.quality.structure import detect_missing_column, detect_missing_video


def test_a_dataset_without_cameras_is_no_use(make_dataset) -> None:
    assert detect_missing_video(make_dataset(declared_cameras=())).severity == "gate"
    assert detect_missing_video(make_dataset()) is None


def test_an_undeclared_state_is_missing_for_all_or_some(make_episode, make_dataset) -> None:
    with_state, without = make_episode(), make_episode(np.zeros((60, 0)), index=1, action_TA=np.ones((60, 2)))
    declared = frozenset({"action"})
    (finding,) = detect_missing_column(make_dataset(without, columns=declared))
    assert (finding.severity, finding.episodes, finding.evidence["column"]) == ("gate", None, "observation.state")
    (finding,) = detect_missing_column(make_dataset(with_state, without, columns=declared))
    assert finding.episodes == (1,)
    assert detect_missing_column(make_dataset(with_state, columns=declared)) == []


def test_a_declared_column_that_is_absent_is_left_to_the_reader(make_episode, make_dataset) -> None:
    assert detect_missing_column(make_dataset(make_episode(np.zeros((60, 0))))) == []
