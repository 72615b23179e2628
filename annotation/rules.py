"""The default annotator: cleans the published text, needs no weights and no pictures, and says nothing that is not in the text.

The cleaning itself is `annotation.instruction`. Here: which of an episode's texts counts, and the guides' example texts.
"""

from __future__ import annotations

import re

from annotation.annotator import EpisodeToLabel, Label, no_label
from annotation.instruction import clean
from annotation.vocabulary import vocabulary

VERSION = 1
"""Raised with every change of what a text becomes, so that finished labels are made again."""
TUTORIAL_CONFIDENCE = 0.6


class RulesAnnotator:
    """Labels an episode with the first of its texts that is an instruction."""

    name = f"rules@{VERSION}"
    prompt_hash = None

    def annotate(self, episode: EpisodeToLabel) -> Label:
        """Returns the cleaned text, or no text and why. Opens neither the data nor the videos of the episode."""
        refused: list[str] = []
        for text in episode.texts:
            label = _in_its_place(clean(text), episode.dataset_id)
            if label.text:
                note = "; ".join([*filter(None, [label.note]), *refused]) or None
                return Label(label.text, label.confidence, note, "labelled")
            refused.append(str(label.note))
        return no_label("; ".join(refused) or "the task text is empty")


def _in_its_place(label: Label, dataset_id: str) -> Label:
    """Doubts an example text of LeRobot's guides; withholds it where the repository's name speaks of nothing in it."""
    for tutorial in vocabulary()["tutorial"]:
        if label.text is None or _words_only(label.text) != _words_only(tutorial["text"]):
            continue
        if any(word in dataset_id.lower() for word in tutorial["evidence"]):
            return Label(label.text, TUTORIAL_CONFIDENCE, "an example text of LeRobot's guides", "labelled")
        return no_label(f"{label.text!r} is an example text of LeRobot's guides, and {dataset_id} names nothing in it")
    return label


def _words_only(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())
