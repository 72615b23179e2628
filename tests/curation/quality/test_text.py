"""Task texts: what is a fault and what is somebody's way of writing."""

from __future__ import annotations

import pytest

from curation.quality.text import (
    detect_empty_task,
    detect_not_an_instruction,
    detect_placeholder_task,
    detect_tutorial_default,
    is_no_instruction,
    is_placeholder,
    is_tutorial_default,
)

INSTRUCTIONS = [
    "Pick up the cube", "press buton", "PRESS THE BUTTON.", "wave", "Test the button by pressing it", "把红色方块放进盒子",
    "Pick up the yellow bottle on the table.", "put tape 2 in box 3", "open", "Do the task of folding the towel",
    "Grasp a whale and put it in the plate.", "Push the T-shaped block onto the T-shaped target.",
]  # fmt: skip


@pytest.mark.parametrize("text", INSTRUCTIONS)
def test_instructions_are_left_alone(text: str) -> None:
    assert not is_placeholder(text)
    assert not is_no_instruction(text)
    assert not is_tutorial_default(text)


@pytest.mark.parametrize(
    "text", ["task", "Test.", "<task description>", "[your task here]", "Task 3", "N/A", "TODO", "asdf"]
)
def test_placeholders(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize("text", ["valid", "Success!", "42", "...", "so100_pick_v2", "2024-11-03", "data/run1", "3.5"])
def test_what_tells_a_robot_nothing(text: str) -> None:
    assert is_no_instruction(text)


@pytest.mark.parametrize("text", ["Grasp a lego block and put it in the bin.", "grab the black  cube"])
def test_tutorial_texts(text: str) -> None:
    assert is_tutorial_default(text)


def test_a_text_that_episodes_carry_names_them(make_episode, make_dataset) -> None:
    dataset = make_dataset(
        make_episode(task="Pick up the cube"), make_episode(index=1, task="task"), make_episode(index=5, task="task"),
        tasks={0: "Pick up the cube", 1: "task"},
    )  # fmt: skip
    (finding,) = detect_placeholder_task(dataset)
    assert (finding.severity, finding.episodes) == ("warn", (1, 5))


def test_a_text_that_only_the_task_table_lists_is_the_datasets(make_episode, make_dataset) -> None:
    dataset = make_dataset(make_episode(task="Pick up the cube"), tasks={0: "Pick up the cube", 1: "valid"})
    (finding,) = detect_not_an_instruction(dataset)
    assert (finding.severity, finding.episodes) == ("note", None)
    assert "'valid'" in finding.message


def test_no_text_at_all(make_episode, make_dataset) -> None:
    dataset = make_dataset(make_episode(task=" "), make_episode(index=1, task="Pick up the cube"))
    (finding,) = detect_empty_task(dataset)
    assert finding.episodes == (0,)
    assert detect_not_an_instruction(dataset) == []


def test_one_text_has_one_code(make_episode, make_dataset) -> None:
    dataset = make_dataset(make_episode(task="test_1"), tasks={0: "test_1"})
    assert detect_placeholder_task(dataset)
    assert detect_not_an_instruction(dataset) == []
    assert detect_tutorial_default(dataset) == []
