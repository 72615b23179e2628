"""Task texts: whether a robot could be told this. Rules only; writing a better text is the annotator's work.

Texts are judged as an episode carries them; a text of the task table that no episode is labelled with is judged for the
dataset.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable

from curation.quality.detector import Detector
from curation.quality.facts import DatasetFacts
from data_contracts.findings import Finding

PLACEHOLDERS = frozenset({
    "task", "my task", "my task description", "task description", "your task", "your task description", "the task",
    "description", "describe the task", "describe your task", "instruction", "default", "default task", "dummy", "dummy task",
    "placeholder", "example", "example task", "sample", "sample task", "todo", "tbd", "fixme", "n/a", "na", "none", "null",
    "nan", "unknown", "unnamed", "untitled", "undefined", "no task", "not specified", "test", "test task", "testing",
    "test test", "task name", "single task", "new task", "asdf", "foo", "bar", "foo bar", "xxx", "abc", "hello", "hello world",
})  # fmt: skip
"""What templates and impatient people leave in the field."""
TUTORIAL_TEXTS = frozenset({
    "grasp a lego block and put it in the bin",
    "grab the black cube",
    "grab the cube",
    "grab and handover the red cube to the other arm",
})  # fmt: skip
"""Examples of LeRobot's own documentation, copied with the command. The first stands over 36 of 260 corrected community
datasets whose robots do many other things."""
STATUS_WORDS = frozenset({
    "valid", "invalid", "ok", "okay", "good", "bad", "success", "successful", "succeeded", "fail", "failed", "failure", "done",
    "finished", "complete", "completed", "true", "false", "yes", "no", "pass", "passed", "correct", "incorrect", "accepted",
    "rejected", "keep", "discard", "drop", "train", "val", "eval",
})  # fmt: skip
"""Verdicts about an episode, stored where its instruction belongs."""
_ANGLE_BRACKETS = re.compile(r"^[<\[{].*[>\]}]$")
_NUMBERED = re.compile(r"^(task|episode|test|demo|run|take|trial)[\s_#-]*\d+$")
_IDENTIFIER = re.compile(r"^[a-z0-9./-]*[_/\\.0-9][a-z0-9_./\\-]*$")


def is_empty(text: str) -> bool:
    """True where there is nothing to read."""
    return not text.strip()


def is_placeholder(text: str) -> bool:
    """True for what templates leave in the field: `task`, `<your task>`, `Task 3`."""
    plain = normalised(text)
    return plain in PLACEHOLDERS or bool(_ANGLE_BRACKETS.match(text.strip())) or bool(_NUMBERED.match(plain))


def is_tutorial_default(text: str) -> bool:
    """True for the examples of LeRobot's documentation."""
    return normalised(text) in TUTORIAL_TEXTS


def is_no_instruction(text: str) -> bool:
    """True for a status word, a text without letters, and one word that is a file name or an identifier.

    Nothing is said about other single words: in some scripts a sentence has no spaces.
    """
    plain = normalised(text)
    has_letters = any(character.isalpha() for character in plain)
    return plain in STATUS_WORDS or not has_letters or bool(_IDENTIFIER.match(plain))


def normalised(text: str) -> str:
    """Returns the text in lower case, single spaces, without punctuation at its ends."""
    return " ".join(text.lower().split()).strip(" .!?;:,'\"")


def detect_empty_task(dataset: DatasetFacts) -> list[Finding]:
    """The episode has no task text at all."""
    episodes = [episode.index for episode in dataset.episodes if is_empty(episode.task)]
    if not episodes:
        return []
    message = "No task text is stored, neither in the rows' task_index nor in the episode table."
    return [dataset.finding("text.empty_task", "warn", message, episodes=episodes)]


def detect_placeholder_task(dataset: DatasetFacts) -> list[Finding]:
    """The text is what a template leaves in the field."""
    return _texts(dataset, "text.placeholder_task", "a placeholder", is_placeholder)


def detect_tutorial_default(dataset: DatasetFacts) -> list[Finding]:
    """The text is an example of LeRobot's documentation, which may describe something else than the robot does."""
    return _texts(dataset, "text.tutorial_default", "the tutorial's example", is_tutorial_default)


def detect_not_an_instruction(dataset: DatasetFacts) -> list[Finding]:
    """The text is a verdict, a number or an identifier, and tells a robot nothing."""

    def is_such(text: str) -> bool:
        return is_no_instruction(text) and not is_placeholder(text)

    return _texts(dataset, "text.not_an_instruction", "not an instruction", is_such)


def _texts(dataset: DatasetFacts, code: str, what: str, is_such: Callable[[str], bool]) -> list[Finding]:
    """Returns one finding per text: with its episodes, or without where it only stands in the task table."""
    episodes_of: dict[str, list[int]] = defaultdict(list)
    for episode in dataset.episodes:
        episodes_of[episode.task].append(episode.index)
    findings = []
    for text in _unique([*dataset.tasks.values(), *episodes_of]):
        if is_empty(text) or not is_such(text):
            continue
        episodes = episodes_of.get(text)
        where = "The task text" if episodes else "The task table lists"
        verb = "is" if episodes else "which is"
        message = f"{where} {_short(text)!r}{'' if episodes else ','} {verb} {what}."
        severity = "warn" if episodes else "note"
        findings.append(dataset.finding(code, severity, message, episodes=episodes, text=text))
    return findings


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


DETECTORS = (
    Detector("text.empty_task", "dataset", detect_empty_task),
    Detector("text.placeholder_task", "dataset", detect_placeholder_task),
    Detector("text.tutorial_default", "dataset", detect_tutorial_default),
    Detector("text.not_an_instruction", "dataset", detect_not_an_instruction),
)
