"""Meta-World tasks (metaworld 3.1.1, MIT) as worlds: a Sawyer arm whose hand is moved by small steps.

State: end effector x, y, z in metres and gripper opening 0..1. Action: x, y, z in -1..1 (1 cm a step at 1) and gripper effort.
The benchmark's observation also tells where the object and the goal are; only the scripted expert sees that part.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import numpy as np

from data_contracts.errors import SimulationError
from simulation.metaworld_tasks import INSTRUCTIONS
from simulation.rendering import INSTALL_HINT, CameraRig, load_mujoco
from simulation.worlds import STATE_KEY

DISPLACEMENT_STEPS = 20
OPEN_GRIPPER = -1.0
CORNER2_POSITION_M = (0.75, 0.075, 0.7)
"""LeRobot moves `corner2` here, nearer to the table."""
UPSIDE_DOWN = frozenset({"corner", "corner2", "corner3", "corner4"})
"""The scene hangs these cameras upside down."""
VIEWS = {"front": "corner2", "top": "topview", "side": "corner", "wrist": "gripperPOV"}
STATE_UNITS = {"x": "m", "y": "m", "z": "m", "gripper": "fraction open"}
ACTION_UNITS = {"delta_x": "cm", "delta_y": "cm", "delta_z": "cm", "gripper_effort": "-1 open to 1 closed"}
UNITS = STATE_UNITS | ACTION_UNITS


class MetaworldWorld:
    """A world of `simulation.worlds`. See there for what each method guarantees."""

    robot_type = "sawyer"
    fps = 80
    max_steps = 200
    state_names = tuple(STATE_UNITS)
    action_names = tuple(ACTION_UNITS)
    action_scale = np.ones(4, np.float32)

    def __init__(self, task: str, views: Mapping[str, str], size: tuple[int, int], quality: str = "plain") -> None:
        self.name = f"metaworld/{task}"
        self.instruction = INSTRUCTIONS[task]
        self.views = dict(views)
        self._size = size
        self._mujoco = load_mujoco()
        self._env, self._expert = _make_environment(task)
        self._env.model.cam("corner2").pos[:] = CORNER2_POSITION_M
        self._rig = CameraRig(self._env.model, UPSIDE_DOWN, quality)
        self._observation = np.zeros(39)
        self._is_success = False
        self._reward = 0.0

    @property
    def camera_keys(self) -> tuple[str, ...]:
        return tuple(self.views)

    @property
    def is_success(self) -> bool:
        return self._is_success

    @property
    def reward(self) -> float:
        return self._reward

    @property
    def layout(self) -> np.ndarray:
        return np.array(self._env._last_rand_vec, np.float64)

    def reset(self, seed: int, *, displaced: bool = False) -> None:
        self._env.seed(seed)
        self._observation, _ = self._env.reset()
        self._is_success, self._reward = False, 0.0
        if displaced:
            self._displace(np.random.default_rng(seed))

    def _displace(self, rng: np.random.Generator) -> None:
        direction = rng.normal(size=3)
        direction /= np.abs(direction).max()
        for _ in range(DISPLACEMENT_STEPS):
            self.step(np.append(direction, OPEN_GRIPPER))

    def state(self) -> np.ndarray:
        return self._observation[:4].astype(np.float32)

    def observe(self) -> dict[str, np.ndarray]:
        pictures = {key: self.render(view, *self._size) for key, view in self.views.items()}
        return pictures | {STATE_KEY: self.state()}

    def step(self, action: np.ndarray) -> None:
        clipped = np.clip(np.asarray(action, np.float32), -1, 1)
        self._observation, reward, _, _, info = self._env.step(clipped)
        self._reward = float(reward)
        self._is_success = bool(info["success"])

    def expert_action(self) -> np.ndarray:
        return np.clip(self._expert.get_action(self._observation), -1, 1).astype(np.float32)

    def idle_action(self) -> np.ndarray:
        return np.zeros(4, np.float32)

    def render(self, camera: str, height: int, width: int) -> np.ndarray:
        return self._rig.render(self._env.data, VIEWS.get(camera, camera), height, width)

    def close(self) -> None:
        self._rig.close()

    def __enter__(self) -> MetaworldWorld:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _make_environment(task: str) -> tuple[Any, Any]:
    """Returns (environment, scripted expert). The environment is fully observed and draws its start from its seed."""
    try:
        from metaworld.env_dict import ALL_V3_ENVIRONMENTS
        from metaworld.policies import ENV_POLICY_MAP
    except ImportError as error:
        raise SimulationError("Meta-World is not installed.", hint=INSTALL_HINT) from error
    environment = ALL_V3_ENVIRONMENTS[task]()
    # The experts warn at every step that the world will clip what they ask for, as it is meant to.
    warnings.filterwarnings("ignore", message=r"Constant\(s\) may be too high")
    # Meta-World's own benchmarks freeze the start and hide the goal through `set_task`; a world is seeded instead.
    environment._freeze_rand_vec = False
    environment.seeded_rand_vec = True
    environment._partially_observable = False
    environment._set_task_called = True
    environment.max_path_length = np.iinfo(np.int64).max
    del environment.sawyer_observation_space
    return environment, ENV_POLICY_MAP[task]()
