"""What a policy must beat to have learnt anything: replays of demonstrations, blind or chosen by the first picture.

From a benchmark's own starts the nearest demonstration, replayed, solves most easy tasks; from displaced ones it does not.
`acting.DoNothing` is the third baseline. After its last action a replay goes on with that one, up to the horizon.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from data_contracts.errors import SimulationError
from simulation.acting import ActingPolicy
from simulation.demonstrations import Demonstration, Demonstrations, thumbnail
from simulation.rendering import MAX_SIDE_PX
from simulation.worlds import World


class FixedReplay:
    """Replays one demonstration whatever is to be seen: the one whose first picture is most like all the others'."""

    needs_observation = False

    def __init__(self, demonstrations: Sequence[Demonstration], world: World) -> None:
        self._chosen = most_ordinary(demonstrations)
        self._fps = world.fps
        self._step = 0

    def reset(self, seed: int | None = None) -> None:
        self._step = 0

    def act(self, observation: dict[str, np.ndarray], task: str) -> np.ndarray:
        action = _action_at(self._chosen, self._step, self._fps)
        self._step += 1
        return action


class NearestImageReplay:
    """Replays the demonstration whose first picture is nearest to what the world's first view shows (mean square of pixels).

    The world is rendered at the size of what it is compared with. A demonstration's cameras are all compared: the nearest is
    the one that shows the same view.
    """

    needs_observation = False

    def __init__(self, demonstrations: Sequence[Demonstration], world: World) -> None:
        self._demonstrations = demonstrations
        self._world = world
        self._chosen: Demonstration | None = None
        self._step = 0

    def reset(self, seed: int | None = None) -> None:
        self._chosen, self._step = None, 0

    def act(self, observation: dict[str, np.ndarray], task: str) -> np.ndarray:
        if self._chosen is None:
            self._chosen = self._nearest()
        action = _action_at(self._chosen, self._step, self._world.fps)
        self._step += 1
        return action

    def _nearest(self) -> Demonstration:
        view = next(iter(self._world.views.values()))
        sizes = {size for one in self._demonstrations for size in one.sizes}
        shown = {size: thumbnail(self._world.render(view, *map(_renderable, size))) for size in sizes}
        return min(self._demonstrations, key=lambda one: distance(shown, one))


REPLAYS: dict[str, Callable[[Sequence[Demonstration], World], ActingPolicy]] = {
    "fixed-replay": FixedReplay,
    "nearest-image": NearestImageReplay,
}


def make_replay(
    kind: str, demonstrations: Demonstrations, instructions: Mapping[str, str | None], world: World
) -> ActingPolicy:
    """Returns the replay of a kind of REPLAYS for a world; a partial of this is a picklable factory.

    Args:
        instructions: world -> what the suite tells a policy there.

    Raises:
        SimulationError: no demonstration is of this world.
    """
    said = [world.instruction, instructions.get(world.name) or world.instruction]
    usable = demonstrations.of(world.name, said, len(world.action_names))
    if not usable:
        tasks = sorted({one.task for one in demonstrations.episodes})
        raise SimulationError(
            f"No demonstration of {world.name} to replay (told {said[1]!r}); there are: {'; '.join(tasks[:8])}.",
            hint="Give datasets of this task, or leave the replays out of --baselines.",
        )
    return REPLAYS[kind](usable, world)


def replay_factory(
    kind: str, demonstrations: Demonstrations, instructions: Mapping[str, str | None]
) -> partial[ActingPolicy]:
    """Returns a picklable factory of `make_replay`."""
    return partial(make_replay, kind, demonstrations, instructions)


def distance(shown: Mapping[tuple[int, int], np.ndarray], demonstration: Demonstration) -> float:
    """Returns the mean square difference (0..255²) of a demonstration's nearest first picture to what is shown at its size."""
    pairs = zip(demonstration.sizes, demonstration.pictures_CHW3.astype(np.float32), strict=True)
    return min(float(np.square(picture_HW3 - shown[size]).mean()) for size, picture_HW3 in pairs)


def _renderable(side_px: int) -> int:
    return min(side_px, MAX_SIDE_PX)


def most_ordinary(demonstrations: Sequence[Demonstration]) -> Demonstration:
    """Returns the medoid by first pictures, which is the demonstration nearest to their mean."""
    firsts_NHW3 = np.stack([one.pictures_CHW3[0] for one in demonstrations]).astype(np.float32)
    away = np.square(firsts_NHW3 - firsts_NHW3.mean(axis=0)).mean(axis=(1, 2, 3))
    return demonstrations[int(np.argmin(away))]


def _action_at(demonstration: Demonstration, step: int, fps: float) -> np.ndarray:
    """Returns the action of a moment: a demonstration at half the world's rate holds each action for two steps."""
    index = int(step * demonstration.fps / fps)
    return demonstration.action_TA[min(index, len(demonstration.action_TA) - 1)]
