"""Cleaning of task texts: what the community writes, and what becomes of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from annotation.instruction import clean

LABELLED = {
    # as they should be already
    "Pick up the cube and place it in the box.": "Pick up the cube and place it in the box",
    "Push the T-shaped block onto the T-shaped target.": "Push the T-shaped block onto the T-shaped target",
    "put the banana on the plate": "Put the banana on the plate",
    "pick cube": "Pick cube",
    "Grasp rope and reposition.": "Grasp rope and reposition",
    "Grasp and put it in the bin.": "Grasp and put it in the bin",
    "move tic tac toe as player 2.": "Move tic tac toe as player 2",
    "Pick up the object from box A and place it in box B.": "Pick up the object from box A and place it in box B",
    "Grasp the Coca-Cola can and orient it upright with the top facing up.":
        "Grasp the Coca-Cola can and orient it upright with the top facing up",
    "Stack the cubes in the following order from bottom to top: black, blue, then orange.":
        "Stack the cubes in the following order from bottom to top: black, blue, then orange",
    "fold the cloths, use two cameras, two arms.": "Fold the cloths, use two cameras, two arms",
    "Place pens, bottles, and any suitable items into the pen holder, as appropriate.":
        "Place pens, bottles, and any suitable items into the pen holder, as appropriate",
    "Hold the object steadily without releasing it.": "Hold the object steadily without releasing it",
    'Press the "OK" button': 'Press the "OK" button',
    "Rotate the knob 90° to the left": "Rotate the knob 90° to the left",
    "wave hello": "Wave hello",
    "Turn the robot's wrist": "Turn the robot's wrist",
    # third person, gerund, past
    "picks up the shoe.": "Pick up the shoe",
    "picks the blue block and places it in the red cup.": "Pick the blue block and place it in the red cup",
    "picks up blue cube and places it in yellow box.": "Pick up blue cube and place it in yellow box",
    "places jar in box.": "Place jar in box",
    "picks tissue paper from box.": "Pick tissue paper from box",
    "Pouring water from one cup to another cup": "Pour water from one cup to another cup",
    "placing cube inside a red bawl": "Place cube inside a red bawl",
    "Putting the red square onto the yellow piece": "Put the red square onto the yellow piece",
    "picked up the cube and placed it in the box": "Pick up the cube and place it in the box",
    "Pick up the cube, then picks the ball and drops it": "Pick up the cube, then pick the ball and drop it",
    "Carefully picks up the cube and gently places it down": "Carefully pick up the cube and gently place it down",
    "takes bolts and screws out of the tray": "Take bolts and screws out of the tray",
    "carries the tray and flips the pan": "Carry the tray and flip the pan",
    # a subject or a title in front
    "The robot picks up the lid and screws the lid on": "Pick up the lid and screw the lid on",
    "The robot arm should pick up the cube": "Pick up the cube",
    "the robot is picking up the cube and placing it in the bin": "Pick up the cube and place it in the bin",
    "The left arm hands over the ball": "Hand over the ball",
    "arm moves red block left": "Move red block left",
    "You should open the drawer": "Open the drawer",
    "I pick up the cube": "Pick up the cube",
    "Please pick up the cube": "Pick up the cube",
    "Can you open the drawer?": "Open the drawer",
    "The task is to open the top drawer": "Open the top drawer",
    "Task: pick up the cube": "Pick up the cube",
    "task 1 - open drawer": "Open drawer",
    "1. Pick up the cube": "Pick up the cube",
    "- pick up the cube": "Pick up the cube",
    "the pick up the cube": "Pick up the cube",
    # more than one sentence or line
    "Pick up the cube.\nPlace it in the box.": "Pick up the cube, place it in the box",
    "Pick up the\ncube": "Pick up the cube",
    "Pick up the cube. Pick up the cube.": "Pick up the cube",
    "Open the drawer. This dataset has 50 episodes.": "Open the drawer",
    "The robot picks up the cube. Then it puts it in the box.": "Pick up the cube, put it in the box",
    "Move towards the silver screw in the orange panel. Then place the screwdriver bit on the screw.":
        "Move towards the silver screw in the orange panel, place the screwdriver bit on the screw",
    # typing
    "  Rotate the red button clockwise  with the black arm ": "Rotate the red button clockwise with the black arm",
    "pick\tup   the\u200bcube": "Pick up the cube",
    "“Pick up the cube”": "Pick up the cube",
    '"Pick up the cube': "Pick up the cube",
    "'pick up the cube'": "Pick up the cube",
    "ｐｉｃｋ　ｕｐ ｔｈｅ ｃｕｂｅ": "Pick up the cube",
    "😀 Pick up the cube 😀": "Pick up the cube",
    "Pick up the the cube !!": "Pick up the cube",
    "Open the drawer,put the cup in it": "Open the drawer, put the cup in it",
    "PICK UP THE LEGO BRICK AND PUSH THE T": "Pick up the LEGO brick and push the T",
    "Pick Up The Red Cube And Place It": "Pick up the red cube and place it",
    "Pick up the cube (episode 4)": "Pick up the cube",
    # identifiers
    "pick_up_the_red_cube": "Pick up the red cube",
    "PickUpCube": "Pick up cube",
    "GrabTheLEGOBrick": "Grab the LEGO brick",
    "so100-pick-cube-v2": "Pick cube",
    "pick up the red_cube": "Pick up the red cube",
    # a verb that is not known, kept with doubt
    "Extarct the molar and put it somewhere.": "Extarct the molar and put it somewhere",
    "Grap lego blocks and put them in the plate.": "Grap lego blocks and put them in the plate",
    "With the left arm, pick up the cube": "With the left arm, pick up the cube",
}  # fmt: skip

REFUSED = {
    "": "empty", " \n ": "empty", "...": "no words", "valid": "status word", "Success": "status word", "failed.": "status word",
    "test": "placeholder", "Test 3": "placeholder", "test pick cube": "placeholder", "debug": "placeholder", "task_0": "placeholder",
    "None": "placeholder", "n/a": "placeholder", "TODO": "placeholder", "My task description": "placeholder", "42": "placeholder",
    "x": "placeholder", "so100": "placeholder", "pick and place": "placeholder", "asdf": "not language", "qwer asdf": "not language",
    "aaaa": "not language", "https://huggingface.co/datasets/a/b": "address", "/home/me/data": "address",
    "Pick up the {object}": "template", "拾起方块放入盒子": "not written in English", "place le cube dans la boîte": "not written in English",
    "pick": "no object", "Grasp and place it": "no object", "red cube on table": "does not begin with an action",
    "button-press-topdown-v3": "does not begin with an action", "a1b2c3d4e5": "action", "The open drawer": "does not begin with an action",
    "This is a dataset about lego": "does not begin with an action", "Screws in the box": "does not begin with an action",
    "word " * 200: "characters",
}  # fmt: skip


@pytest.mark.parametrize("text", LABELLED)
def test_text_becomes_one_imperative_sentence(text: str) -> None:
    label = clean(text)
    assert label.text == LABELLED[text]
    assert label.status == "labelled"
    assert 0.5 <= label.confidence <= 0.95


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_instruction_gets_no_label_and_a_reason(text: str) -> None:
    label = clean(text)
    assert (label.text, label.confidence, label.status) == (None, 0.0, "no_label")
    assert REFUSED[text] in label.note


def test_confidence_falls_with_what_was_done() -> None:
    texts = ["Pick up the cube.", "picks up the cube", "pick_up_cube", "Extarct the cube"]
    confidences = [clean(text).confidence for text in texts]
    assert confidences == sorted(set(confidences), reverse=True)


def test_note_says_what_was_changed() -> None:
    assert clean("Pick up the cube").note is None
    assert "made imperative" in clean("picks up the cube.").note
    assert "'Extarct' is no verb" in clean("Extarct the cube").note


WORDS = st.sampled_from(
    [
        "pick", "picks", "picking", "Picked", "up", "the", "a", "cube", "cubes", "robot", "arm", "should", "and", "then", "places",
        "placing", "it", "in", "box,", "LEGO", "screws", "PUT", "red_cube", "Task:", "test", "(left)", '"OK"', "'the'", "don't", "1.",
        "2", "Then.", "Drop", "it!", "with,", "é", "so100", "PickUp", "to", "90°", "T-shaped", ";", "-", "_", "?", "please", "first",
    ]
)  # fmt: skip
SENTENCES = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)
SOME_TEXT = st.one_of(st.text(max_size=80), SENTENCES, st.text(alphabet="pick up the cube.\n'\"([-_A,", max_size=60))


@given(SOME_TEXT)
@example("Pick up. Then. the robot")
@example("'to pick' up the cube'")
def test_cleaning_is_stable_one_line_and_adds_nothing(text: str) -> None:
    label = clean(text)
    if label.text is None:
        assert label.note
        return
    assert clean(label.text).text == label.text
    assert "\n" not in label.text
    assert label.text == label.text.strip()
    assert label.text[0].isupper()
    num_joints = len(re.findall(r"(?=[a-z][A-Z]|[A-Z][A-Z][a-z]|[,;]\w)", text))
    assert len(label.text) <= len(text) + num_joints


@given(SENTENCES)
def test_words_are_taken_from_the_text(text: str) -> None:
    """Every word of the label stands in the text, or is the base of an inflected verb there."""
    label = clean(text)
    known = text.casefold() + " pick put place drop"
    assert label.text is None or all(word in known for word in re.findall(r"[a-z]+", label.text.casefold()))
