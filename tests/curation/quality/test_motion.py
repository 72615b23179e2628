"""Joints: each detector with a case and a near miss."""

from __future__ import annotations

import numpy as np
import pytest

from curation.quality.motion import (
    detect_dead_dimension,
    detect_long_idle,
    detect_not_finite,
    detect_static,
    detect_stub,
)
from curation.quality.paths import detect_jump

RNG = np.random.default_rng(7)


def ramp(num_frames: int = 90, joints: int = 3) -> np.ndarray:
    return np.linspace(0, 90, num_frames)[:, None] * np.linspace(0.5, 1, joints)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", ["state_TS", "action_TA"])
def test_a_value_that_is_no_number_gates(make_episode, bad: float, column: str) -> None:
    values = ramp().astype(np.float32)
    values[30:35, 1] = bad
    (finding,) = detect_not_finite(make_episode(ramp(), **{column: values}))
    assert finding.severity == "gate"
    assert (finding.evidence["num_frames"], finding.evidence["first_frame"]) == (5, 30)
    assert finding.evidence["column"] in finding.message


def test_large_numbers_are_numbers(make_episode) -> None:
    assert detect_not_finite(make_episode(ramp() * 1e30)) == []


def test_a_clock_of_nan_gates_too(make_episode) -> None:
    (finding,) = detect_not_finite(make_episode(ramp(), timestamps_s=np.full(90, np.nan)))
    assert finding.evidence["column"] == "timestamp"


@pytest.mark.parametrize(("num_frames", "fps", "is_stub"), [
    (9, 10, True), (3, 10, True), (11, 60, True), (15, 80, True), (0, 30, True),
    (10, 10, False), (10, 30, False), (12, 60, False), (21, 80, False),
])  # fmt: skip
def test_a_stub_is_short_in_frames_or_in_time(make_episode, num_frames: int, fps: float, is_stub: bool) -> None:
    finding = detect_stub(make_episode(ramp(num_frames), fps=fps))
    assert (finding is not None) == is_stub


def test_an_arm_that_stands_still_is_static(make_episode, make_dataset) -> None:
    still = np.repeat(ramp()[:1], 90, axis=0)
    (finding,) = detect_static(make_dataset(make_episode(ramp()), make_episode(still, index=4)))
    assert (finding.severity, finding.episodes) == ("gate", (4,))


@pytest.mark.parametrize("num_frames", [12, 60, 3000])
@pytest.mark.parametrize("scale", [1e-3, 0.05, 3.0])
def test_noise_is_not_motion_even_where_nothing_else_is_known(
    make_episode, make_dataset, num_frames: int, scale: float
) -> None:
    noise = 45 + scale * RNG.standard_normal((num_frames, 6))
    assert detect_static(make_dataset(make_episode(noise)))


def test_an_encoder_that_flickers_and_an_arm_that_sags_are_static(make_episode, make_dataset) -> None:
    flicker = 30 + 0.088 * RNG.integers(0, 2, (300, 3))
    sag = np.linspace(0, 0.2, 300)[:, None] * np.ones(3)
    findings = detect_static(
        make_dataset(make_episode(ramp()), make_episode(flicker, index=1), make_episode(sag, index=2))
    )
    assert [finding.episodes for finding in findings] == [(1,), (2,)]


def test_a_short_or_small_motion_is_not_static(make_episode, make_dataset) -> None:
    gripper_only = np.repeat(ramp()[:1], 90, axis=0)
    gripper_only[40:, 2] = 5
    millimetres = np.linspace(0, 0.004, 40)[:, None] + np.array([0.6, 0.2, 0.1])
    assert detect_static(make_dataset(make_episode(ramp()), make_episode(gripper_only, index=1))) == []
    assert detect_static(make_dataset(make_episode(millimetres, fps=80))) == []


def test_a_brief_movement_in_a_long_rest_is_not_static(make_episode, make_dataset) -> None:
    motion = 0.02 * RNG.standard_normal((900, 3))
    motion[400:430] += np.sin(np.linspace(0, np.pi, 30))[:, None] * 20
    assert detect_static(make_dataset(make_episode(motion))) == []


def test_stubs_and_missing_states_are_not_called_static(make_episode, make_dataset) -> None:
    assert detect_static(make_dataset(make_episode(np.zeros((3, 2))))) == []
    assert detect_static(make_dataset(make_episode(np.zeros((60, 0))))) == []


def test_resting_for_most_of_the_time_is_long_idle(make_episode) -> None:
    motion = np.concatenate([ramp(90), np.repeat(ramp(90)[-1:], 210, axis=0)])
    noisy = motion + 0.05 * RNG.standard_normal(motion.shape)
    assert detect_long_idle(make_episode(noisy)).evidence["share"] == pytest.approx(0.7, abs=0.01)
    assert detect_long_idle(make_episode(ramp(300))) is None
    assert detect_long_idle(make_episode(noisy)).severity == "warn"
    assert detect_long_idle(make_episode(motion[:100])) is None


def test_a_shorter_rest_at_one_end_is_noted(make_episode) -> None:
    motion = np.concatenate([np.repeat(ramp(90)[:1], 24, axis=0), ramp(90)])
    finding = detect_long_idle(make_episode(motion))
    assert finding.severity == "note"
    assert finding.evidence["idle_start_s"] == pytest.approx(24 / 30, abs=0.1)
    assert detect_long_idle(make_episode(motion, fps=120)) is None


def test_a_slow_steady_motion_is_not_idle(make_episode) -> None:
    assert detect_long_idle(make_episode(ramp(1200))) is None


def test_a_dimension_that_never_changes_in_any_episode_is_dead(make_episode, make_dataset) -> None:
    dead = ramp()
    dead[:, 1] = 3
    (state, action) = detect_dead_dimension(make_dataset(make_episode(dead), make_episode(dead, index=2)))
    assert (state.episodes, state.evidence["dimensions"]) == ((0, 2), [1])
    assert action.evidence["column"] == "action"
    assert detect_dead_dimension(make_dataset(make_episode(dead), make_episode(ramp(), index=1))) == []
    assert detect_dead_dimension(make_dataset(make_episode(np.zeros((60, 3))))) == []


def test_a_teleport_in_a_smooth_joint_is_a_jump(make_episode, make_dataset) -> None:
    jumping = 90 * np.sin(np.linspace(0, 3 * np.pi, 120))[:, None] * np.ones(2)
    jumping[60:, 1] += 200
    smooth = jumping.copy()
    smooth[60:, 1] -= 195
    findings = detect_jump(make_dataset(make_episode(jumping, index=3), make_episode(smooth, index=5)))
    assert [(finding.episodes, finding.evidence["dimension"]) for finding in findings] == [((3,), 1)]
    assert findings[0].evidence["frame"] == 60


def test_a_switch_and_noise_and_a_stub_do_not_jump(make_episode, make_dataset) -> None:
    switch = ramp()
    switch[:, 2] = np.where(np.arange(90) % 30 < 15, 0, 90)
    noise = ramp()
    noise[:, 0] = 1e-4 * RNG.standard_normal(90)
    for state_TS in (switch, noise, ramp()[[0, 40, 89]]):
        assert detect_jump(make_dataset(make_episode(state_TS))) == []


def test_episodes_of_another_width_are_left_out(make_episode, make_dataset) -> None:
    dataset = make_dataset(make_episode(ramp(joints=3)), make_episode(ramp(joints=4), index=1))
    assert [*detect_static(dataset), *detect_jump(dataset), *detect_dead_dimension(dataset)] == []


def test_an_episode_with_nan_says_nothing_about_the_others(make_episode, make_dataset) -> None:
    broken = np.full((90, 3), np.nan)
    far_away = ramp() + 1000
    dataset = make_dataset(make_episode(far_away), make_episode(broken, index=1))
    assert [*detect_static(dataset), *detect_jump(dataset), *detect_dead_dimension(dataset)] == []
