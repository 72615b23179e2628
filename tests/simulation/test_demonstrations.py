"""Demonstrations for an evaluation: reading them, replaying them, and asserting that no start was demonstrated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("metaworld")

from data_contracts.errors import SimulationError
from data_contracts.lerobot import DatasetWriter
from simulation.baselines import FixedReplay, NearestImageReplay, make_replay, most_ordinary
from simulation.demonstrated_starts import check_starts, nearest_layout
from simulation.demonstrations import Demonstration, Demonstrations, read_demonstrations, thumbnail
from simulation.legacy_formats import vector_feature, video_feature
from simulation.record import RecordedEpisode, record_episodes
from simulation.report_page import starts_checked
from simulation.rollouts import Conditions, roll_out
from simulation.seeds import evaluation_seeds
from simulation.suites import Suite
from simulation.worlds import World, make_world

WORLD = "metaworld/handle-press-v3"
INSTRUCTION = "Press the handle down"
CAMERAS = {"observation.images.a": "wrist", "observation.images.b": "front"}
SUITE = Suite(name="tiny", title="Tiny", views=("front",), picture=(32, 32), max_steps=60, groups={"some": (WORLD,)})


@pytest.fixture(scope="module")
def recorded() -> list[RecordedEpisode]:
    return record_episodes(WORLD, [0, 2, 4], cameras=CAMERAS, size=(64, 64))


@pytest.fixture(scope="module")
def folder(recorded: list[RecordedEpisode], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recordings") / "org__handle"
    names = {"observation.state": ["x", "y", "z", "gripper"], "action": ["x", "y", "z", "gripper"]}
    features = {key: vector_feature(tuple(value)) for key, value in names.items()}
    features |= {key: video_feature(64, 64, 80, "h264") for key in CAMERAS}
    with DatasetWriter(root, fps=80, robot_type="sawyer", features=features, video_codec="h264") as writer:
        for episode in recorded:
            columns = {"observation.state": episode.state_TS, "action": episode.action_TA}
            writer.add_episode(columns=columns, task=INSTRUCTION, videos=episode.frames)
    return root


def _made(name: int, action: float, brightness: int = 0, fps: float = 80.0) -> Demonstration:
    pictures = np.full((1, 64, 64, 3), brightness, np.uint8)
    actions = np.full((2, 4), action, np.float32) + np.array([[0.0], [0.5]], np.float32)
    return Demonstration("made", name, INSTRUCTION, None, fps, actions, pictures, ((64, 64),))


def test_episodes_are_read_with_first_pictures_and_actions(folder: Path, recorded: list[RecordedEpisode]) -> None:
    for given in (folder, folder.parent):
        found = read_demonstrations([given])
        assert [one.name for one in found.episodes] == [f"org__handle/{index}" for index in range(3)]
        np.testing.assert_array_equal(found.episodes[1].action_TA, recorded[1].action_TA)
        away = found.episodes[1].pictures_CHW3[1] - thumbnail(recorded[1].frames["observation.images.b"][0]).astype(
            float
        )
        assert np.abs(away).mean() < 5, "lossy video"
        assert found.silent == ("org__handle",)


def test_a_folder_without_datasets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="holds no LeRobot dataset"):
        read_demonstrations([tmp_path])


def test_the_nearest_demonstration_is_the_one_of_the_same_seed(folder: Path, recorded: list[RecordedEpisode]) -> None:
    demonstrations = read_demonstrations([folder])
    with make_world(WORLD, cameras={"x": "front"}) as world:
        replay = make_replay("nearest-image", demonstrations, {}, world)
        for episode in recorded:
            world.reset(episode.seed)
            replay.reset(episode.seed)
            np.testing.assert_array_equal(replay.act({}, ""), episode.action_TA[0])
            np.testing.assert_array_equal(replay.act({}, ""), episode.action_TA[1])


def test_a_replay_solves_the_start_that_it_was_recorded_from(folder: Path, recorded: list[RecordedEpisode]) -> None:
    with make_world(WORLD, cameras={"x": "front"}) as world:
        replay = make_replay("nearest-image", read_demonstrations([folder]), {}, world)
        rollout, actions_TA = roll_out(world, replay, Conditions(WORLD), recorded[1].seed)
    assert rollout.is_success
    np.testing.assert_array_equal(actions_TA, recorded[1].action_TA[: len(actions_TA)])


def test_a_fixed_replay_holds_its_last_action_and_keeps_the_demonstrations_pace() -> None:
    with make_world(WORLD, cameras={"x": "front"}) as world:
        full, half = (FixedReplay([_made(0, 0.0, fps=fps)], world) for fps in (80.0, 40.0))
        assert [full.act({}, "")[0] for _ in range(4)] == [0.0, 0.5, 0.5, 0.5]
        assert [half.act({}, "")[0] for _ in range(4)] == [0.0, 0.0, 0.5, 0.5]
        half.reset()
        assert half.act({}, "")[0] == 0.0


def test_the_most_ordinary_demonstration_looks_most_like_the_others() -> None:
    assert most_ordinary([_made(0, 0, 10), _made(1, 0, 90), _made(2, 0, 60)]).episode_index == 2


def test_demonstrations_of_another_task_are_not_replayed(folder: Path) -> None:
    demonstrations = read_demonstrations([folder])
    with make_world("metaworld/drawer-open-v3", cameras={"x": "front"}) as world:
        with pytest.raises(
            SimulationError, match=r"No demonstration of metaworld/drawer-open-v3.*Press the handle down"
        ):
            make_replay("nearest-image", demonstrations, {}, world)
        told = {"metaworld/drawer-open-v3": "press the handle  down."}
        assert isinstance(make_replay("nearest-image", demonstrations, told, world), NearestImageReplay)


def test_seeds_are_known_from_the_recorders_manifest(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    copy.symlink_to(folder)
    row = {"world": WORLD, "first_seed": 100, "num_episodes": 3}
    (folder / "stage.json").write_text(json.dumps({"digest": "x", "inputs": {"dataset": row, "original": None}}))
    try:
        found = read_demonstrations([copy])
    finally:
        (folder / "stage.json").unlink()
    assert found.seeds == {WORLD: (100, 101, 102, 103, 104, 105)}
    assert found.silent == ()
    assert {one.world for one in found.episodes} == {WORLD}


def test_starts_are_held_against_those_of_the_demonstrations() -> None:
    given = Demonstrations((), {WORLD: tuple(range(4))}, ("silent",))
    checked = check_starts(SUITE, evaluation_seeds(3), given)
    assert checked["num_demonstration_seeds"] == {WORLD: 4}
    assert 0 < checked["nearest_layout"][WORLD] < 1
    assert checked["datasets_without_seeds"] == ["silent"]
    assert check_starts(SUITE, evaluation_seeds(3), None)["nearest_layout"] == {}


def test_a_demonstrated_seed_is_refused() -> None:
    seeds = evaluation_seeds(3)
    with pytest.raises(SimulationError, match=f"recorded from evaluation seed {seeds[1]}"):
        check_starts(SUITE, seeds, None, more_seeds=[7, seeds[1]])
    with pytest.raises(SimulationError, match="Seed 7 is not for evaluation"):
        check_starts(SUITE, [7], None)


class _SameEverywhere:
    """A world that forgets its seed."""

    name = "broken"
    layout = np.ones(3)

    def reset(self, seed: int, *, displaced: bool = False) -> None:
        pass


def test_a_demonstrated_layout_is_refused() -> None:
    world: World = _SameEverywhere()  # type: ignore[assignment]
    with pytest.raises(SimulationError, match="evaluation seed 1000000 puts its objects where demonstration seed 5"):
        nearest_layout(world, evaluation_seeds(1), [5])


def test_the_page_says_how_near_the_nearest_demonstration_is() -> None:
    checked = {"num_demonstration_seeds": {"a": 3, "b": 4}, "nearest_layout": {"a": 0.2, "b": 1.84e-6}}
    said = starts_checked(checked | {"datasets_without_seeds": ["org__silent"]})
    assert "with 7 demonstration seeds; the nearest are 1.8e-06 apart (b)." in said
    assert "Not known for org__silent" in said
