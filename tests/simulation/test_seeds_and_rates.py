"""What needs no simulator: seed ranges, intervals, joint units."""

from __future__ import annotations

import numpy as np
import pytest

from data_contracts.errors import SimulationError
from simulation.seeds import DEMONSTRATION_SEEDS, EVALUATION_SEEDS, check_seeds, evaluation_seeds
from simulation.so100_units import JOINT_HIGH_RAD, JOINT_LOW_RAD, from_radians, to_radians
from simulation.success_rate import wilson_interval
from simulation.worlds import joint_units


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # R: prop.test(x, n, correct = FALSE)$conf.int
        (0, 20, 0.0, 0.1611),
        (10, 20, 0.2993, 0.7007),
        (20, 20, 0.8389, 1.0),
        (1, 3, 0.0615, 0.7923),
    ],
)
def test_wilson_interval_agrees_with_r(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=1e-4)


def test_wilson_interval_without_trials_says_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_wilson_interval_refuses_impossible_counts() -> None:
    with pytest.raises(ValueError, match="3 successes of 2"):
        wilson_interval(3, 2)


def test_demonstrations_and_evaluation_share_no_seed() -> None:
    assert not set(DEMONSTRATION_SEEDS) & set(EVALUATION_SEEDS)
    assert all(seed in EVALUATION_SEEDS for seed in evaluation_seeds(50))


def test_a_seed_of_the_wrong_range_is_refused() -> None:
    with pytest.raises(SimulationError, match="Seed 5 is not for evaluation"):
        check_seeds([1_000_000, 5], EVALUATION_SEEDS, "evaluation")


@pytest.mark.parametrize("units", ["degrees", "normalised"])
def test_joint_units_round_trip(units: str) -> None:
    joints = np.linspace(JOINT_LOW_RAD, JOINT_HIGH_RAD, 5)
    np.testing.assert_allclose(to_radians(from_radians(joints, units), units), joints, atol=1e-12)


def test_normalised_units_span_the_joint_ranges_and_the_gripper_starts_at_zero() -> None:
    np.testing.assert_allclose(from_radians(JOINT_LOW_RAD, "normalised"), [-100] * 5 + [0], atol=1e-9)
    np.testing.assert_allclose(from_radians(JOINT_HIGH_RAD, "normalised"), [100] * 6, atol=1e-9)


def test_degrees_have_their_zero_in_the_middle_of_each_joint() -> None:
    middle = from_radians((JOINT_LOW_RAD + JOINT_HIGH_RAD) / 2, "degrees")
    np.testing.assert_allclose(middle, [0, 0, 0, 0, 0, 50], atol=1e-9)


def test_every_value_of_a_world_has_a_unit() -> None:
    assert joint_units("so100/lift-cube", "normalised")["elbow_flex.pos"] == "-100 to 100 over the range"
    assert joint_units("so100/lift-cube")["gripper.pos"] == "0 closed to 100 open"
    assert joint_units("metaworld/reach-v3")["x"] == "m"
    with pytest.raises(SimulationError, match="Unknown world"):
        joint_units("so100/fly")


def test_unknown_units_are_named() -> None:
    with pytest.raises(SimulationError, match="'radian'"):
        from_radians(JOINT_LOW_RAD, "radian")
