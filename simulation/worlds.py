"""What a simulated world is, and how to get one by name.

    metaworld/<task>-v3      a Sawyer arm moved by end-effector steps, 80 control steps a second: 50 tasks (metaworld_world)
    so100/<task>             one SO-100 arm driven by joint positions in LeRobot's units, 30 steps a second (so100_world)

A world knows physics, cameras and a scripted expert. Recording lives in `record`, judging a policy in `evaluate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol

import numpy as np

from data_contracts.errors import SimulationError, did_you_mean
from simulation.metaworld_tasks import INSTRUCTIONS, METAWORLD_TASKS

STATE_KEY = "observation.state"
SO100_INSTRUCTIONS = {"touch-cube": "Touch the red cube", "lift-cube": "Pick up the red cube"}
SO100_TASKS = tuple(SO100_INSTRUCTIONS)
WORLD_NAMES = (*(f"metaworld/{task}" for task in METAWORLD_TASKS), *(f"so100/{task}" for task in SO100_TASKS))
DEFAULT_CAMERAS = {"observation.images.front": "front", "observation.images.wrist": "wrist"}
"""Observation key to view. Every world knows the views `front`, `top`, `side`, `wrist`, and its scene's own camera names."""


class World(Protocol):
    """One task with one robot. Everything that happens after `reset(seed)` is decided by the seed and the actions.

    `views` maps observation keys to cameras; `action_scale` is the size of an ordinary step in each action dimension.
    """

    name: str
    robot_type: str
    fps: int
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    action_scale: np.ndarray
    views: Mapping[str, str]
    instruction: str
    max_steps: int

    @property
    def camera_keys(self) -> tuple[str, ...]: ...

    @property
    def is_success(self) -> bool:
        """True if the task is solved at this moment."""
        ...

    @property
    def reward(self) -> float:
        """What the last step was worth: Meta-World's own reward (0 to 10); elsewhere 1 where the task is solved, else 0."""
        ...

    @property
    def layout(self) -> np.ndarray:
        """Returns what the seed drew for this episode, float64: where objects and goal are. No displacement changes it."""
        ...

    def reset(self, seed: int, *, displaced: bool = False) -> None:
        """Starts an episode. `displaced` first drives the arm in a random direction at full speed for 20 steps: a start
        that no demonstration has, which tells a policy from a replay."""
        ...

    def state(self) -> np.ndarray:
        """Returns the robot's own state, float32 (len(state_names),), without rendering."""
        ...

    def observe(self) -> dict[str, np.ndarray]:
        """Returns one uint8 (H, W, 3) picture per camera key and the state under `observation.state`."""
        ...

    def step(self, action: np.ndarray) -> None:
        """Applies an action (len(action_names),) for one control step."""
        ...

    def expert_action(self) -> np.ndarray:
        """Returns what the scripted expert does here, float32 (len(action_names),)."""
        ...

    def idle_action(self) -> np.ndarray:
        """Returns the action that leaves the robot where it is, float32 (len(action_names),)."""
        ...

    def render(self, camera: str, height: int, width: int) -> np.ndarray:
        """Returns what a view or camera sees, uint8 (height, width, 3)."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> World: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def make_world(
    name: str,
    *,
    cameras: Mapping[str, str] | None = None,
    size: tuple[int, int] = (128, 128),
    units: str = "degrees",
    quality: str = "plain",
) -> World:
    """Returns the world called `name`.

    Args:
        name: one of WORLD_NAMES.
        cameras: observation key -> view or camera name, so that a policy finds the keys it was trained with.
        size: (height, width) of the pictures in `observe()`.
        units: joint units of SO-100 worlds, "degrees" or "normalised" (so100_units); others ignore it.
        quality: "plain" pictures without shadows, or "full" as benchmarks render them (rendering.CameraRig); much slower.

    Raises:
        SimulationError: the name is unknown, or the simulation extra is not installed.
    """
    family, task = _split_name(name)
    views = dict(DEFAULT_CAMERAS if cameras is None else cameras)
    if family == "metaworld":
        from simulation.metaworld_world import MetaworldWorld

        return MetaworldWorld(task, views, size, quality)
    from simulation.so100_world import SO100World

    return SO100World(task, views, size, units, quality)


def instruction_of(name: str) -> str:
    """Returns what a world says its task is. Needs no simulator. Raises SimulationError for an unknown world."""
    family, task = _split_name(name)
    return (INSTRUCTIONS if family == "metaworld" else SO100_INSTRUCTIONS)[task]


def value_names(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns (state names, action names) of a world. Needs no simulator. Raises SimulationError for an unknown world."""
    family, _ = _split_name(name)
    if family == "metaworld":
        from simulation.metaworld_world import ACTION_UNITS, STATE_UNITS

        return tuple(STATE_UNITS), tuple(ACTION_UNITS)
    from simulation.so100_units import JOINT_NAMES

    return JOINT_NAMES, JOINT_NAMES


def joint_units(name: str, units: str = "degrees") -> dict[str, str]:
    """Returns the unit of every value of a world's state and action, by value name. Needs no simulator.

    Raises:
        SimulationError: unknown world or joint units.
    """
    family, _ = _split_name(name)
    if family == "metaworld":
        from simulation.metaworld_world import UNITS

        return dict(UNITS)
    from simulation.so100_units import unit_names

    return unit_names(units)


def _split_name(name: str) -> tuple[str, str]:
    if name not in WORLD_NAMES:
        raise SimulationError(f"Unknown world {name!r}.", hint=did_you_mean(name, WORLD_NAMES))
    family, _, task = name.partition("/")
    return family, task
