"""Driving: chunks are executed from a queue, in the robot's units."""

from __future__ import annotations

import numpy as np
import pytest

from data_contracts.errors import PolicyError
from policy.actor import Actor

TASK = "press the button"


def test_a_chunk_is_predicted_only_when_the_queue_is_empty(tiny, make_observation):
    actor = Actor(*tiny, seed=3)
    chunk = Actor(*tiny, seed=3).predict_chunk(make_observation(), TASK)
    assert actor.needs_observation
    taken = [actor.act(make_observation(), TASK)]
    assert not actor.needs_observation
    taken += [actor.act({}, TASK) for _ in range(3)]  # n_action_steps is 4
    assert actor.needs_observation
    np.testing.assert_array_equal(np.stack(taken), chunk[:4])
    assert taken[0].shape == (3,)
    assert taken[0].dtype == np.float32


def test_the_number_of_executed_actions_can_be_chosen(tiny, make_observation):
    actor = Actor(*tiny, num_action_steps=2)
    actor.act(make_observation(), TASK)
    assert not actor.needs_observation
    actor.act({}, TASK)
    assert actor.needs_observation


@pytest.mark.parametrize("steps", [0, 7])
def test_more_actions_than_a_chunk_has_are_refused(tiny, steps):
    with pytest.raises(PolicyError, match="6"):
        Actor(*tiny, num_action_steps=steps)


def test_a_reset_with_a_seed_repeats_the_episode(tiny, make_observation):
    actor = Actor(*tiny)
    actor.reset(seed=5)
    first = [actor.act(make_observation(), TASK) for _ in range(6)]
    actor.reset(seed=5)
    assert actor.needs_observation
    again = [actor.act(make_observation(), TASK) for _ in range(6)]
    np.testing.assert_array_equal(first, again)
    actor.reset(seed=6)
    assert not np.array_equal(actor.act(make_observation(), TASK), first[0])


def test_actions_are_in_the_robots_units(tiny, make_observation):
    policy, processors = tiny
    shifted = {key: dict(entries) for key, entries in processors.statistics.items()}
    shifted["action"]["mean"] = shifted["action"]["mean"] + 100
    plain = Actor(policy, processors).act(make_observation(), TASK)
    moved = Actor(policy, processors.with_statistics(shifted)).act(make_observation(), TASK)
    np.testing.assert_allclose(moved, plain + 100, atol=1e-4)


def test_the_instruction_matters(tiny, make_observation):
    a, b = (Actor(*tiny).act(make_observation(), task) for task in (TASK, "open the drawer"))
    assert not np.allclose(a, b)
