"""Roles from pictures: a painted scene seen by a fixed camera, by one on the arm, and by one in somebody's hand."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from curation.views.assign import role_of_camera
from curation.views.motion import PictureMotion, measure_motion, sample_indices, small_grey

NUM_FRAMES, HEIGHT, WIDTH = 90, 96, 128


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """A big table top with a few hundred objects on it, uint8 (H, W, 3)."""
    rng = np.random.default_rng(7)
    picture = np.full((400, 500, 3), 120, np.uint8)
    for _ in range(500):
        y, x, size = rng.integers(0, 380), rng.integers(0, 480), rng.integers(6, 22)
        picture[y : y + size, x : x + size] = rng.integers(0, 255, 3)
    return picture


@pytest.fixture(scope="module")
def path() -> np.ndarray:
    """Where the arm is: it goes out, rests, and comes back, (frames, 2) in 0..1."""
    out = np.linspace(0, 1, 30)
    along = np.concatenate([out, np.ones(30), out[::-1]])
    return np.stack([along, along**2], axis=1)


def _fixed(table: np.ndarray, path: np.ndarray) -> list[np.ndarray]:
    frames = []
    for along, across in path:
        frame = table[:HEIGHT, :WIDTH].copy()
        y, x = int(40 + 50 * across), int(90 * along)
        frame[:y, x : x + 22] = (240, 200, 40)
        frames.append(frame)
    return frames


def _wrist(table: np.ndarray, path: np.ndarray) -> list[np.ndarray]:
    frames = []
    for along, across in path:
        y, x = int(250 * across), int(320 * along)
        frame = table[y : y + HEIGHT, x : x + WIDTH].copy()
        frame[70:, 30:45] = frame[70:, 80:95] = (30, 30, 30)  # fingers, always in view
        frames.append(frame)
    return frames


def _measure(frames: list[np.ndarray], state: np.ndarray) -> PictureMotion | None:
    indices = sample_indices(len(frames))
    return measure_motion(small_grey(frames[k] for k in indices), state[list(indices)])


def test_fixed_camera_keeps_its_edges_and_a_wrist_camera_does_not(table, path):
    fixed, wrist = _measure(_fixed(table, path), path), _measure(_wrist(table, path), path)
    assert fixed.static_fraction > 0.6
    assert wrist.static_fraction < 0.3
    assert wrist.change_at_rest < 0.2


def test_picture_decides_against_a_wrong_name(table, path):
    wrist = role_of_camera("observation.images.top", [_measure(_wrist(table, path), path)])
    assert (wrist["role"], wrist["confidence"] > 0.6) == ("wrist", True)
    assert "name says top" in wrist["evidence"]
    fixed = role_of_camera("observation.images.wrist", [_measure(_fixed(table, path), path)])
    assert fixed["role"] == "unknown"


def test_name_decides_which_of_the_fixed_views_it_is(table, path):
    motion = [_measure(_fixed(table, path), path)]
    roles = {name: role_of_camera(f"observation.images.{name}", motion)["role"] for name in ("top", "side", "laptop")}
    assert roles == {"top": "top", "side": "side", "laptop": "unknown"}


def test_moving_camera_without_a_name_is_the_wrist_of_the_named_arm(table, path):
    motion = [_measure(_wrist(table, path), path)]
    assert role_of_camera("observation.images.laptop", motion)["role"] == "wrist"
    assert role_of_camera("observation.images.cam_left", motion)["role"] == "wrist_left"


def test_camera_that_moves_while_the_arm_rests_is_not_on_the_arm(table, path):
    wobble = np.stack(
        [np.sin(np.linspace(0, 40, NUM_FRAMES)) ** 2, np.cos(np.linspace(0, 31, NUM_FRAMES)) ** 2], axis=1
    )
    held = role_of_camera("observation.images.laptop", [_measure(_wrist(table, wobble), path)])
    assert held["role"] == "unknown"
    assert "while the arm rests" in held["evidence"]


def test_exposure_that_drifts_is_not_motion(table, path):
    gains = np.linspace(0.6, 1.0, NUM_FRAMES)
    frames = [(frame * gain).astype(np.uint8) for frame, gain in zip(_fixed(table, path), gains, strict=True)]
    assert role_of_camera("observation.images.top", [_measure(frames, path)])["role"] == "top"


@pytest.mark.parametrize(
    "frames_and_state",
    [
        lambda table, path: ([np.full((HEIGHT, WIDTH, 3), 90, np.uint8)] * NUM_FRAMES, path),
        lambda table, path: (_fixed(table, path)[:5], path[:5]),
        lambda table, path: (_wrist(table, path), np.zeros_like(path)),
    ],
    ids=["blank picture", "few frames", "arm stands still"],
)
def test_what_cannot_be_measured_is_said_and_leaves_the_name(table, path, frames_and_state):
    motion = _measure(*frames_and_state(table, path))
    assert motion is None
    row = role_of_camera("observation.images.top", [])
    assert (row["role"], row["moving_fraction"]) == ("top", None)
    assert "could not be measured" in row["evidence"]
    assert role_of_camera("observation.images.laptop", [])["role"] == "unknown"


def test_state_that_is_absent_or_broken_still_lets_the_picture_speak(table, path):
    frames = _wrist(table, path)
    for state in (np.zeros((NUM_FRAMES, 0)), np.full((NUM_FRAMES, 2), np.nan)):
        motion = _measure(frames, state)
        assert motion.change_at_rest is None
        assert role_of_camera("observation.images.cam", [motion])["role"] == "wrist"


@pytest.mark.parametrize("num_frames", [1, 8, 24, 25, 49, 1000])
def test_samples_are_few_and_span_the_episode(num_frames):
    indices = sample_indices(num_frames)
    assert len(indices) <= 24
    assert indices[0] == 0
    assert indices[-1] >= num_frames - 1 - max(1, num_frames // 12)


@pytest.mark.skipif(find_spec("mujoco") is None, reason="the simulation extra is not installed")
def test_simulated_cameras_come_out_as_they_hang():
    from data_contracts.errors import SimulationError
    from simulation.record import record_episode
    from simulation.worlds import make_world

    views = ("front", "top", "side", "wrist")
    try:
        with make_world("so100/touch-cube", cameras={view: view for view in views}, size=(48, 64)) as world:
            episode = record_episode(world, 3)
    except SimulationError as error:
        pytest.skip(f"No rendering here: {error}")
    for view in views:
        motion = [_measure(list(episode.frames[view]), episode.state_TS)]
        assert role_of_camera(f"observation.images.{view}", motion)["role"] == view
        hidden = role_of_camera("observation.images.camera", motion)["role"]
        assert (hidden == "wrist") == (view == "wrist")
