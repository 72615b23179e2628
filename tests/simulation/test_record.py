"""Recording the experts."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("metaworld")

from data_contracts.errors import SimulationError
from simulation.record import STEPS_AFTER_SUCCESS, ActionNoise, record_episode, record_episodes
from simulation.worlds import make_world

WORLD = "metaworld/handle-press-v3"
CAMERAS = {"observation.images.front": "front"}


def test_an_episode_ends_shortly_after_success() -> None:
    [episode] = record_episodes(WORLD, [0], cameras=CAMERAS, size=(64, 64))
    length = len(episode.action_TA)
    assert episode.is_success
    assert not episode.is_noisy
    assert episode.state_TS.shape == (length, 4)
    assert episode.frames["observation.images.front"].shape == (length, 64, 64, 3)
    with make_world(WORLD) as world:
        world.reset(0)
        for action in episode.action_TA[: length - STEPS_AFTER_SUCCESS]:
            world.step(action)
        assert world.is_success


def test_noise_moves_the_arm_and_the_label_stays_the_experts() -> None:
    with make_world(WORLD, cameras={}) as world:
        noisy = record_episode(world, 1)
        assert noisy.is_noisy
        world.reset(1)
        noise = ActionNoise(world.action_scale, 1)
        for label, state in zip(noisy.action_TA, noisy.state_TS, strict=True):
            np.testing.assert_array_equal(world.state(), state)
            np.testing.assert_array_equal(world.expert_action(), label)
            world.step(label + noise.next())


def test_noise_has_the_declared_spread() -> None:
    noise = ActionNoise(np.array([1.0, 2.0, 0.0]), seed=0)
    deviations = np.stack([noise.next() for _ in range(20_000)])
    # stationary: 0.6 * 0.3 / sqrt(1 - 0.8^2) = 0.3
    np.testing.assert_allclose(deviations.std(axis=0), [0.3, 0.6, 0.0], rtol=0.05)


def test_the_same_seeds_give_the_same_episodes() -> None:
    one, two = (record_episodes(WORLD, [2, 3], cameras=CAMERAS, size=(64, 64)) for _ in range(2))
    for first, again in zip(one, two, strict=True):
        np.testing.assert_array_equal(first.action_TA, again.action_TA)
        np.testing.assert_array_equal(
            first.frames["observation.images.front"], again.frames["observation.images.front"]
        )


def test_action_repeat_records_every_second_step() -> None:
    with make_world(WORLD, cameras={}) as world:
        every, second = (record_episode(world, 4, action_repeat=repeat) for repeat in (1, 2))
    assert second.is_success
    assert len(second.action_TA) < 0.75 * len(every.action_TA)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    record_episodes(WORLD, list(range(6)), cameras={}, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(5, 6), (6, 6)]


def test_evaluation_seeds_are_refused() -> None:
    with pytest.raises(SimulationError, match="Seed 1000000 is not for demonstrations"):
        record_episodes(WORLD, [1_000_000])
