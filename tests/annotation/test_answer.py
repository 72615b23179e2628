"""Answers of a model: what passes, what does not, and the prompts that ask for them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from annotation.answer import parse_answer
from annotation.prompts import PROMPTS, read_prompts
from data_contracts.errors import AnnotationError

GOOD = {
    "instruction": "Pick up the red cube and place it in the box",
    "verb": "Pick",
    "object": "red cube",
    "target": "box",
    "success_seen": True,
    "confidence": 0.8,
    "unclear": False,
}
UNCLEAR = dict.fromkeys(GOOD) | {"confidence": 0.1, "unclear": True}


def test_good_answer_becomes_a_label() -> None:
    label = parse_answer(json.dumps(GOOD)).to_label()
    assert (label.text, label.confidence, label.status) == (GOOD["instruction"], 0.8, "labelled")
    assert label.note == "object: red cube; target: box; success_seen: True"


def test_fence_around_the_whole_answer_is_let_pass() -> None:
    assert parse_answer(f"```json\n{json.dumps(GOOD, indent=2)}\n```").verb == "Pick"


def test_label_has_the_form_of_cleaned_texts() -> None:
    answer = parse_answer(json.dumps(GOOD | {"instruction": "pick up the red cube."}))
    assert answer.to_label().text == "Pick up the red cube"


def test_unclear_episode_gets_no_label() -> None:
    label = parse_answer(json.dumps(UNCLEAR)).to_label()
    assert (label.text, label.confidence, label.status) == (None, 0.0, "no_label")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("", "Invalid JSON"),
        ("The robot picks up a cube.", "Invalid JSON"),
        (json.dumps(GOOD)[:-10], "Invalid JSON"),
        (f"Here it is: {json.dumps(GOOD)}", "Invalid JSON"),
        (f"{json.dumps(GOOD)}{json.dumps(GOOD)}", "Invalid JSON"),
        ("[]", "object"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "unclear"}), "unclear: Field required"),
        (json.dumps(GOOD | {"mood": "good"}), "mood: Extra inputs"),
        (json.dumps(GOOD | {"confidence": 7}), "confidence: "),
        (json.dumps(GOOD | {"confidence": "high"}), "confidence: "),
        (json.dumps(GOOD | {"success_seen": "yes"}), "success_seen: "),
        (json.dumps(GOOD | {"instruction": None}), "are needed"),
        (json.dumps(GOOD | {"instruction": "test"}), "placeholder"),
        (json.dumps(GOOD | {"instruction": "a red cube"}), "action"),
        (json.dumps(GOOD | {"verb": "Open"}), "not with the verb 'Open'"),
        (json.dumps(GOOD | {"instruction": "Pick up the " + ", ".join(f"cube{n}" for n in range(25))}), "25 words"),
    ],
)
def test_faulty_answer_is_refused_and_never_repaired(answer: str, fault: str) -> None:
    with pytest.raises(AnnotationError, match=fault):
        parse_answer(answer)


def test_prompt_hash_changes_with_any_prompt(tmp_path: Path) -> None:
    shutil.copytree(PROMPTS, tmp_path, dirs_exist_ok=True)
    before = read_prompts(tmp_path).hash
    assert before == read_prompts().hash
    hashes = {before}
    for name in ("label_episode.md", "correct_answer.md"):
        path = tmp_path / name
        path.write_text(path.read_text() + "!")
        hashes.add(read_prompts(tmp_path).hash)
    assert len(hashes) == 3


def test_missing_prompt_is_named(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"label_episode\.md"):
        read_prompts(tmp_path)


def test_prompts_are_filled_in_and_name_every_key() -> None:
    prompts = read_prompts()
    asked = prompts.ask(robot="so100", cameras="top, wrist", duration_s="4.2", original='"costs 5 $ {x}"')
    assert all(part in asked for part in ("so100", "top, wrist", "4.2", '"costs 5 $ {x}"'))
    assert all(f'"{key}"' in asked and f'"{key}"' in prompts.ask_again("Fault.") for key in GOOD)
    assert "Fault." in prompts.ask_again("Fault.")
