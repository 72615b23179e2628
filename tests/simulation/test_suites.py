"""Suites as data: the paper's groups, parts, cameras, and what is said about a bad file."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_contracts.errors import SimulationError
from simulation.metaworld_tasks import DESCRIPTIONS, METAWORLD_TASKS
from simulation.suite_evaluation import another_instruction, instructions
from simulation.suites import load_suite, suite_names
from simulation.worlds import instruction_of, value_names

OWN = """
title = "Mine"
views = ["front"]
picture = [64, 64]
max_steps = 20
[groups]
one = ["metaworld/reach-v3"]
"""


def test_the_metaworld_suite_is_the_papers_protocol() -> None:
    suite = load_suite("metaworld")
    assert {group: len(worlds) for group, worlds in suite.groups.items()} == {
        "easy": 28, "medium": 11, "hard": 6, "very_hard": 5,
    }  # fmt: skip
    assert sorted(task.world for task in suite.tasks) == sorted(f"metaworld/{task}" for task in METAWORLD_TASKS)
    assert (suite.views, suite.picture, suite.max_steps) == (("corner2",), (480, 480), 400)
    assert suite.quality == "full"
    assert len(DESCRIPTIONS) == 50


def test_the_benchmark_is_told_in_its_own_words_and_our_suite_in_ours() -> None:
    assert instructions(load_suite("metaworld"))["metaworld/drawer-open-v3"] == "Open a drawer"
    assert instructions(load_suite("five-tasks"))["metaworld/drawer-open-v3"] == "Open the drawer"
    assert instruction_of("so100/lift-cube") == "Pick up the red cube"


def test_a_part_is_a_group_or_a_world() -> None:
    assert len(load_suite("metaworld:easy").tasks) == 28
    suite = load_suite("metaworld:hard,drawer-open-v3")
    assert {group: len(worlds) for group, worlds in suite.groups.items()} == {"easy": 1, "hard": 6}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("metawurld", "Did you mean 'metaworld'"),
        ("metaworld:eazy", "Did you mean 'easy'"),
        ("no/such.toml", "cannot be read"),
    ],
)
def test_an_unknown_suite_is_answered_with_the_nearest(name: str, said: str) -> None:
    with pytest.raises(SimulationError, match=said):
        load_suite(name)


def test_every_suite_that_comes_along_is_valid() -> None:
    assert suite_names() == ("five-tasks", "metaworld", "so100")
    for name in suite_names():
        sizes = {tuple(map(len, value_names(task.world))) for task in load_suite(name).tasks}
        assert len(sizes) == 1, "a policy has one size of state and action"


def test_a_suite_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OWN)
    assert load_suite(str(path)).name == "mine"
    path.write_text(OWN.replace("reach-v3", "reech-v3"))
    with pytest.raises(SimulationError, match="Did you mean 'metaworld/reach-v3'"):
        load_suite(str(path))
    path.write_text(OWN.replace("max_steps", "max_step"))
    with pytest.raises(SimulationError, match="max_step"):
        load_suite(str(path))


def test_cameras_get_the_views_in_order_or_as_told() -> None:
    suite = load_suite("five-tasks")
    assert suite.cameras(["observation.images.a", "observation.images.b"]) == {
        "observation.images.a": "front", "observation.images.b": "wrist",
    }  # fmt: skip
    assert suite.cameras(["x"], {"x": "top"}) == {"x": "top"}
    assert suite.cameras(["x", "y", "z"], {"z": "wrist", "x": "top"}) == {"x": "top", "z": "wrist"}


def test_a_wrong_number_of_cameras_is_refused() -> None:
    suite = load_suite("five-tasks")
    with pytest.raises(
        SimulationError, match=r"1 cameras \(x\), suite five-tasks has 2 \(front, wrist\).*--camera KEY=VIEW"
    ):
        suite.cameras(["x"])
    with pytest.raises(SimulationError, match="no camera 'w', only x, y"):
        suite.cameras(["x", "y"], {"w": "top"})


def test_the_wrong_instruction_is_another_tasks() -> None:
    told = {"a": "Push", "b": "Push", "c": "Pull"}
    assert [another_instruction(told, world) for world in told] == ["Pull", "Pull", "Push"]
    with pytest.raises(SimulationError, match="two instructions"):
        another_instruction({"a": "Push", "b": "Push"}, "a")
