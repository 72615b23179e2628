"""Arms whose true way of counting is known, as their recordings would show them: nothing that counts otherwise ever runs."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from skill_packs.fit import check_fit
from tests.skill_packs.make_robots import ARM, HONEST, PACKS, SO, TO_OLD_ZERO, Rows, calibration

LOW = np.array([-125, -108, -96, -100, -180, 0.0])
HIGH = np.array([125, 108, 96, 108, 180, 100.0])
"""Where the joints of an SO arm end, in degrees from their middle; the gripper from 0 to 100."""
TRAINED_MEAN = np.array(PACKS["degrees"].state.mean)


def recording(rng: np.random.Generator, count: str) -> Rows:
    """Statistics of a random recording, true degrees turned into what such an arm would have written."""
    rest = np.clip(TRAINED_MEAN + rng.normal(0, 1, 6) * rng.choice([2, 10, 30]), LOW, HIGH)
    reach = np.clip(TRAINED_MEAN + rng.uniform(-1, 1, 6) * rng.choice([5, 20, 60, 120]), LOW, HIGH)
    way_T1 = 0.5 - 0.5 * np.cos(np.linspace(0, 2 * np.pi * rng.integers(1, 4), 200))[:, None] ** rng.integers(1, 3)
    path_TD = np.clip(rest + way_T1 * (reach - rest) + rng.normal(0, 0.2, (200, 6)), LOW, HIGH)
    path_TD[:, :5] = np.round(path_TD[:, :5] * 4095 / 360) * 360 / 4095
    if count == "normalised":
        path_TD[:, :5] *= 100 / HIGH[:5]
    elif count == "radians":
        path_TD = np.radians(path_TD)
    elif count == "old zero":
        path_TD = path_TD * TO_OLD_ZERO[0] + TO_OLD_ZERO[1]
    elif count == "counts":
        path_TD = np.round(2048 + path_TD * 4095 / 360)
    return {name: getattr(path_TD, name)(axis=0).tolist() for name in ("mean", "std", "min", "max")}


@pytest.mark.parametrize("said", [{}, {"*": "degrees"}], ids=["nothing said", "wrongly said to be degrees"])
@pytest.mark.parametrize("count", ["normalised", "radians", "old zero", "counts"])
def test_an_arm_that_counts_otherwise_never_runs(count, said):
    rng = np.random.default_rng(7)
    for _ in range(400):
        files = HONEST.with_(statistics=recording(rng, count), units=said)
        fit = check_fit(PACKS["degrees"], files.profile())
        if (
            said and count == "normalised"
        ):  # it took its owner's wrong word: values that stay within ±100 cannot contradict
            continue
        assert not fit.is_running, (fit, files.statistics)


@pytest.mark.parametrize("said", [{}, {"*": "normalised"}], ids=["nothing said", "wrongly said to be -100..100"])
@pytest.mark.parametrize("count", ["degrees", "radians", "old zero", "counts"])
def test_no_other_arm_runs_a_pack_in_normalised_joints(count, said):
    rng = np.random.default_rng(10)
    for _ in range(400):
        files = HONEST.with_(statistics=recording(rng, count), units=said)
        assert not check_fit(PACKS["normalised"], files.profile()).is_running, files.statistics


def test_many_arms_that_count_as_the_pack_does_are_let_run():
    rng = np.random.default_rng(8)
    answers = Counter(
        check_fit(
            PACKS["degrees"],
            HONEST.with_(
                statistics=recording(rng, "degrees"), units={"*": "degrees"}, calibration=calibration()
            ).profile(),
        ).answer
        for _ in range(400)
    )
    assert answers["runs"] >= 200, answers


def test_old_names_never_run():
    rng = np.random.default_rng(9)
    names = tuple(f"main_{joint}" for joint in ARM)
    assert len(names) == len(SO)
    for _ in range(200):
        files = HONEST.with_(names=names, statistics=recording(rng, "old zero"), units={"*": "degrees"})
        assert not check_fit(PACKS["degrees"], files.profile()).is_running
