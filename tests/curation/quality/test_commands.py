"""State against action: copies, late followers and foreign actions are found; a robot that simply follows is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from curation.quality.commands import detect_action_lag, detect_state_action_mismatch, detect_state_equals_action
from curation.quality.following import paired_dimensions
from curation.quality.registry import DATASET_SCORES


def episodes(make_episode, *, lag: int = 3, num: int = 8, is_speed: bool = False) -> list:
    """Episodes of 200 frames whose state follows an irregular path of the action by `lag` frames."""
    made = []
    for index in range(num):
        rng = np.random.default_rng(index)
        pushes = rng.standard_normal((16, 3)).repeat(20, axis=0)
        speed = np.stack([np.convolve(column, np.ones(15) / 15, "same") for column in pushes.T], axis=1)
        place = np.cumsum(speed, axis=0)
        action = speed if is_speed else place
        state = place[50 - lag : 250 - lag] + 0.01 * rng.standard_normal((200, 3))
        made.append(make_episode(state, index=index, action_TA=action[50:250].astype(np.float32)))
    return made


def test_a_copy_is_named_and_a_follower_is_not(make_episode) -> None:
    (follower,) = episodes(make_episode, num=1)
    assert detect_state_equals_action(follower) is None
    copied = detect_state_equals_action(replace(follower, action_TA=follower.state_TS.copy()))
    assert (copied.code, copied.severity) == ("motion.state_equals_action", "warn")


def test_a_late_follower_stands_out_from_its_dataset(make_episode, make_dataset) -> None:
    for is_speed in (False, True):
        made = episodes(make_episode, is_speed=is_speed)
        assert detect_action_lag(make_dataset(*made)) == []
        late = replace(episodes(make_episode, lag=8, is_speed=is_speed)[2])
        (finding,) = detect_action_lag(make_dataset(*made[:2], late, *made[3:]))
        assert finding.episodes == (2,)
        assert abs(finding.evidence["lag_frames"] - finding.evidence["usual_frames"] - 5) <= 1


@pytest.mark.parametrize("lag", [-4, -9, 13])
def test_late_and_early_actions_score_above_all_others(make_episode, make_dataset, lag: int) -> None:
    """A state that comes before its action: somebody wrote the action some rows too late."""
    made = episodes(make_episode)
    (other,) = [e for e in episodes(make_episode, lag=lag) if e.index == 2]
    dataset = make_dataset(*made[:2], other, *made[3:])
    (finding,) = detect_action_lag(dataset)
    assert finding.episodes == (2,)
    scores = DATASET_SCORES["motion.action_lag"](dataset)
    assert scores.pop(2) >= 1 > max(scores.values())


def test_half_a_second_is_late_for_all(make_episode, make_dataset) -> None:
    findings = detect_action_lag(make_dataset(*episodes(make_episode, lag=20)))
    assert len(findings) == 8


def test_an_action_of_another_episode_does_not_fit(make_episode, make_dataset) -> None:
    made = episodes(make_episode)
    assert detect_state_action_mismatch(make_dataset(*made)) == []
    foreign = replace(made[5], action_TA=made[0].action_TA[::-1].copy())
    (finding,) = detect_state_action_mismatch(make_dataset(*made[:5], foreign, *made[6:]))
    assert (finding.episodes, finding.severity) == ((5,), "warn")


def test_an_action_that_only_resembles_the_right_one_does_not_fit_either(make_episode, make_dataset) -> None:
    made = episodes(make_episode)
    half = 0.5 * made[5].action_TA + 0.5 * made[0].action_TA[::-1]
    dataset = make_dataset(*made[:5], replace(made[5], action_TA=half.astype(np.float32)), *made[6:])
    (finding,) = detect_state_action_mismatch(dataset)
    assert (finding.episodes, finding.evidence["correlation"] > 0.25) == ((5,), True)
    scores = DATASET_SCORES["agreement.state_action_mismatch"](dataset)
    assert scores.pop(5) > 1 > max(scores.values())


@pytest.mark.parametrize("code", ["motion.action_lag", "agreement.state_action_mismatch"])
def test_episodes_that_are_too_short_to_tell_score_nothing(make_episode, make_dataset, code: str) -> None:
    made = episodes(make_episode)
    still = make_episode(np.ones((60, 3)), index=8)
    assert DATASET_SCORES[code](make_dataset(*made, still))[8] == 0
    assert DATASET_SCORES[code](make_dataset(still)) == {8: 0}
    assert DATASET_SCORES[code](make_dataset()) == {}


def test_dimensions_are_paired_by_name_before_place() -> None:
    assert paired_dimensions(("a", "b", "c"), ("c", "a", "b"), 3, 3) == [(0, 1), (1, 2), (2, 0)]
    assert paired_dimensions((), (), 4, 3) == [(0, 0), (1, 1), (2, 2)]
    assert paired_dimensions(("x", "y"), ("delta_x", "delta_y"), 2, 2) == [(0, 0), (1, 1)]
