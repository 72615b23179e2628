"""What an evaluation asks of a policy, and the two that every world knows: doing nothing, and its expert."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from simulation.worlds import World


class ActingPolicy(Protocol):
    """Anything that drives a robot.

    An attribute `needs_observation` (bool) may say that the next action is already decided, as in the middle of an action
    chunk: then nothing is rendered and the observation holds the state alone.
    """

    def reset(self, seed: int | None = None) -> None:
        """Forgets the last episode. After a reset with the same seed the same observations get the same actions."""
        ...

    def act(self, observation: dict[str, np.ndarray], task: str) -> np.ndarray:
        """Returns the action for this moment, (A,), in the units of the world."""
        ...


PolicyFactory = Callable[[World], ActingPolicy]
"""Makes the policy in the process that runs it; must be picklable. The world is for baselines; a trained policy ignores it."""


class DoNothing:
    """Leaves the robot where it is: what a world must not call success. The class itself is its factory."""

    needs_observation = False

    def __init__(self, world: World) -> None:
        self._world = world

    def reset(self, seed: int | None = None) -> None:
        pass

    def act(self, observation: dict[str, np.ndarray], task: str) -> np.ndarray:
        return self._world.idle_action()


class ExpertPolicy:
    """The scripted expert, which sees what no camera shows: the upper bound. The class itself is its factory."""

    needs_observation = False

    def __init__(self, world: World) -> None:
        self._world = world

    def reset(self, seed: int | None = None) -> None:
        pass

    def act(self, observation: dict[str, np.ndarray], task: str) -> np.ndarray:
        return self._world.expert_action()
