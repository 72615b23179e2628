"""The scripted expert of the SO-100 worlds: inverse kinematics and what to do next.

It keeps no memory: the situation alone decides, so it can take over from any state, also one that noise has led to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

GRASP_SITE = "grasp"
MAX_LEAD_RAD = 0.12
"""How far a target may run ahead of a joint: with the servo of the scene about 1 rad/s."""
JAW_OPEN_RAD, JAW_CLOSED_RAD = 0.9, -0.2
HOVER_M, LIFT_M, TOUCH_M = 0.06, 0.12, 0.005
FUNNEL_RADII_M, AT_CUBE_M = (0.012, 0.03), 0.012
MAX_STRETCH_M = 0.03
"""The goal of one inverse-kinematics solution lies at most so far away: the hand then moves along straight lines."""
UP = np.array([0.0, 0.0, 1.0])


class InverseKinematics:
    """Damped least squares (Wampler 1986) over the four joints that place the hand; the hand points down, the roll is kept."""

    POSITIONING_JOINTS = 4
    AXIS_WEIGHT_M = 0.1
    DAMPING = 1e-3
    ITERATIONS = 30
    MAX_STEP_RAD = 0.2
    TOLERANCE_M = 5e-4

    def __init__(self, mujoco: Any, model: Any) -> None:
        self._mujoco = mujoco
        self._model = model
        self._data = mujoco.MjData(model)
        self._site = model.site(GRASP_SITE).id

    def solve(self, start_rad: np.ndarray, target_m: np.ndarray) -> np.ndarray:
        """Returns joint positions (6,) in radians that bring the grasp point to `target_m` (3,), pointing down.

        Out of reach it returns the nearest that was found. The roll and the jaw stay as in `start_rad`.
        """
        joints = start_rad.copy()
        active = self.POSITIONING_JOINTS
        low, high = self._model.jnt_range[:active].T
        for _ in range(self.ITERATIONS):
            error, jacobian = self._linearise(joints, target_m)
            if np.linalg.norm(error) < self.TOLERANCE_M:
                break
            damped = jacobian @ jacobian.T + self.DAMPING * np.eye(6)
            step = jacobian.T @ np.linalg.solve(damped, error)
            step *= min(1.0, self.MAX_STEP_RAD / max(np.abs(step).max(), 1e-9))
            joints[:active] = np.clip(joints[:active] + step, low, high)
        return joints

    def position_m(self, joints_rad: np.ndarray) -> np.ndarray:
        """Returns where the grasp point is, (3,), when the joints stand at `joints_rad`."""
        self._place(joints_rad)
        return self._data.site_xpos[self._site].copy()

    def _place(self, joints_rad: np.ndarray) -> None:
        self._data.qpos[:6] = joints_rad
        self._mujoco.mj_kinematics(self._model, self._data)
        self._mujoco.mj_comPos(self._model, self._data)

    def _linearise(self, joints_rad: np.ndarray, target_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the error (6,) and its Jacobian (6, 4): grasp point in metres, then the weighted tilt of the hand."""
        self._place(joints_rad)
        position, rotation = np.zeros((3, self._model.nv)), np.zeros((3, self._model.nv))
        self._mujoco.mj_jacSite(self._model, self._data, position, rotation, self._site)
        pointing = -self._data.site_xmat[self._site].reshape(3, 3)[:, 1]
        tilt = np.cross(pointing, -UP)
        error = np.concatenate([target_m - self._data.site_xpos[self._site], self.AXIS_WEIGHT_M * tilt])
        jacobian = np.concatenate([position, self.AXIS_WEIGHT_M * rotation])[:, : self.POSITIONING_JOINTS]
        return error, jacobian


def next_targets(
    task: str, kinematics: InverseKinematics, joints_rad: np.ndarray, cube_m: np.ndarray, is_holding: bool
) -> np.ndarray:
    """Returns the joint targets (6,) in radians that bring `task` forward from here."""
    grasp_m = kinematics.position_m(joints_rad)
    goal_m, jaw_rad = (_lift if task == "lift-cube" else _touch)(grasp_m, cube_m, is_holding)
    way = goal_m - grasp_m
    way *= min(1.0, MAX_STRETCH_M / max(np.linalg.norm(way), 1e-9))
    start = np.append(joints_rad[:4], [0.0, jaw_rad])
    goal = kinematics.solve(start, grasp_m + way)
    return joints_rad + np.clip(goal - joints_rad, -MAX_LEAD_RAD, MAX_LEAD_RAD)


def _touch(grasp_m: np.ndarray, cube_m: np.ndarray, is_holding: bool) -> tuple[np.ndarray, float]:
    return cube_m + _funnel_height_m(grasp_m, cube_m, TOUCH_M) * UP, JAW_CLOSED_RAD


def _lift(grasp_m: np.ndarray, cube_m: np.ndarray, is_holding: bool) -> tuple[np.ndarray, float]:
    if is_holding:
        return np.array([*grasp_m[:2], LIFT_M]), JAW_CLOSED_RAD
    is_at_cube = bool((np.abs(grasp_m - cube_m) < AT_CUBE_M).all())
    return cube_m + _funnel_height_m(grasp_m, cube_m, 0.0) * UP, JAW_CLOSED_RAD if is_at_cube else JAW_OPEN_RAD


def _funnel_height_m(grasp_m: np.ndarray, cube_m: np.ndarray, lowest_m: float) -> float:
    """Returns how high above the cube to aim: hovering when far to the side, down a funnel to `lowest_m` when above it."""
    aside_m = float(np.linalg.norm(grasp_m[:2] - cube_m[:2]))
    return float(np.interp(aside_m, FUNNEL_RADII_M, (lowest_m, HOVER_M)))
