"""Clocks: each detector with a case and a near miss."""

from __future__ import annotations

import numpy as np
import pytest

from curation.quality.time import (
    detect_first_not_zero,
    detect_irregular_step,
    detect_non_monotonic,
    detect_wrong_fps,
)


def clock(steps_s: np.ndarray, start_s: float = 0.0) -> np.ndarray:
    return (start_s + np.concatenate([[0.0], np.cumsum(steps_s)])).astype(np.float32).astype(np.float64)


STEADY = np.full(59, 1 / 30)


def test_a_late_frame_is_an_irregular_step(make_episode) -> None:
    steps_s = STEADY.copy()
    steps_s[10] += 2e-3
    finding = detect_irregular_step(make_episode(timestamps_s=clock(steps_s)))
    assert (finding.severity, finding.episodes) == ("warn", (0,))
    assert finding.evidence["share"] == pytest.approx(1 / 59, abs=1e-4)


@pytest.mark.parametrize("start_s", [0.0, 100.0, 5000.0])
def test_float32_rounding_is_not_irregular(make_episode, start_s: float) -> None:
    assert detect_irregular_step(make_episode(timestamps_s=clock(STEADY, start_s))) is None


def test_a_steady_wrong_rate_is_one_finding_and_not_two(make_episode) -> None:
    episode = make_episode(timestamps_s=clock(np.full(59, 1 / 25)))
    assert detect_wrong_fps(episode).evidence["found_fps"] == pytest.approx(25, abs=0.01)
    assert detect_irregular_step(episode) is None


def test_a_rate_two_percent_off_is_irregular_and_not_wrong(make_episode) -> None:
    episode = make_episode(timestamps_s=clock(STEADY * 1.02))
    assert detect_wrong_fps(episode) is None
    assert detect_irregular_step(episode) is not None


def test_time_that_stands_still_or_runs_back_gates(make_episode) -> None:
    for step_s in (0.0, -0.01):
        steps_s = STEADY.copy()
        steps_s[20] = step_s
        finding = detect_non_monotonic(make_episode(timestamps_s=clock(steps_s)))
        assert finding.severity == "gate"
        assert finding.evidence["first_frame"] == 21
    steps_s = STEADY.copy()
    steps_s[20] = 0.001
    assert detect_non_monotonic(make_episode(timestamps_s=clock(steps_s))) is None


def test_the_first_frame_belongs_at_zero(make_episode) -> None:
    assert detect_first_not_zero(make_episode(timestamps_s=clock(STEADY, 0.05))).evidence["first_s"] > 0.04
    assert detect_first_not_zero(make_episode(timestamps_s=clock(STEADY, 5e-5))) is None


def test_short_and_broken_clocks_raise_nothing(make_episode) -> None:
    detectors = (detect_irregular_step, detect_non_monotonic, detect_first_not_zero, detect_wrong_fps)
    for times_s in (np.array([0.0]), np.array([0.0, 1 / 30]), np.full(60, np.nan)):
        episode = make_episode(np.zeros((len(times_s), 1)), timestamps_s=times_s)
        assert [detect(episode) for detect in detectors] == [None] * 4
