"""One rollout: where and how it is tried, how it goes, what came of it. Many at once are `simulation.trials`'."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_contracts.errors import SimulationError
from simulation.acting import ActingPolicy
from simulation.worlds import STATE_KEY, World, make_world


@dataclass(frozen=True)
class Rollout:
    """One attempt. `video` is where its recording lies, for those that have one."""

    seed: int
    is_success: bool
    num_steps: int
    sum_reward: float = 0.0
    max_reward: float = 0.0
    wall_s: float = field(default=0.0, compare=False)
    video: Path | None = None


@dataclass(frozen=True)
class Conditions:
    """Where and how a policy is tried: see `make_world` for `cameras` to `quality`, `World.reset` for `displaced`.

    `task` is what the policy is told to do, by default the world's own instruction; `max_steps` likewise.
    """

    world_name: str
    cameras: Mapping[str, str] | None = None
    size: tuple[int, int] = (128, 128)
    units: str = "degrees"
    quality: str = "plain"
    displaced: bool = False
    task: str | None = None
    max_steps: int | None = None

    def make_world(self) -> World:
        return make_world(self.world_name, cameras=self.cameras, size=self.size, units=self.units, quality=self.quality)

    def same_world(self, other: Conditions) -> bool:
        """Returns whether one simulated world serves both."""
        one, two = ((c.world_name, c.cameras, c.size, c.units, c.quality) for c in (self, other))
        return one == two


def roll_out(world: World, policy: ActingPolicy, conditions: Conditions, seed: int) -> tuple[Rollout, np.ndarray]:
    """Returns one attempt and the actions that were executed, float32 (T, A). Success or the horizon ends it.

    Raises:
        SimulationError: an action has another size than the world's, or a value that is not finite.
    """
    started = time.perf_counter()
    task, max_steps = conditions.task or world.instruction, conditions.max_steps or world.max_steps
    world.reset(seed, displaced=conditions.displaced)
    policy.reset(seed)
    actions: list[np.ndarray] = []
    rewards: list[float] = []
    while len(actions) < max_steps and not world.is_success:
        needs_observation = getattr(policy, "needs_observation", True)
        observation = world.observe() if needs_observation else {STATE_KEY: world.state()}
        actions.append(_checked(policy.act(observation, task), world))
        world.step(actions[-1])
        rewards.append(world.reward)
    actions_TA = np.array(actions, np.float32).reshape(len(actions), len(world.action_names))
    rollout = Rollout(
        seed, world.is_success, len(actions), sum(rewards), max(rewards, default=0.0), time.perf_counter() - started
    )
    return rollout, actions_TA


def _checked(action: np.ndarray, world: World) -> np.ndarray:
    action = np.asarray(action, np.float32)
    if action.shape != (len(world.action_names),):
        raise SimulationError(
            f"{world.name} takes actions of {len(world.action_names)} values, the policy gave shape {action.shape}.",
            hint=f"They are {', '.join(world.action_names)}.",
        )
    if not np.isfinite(action).all():
        raise SimulationError(f"The policy gave an action that is not finite: {action}.")
    return action
