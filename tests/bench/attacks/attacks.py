"""What people do to a recording before they publish it as their own. Shares no code with the fingerprints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

KEPT_SHARE = 0.7
SPEEDS = (0.7, 0.85, 1.2, 1.5)
NOISE = 0.01
RADIANS = np.pi / 180


@dataclass(frozen=True)
class Recording:
    """An episode as arrays: state and action per frame, and the frames of each camera, uint8 (T, H, W, 3)."""

    dataset: str
    episode: int
    task: str
    fps: int
    state: np.ndarray
    action: np.ndarray
    cameras: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.state)


Attack = Callable[[Recording, Recording, np.random.Generator], Recording]
"""(victim, another episode of its dataset, random numbers) -> what is published."""


def exact(victim: Recording, other: Recording, rng: np.random.Generator) -> Recording:
    return victim


def trim(victim: Recording, other: Recording, rng: np.random.Generator) -> Recording:
    """Keeps 70% of the frames: the first, the last or the middle ones."""
    kept = round(len(victim) * KEPT_SHARE)
    first = int(rng.choice([0, (len(victim) - kept) // 2, len(victim) - kept]))
    return _at(victim, np.arange(first, first + kept))


def retime(victim: Recording, other: Recording, rng: np.random.Generator) -> Recording:
    """Plays at another speed: joints are interpolated, frames repeated or left out."""
    length = max(2, round(len(victim) * float(rng.choice(SPEEDS))))
    return _at(victim, np.linspace(0, len(victim) - 1, length))


def noise(victim: Recording, other: Recording, rng: np.random.Generator) -> Recording:
    """Adds white noise of 1% of each joint's range."""

    def noisy(values: np.ndarray) -> np.ndarray:
        return values + rng.normal(size=values.shape) * NOISE * np.ptp(values, axis=0)

    return replace(victim, state=noisy(victim.state), action=noisy(victim.action))


def mirror(victim: Recording, other: Recording, rng: np.random.Generator) -> Recording:
    """Flips the pictures left to right and negates the first joint, which turns the arm."""
    sign = np.ones(victim.state.shape[1])
    sign[0] = -1
    return replace(
        victim,
        state=victim.state * sign,
        action=victim.action * (sign if len(sign) == victim.action.shape[1] else 1),
        cameras={key: frames[:, :, ::-1] for key, frames in victim.cameras.items()},
    )


def reorder(victim: Recording, other: Recording, rng: np.random.Generator) -> Recording:
    """Writes the joints in another order, none where it was."""
    return replace(
        victim,
        state=np.roll(victim.state, int(rng.integers(1, max(2, victim.state.shape[1]))), axis=1),
        action=np.roll(victim.action, int(rng.integers(1, max(2, victim.action.shape[1]))), axis=1),
    )


def offset(victim: Recording, other: Recording, rng: np.random.Generator) -> Recording:
    """Calibrates anew: each joint is moved by up to 30% of its range, action and state alike."""
    moved = np.ptp(victim.state, axis=0) * rng.uniform(0.05, 0.3, victim.state.shape[1])
    same = moved if len(moved) == victim.action.shape[1] else 0
    return replace(victim, state=victim.state + moved, action=victim.action + same)


def units(victim: Recording, other: Recording, rng: np.random.Generator) -> Recording:
    """Says radians where degrees were."""
    return replace(victim, state=victim.state * RADIANS, action=victim.action * RADIANS)


def concatenate(victim: Recording, other: Recording, rng: np.random.Generator) -> Recording:
    """Joins the episode and another one end to end."""
    parts = [victim, other] if rng.random() < 0.5 else [other, victim]
    return replace(
        victim,
        state=np.concatenate([part.state for part in parts]),
        action=np.concatenate([part.action for part in parts]),
        cameras={key: np.concatenate([part.cameras[key] for part in parts]) for key in victim.cameras},
    )


def foreign_joints(victim: Recording, other: Recording, rng: np.random.Generator) -> Recording:
    """Publishes the video of one with the joints of another, cut to the shorter."""
    length = min(len(victim), len(other))
    return replace(
        victim,
        state=other.state[:length],
        action=other.action[:length],
        cameras={key: frames[:length] for key, frames in victim.cameras.items()},
    )


def random_actions(victim: Recording, other: Recording, rng: np.random.Generator) -> Recording:
    """Keeps the video and makes joints and actions up."""

    def made_up(values: np.ndarray) -> np.ndarray:
        steps = rng.normal(size=values.shape).cumsum(axis=0)
        return steps / np.maximum(np.ptp(steps, axis=0), 1e-9) * np.ptp(values, axis=0) + values.mean(axis=0)

    return replace(victim, state=made_up(victim.state), action=made_up(victim.action))


ATTACKS: dict[str, Attack] = {
    "re-encode": exact,
    "trim to 70%": trim,
    "re-time x0.7 to x1.5": retime,
    "noise of 1% of range": noise,
    "mirror, pan negated": mirror,
    "joints reordered": reorder,
    "calibration offset": offset,
    "other units": units,
    "two joined": concatenate,
    "video of one, joints of another": foreign_joints,
    "video kept, joints made up": random_actions,
}
"""In every one the video is encoded again: with AV1 where nothing else is done to it, with H.264 otherwise."""


def _at(recording: Recording, places: np.ndarray) -> Recording:
    def interpolated(values: np.ndarray) -> np.ndarray:
        numbers = np.arange(len(values))
        return np.stack([np.interp(places, numbers, column) for column in values.T], axis=1)

    nearest = np.round(places).astype(int)
    return replace(
        recording,
        state=interpolated(recording.state),
        action=interpolated(recording.action),
        cameras={key: frames[nearest] for key, frames in recording.cameras.items()},
    )
