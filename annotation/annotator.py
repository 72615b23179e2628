"""What an annotator is given, what it returns, and how one is opened by name.

The annotators themselves live in their own modules and are imported only when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from data_contracts.errors import AnnotationError, did_you_mean

Status = Literal["labelled", "no_label", "failed"]
ANNOTATORS = {"rules": "rules", "qwen": "qwen:<model name on the Hub, or folder>"}


@dataclass(frozen=True)
class Label:
    """What an annotator says of one episode.

    `labelled` comes with a text. `no_label` means that the annotator looked and could not say; `failed`, that it could not
    do its work (an unplayable video, an answer that is nonsense twice). Both have no text, confidence 0 and a note.
    """

    text: str | None
    confidence: float
    note: str | None
    status: Status

    def __post_init__(self) -> None:
        if (self.status == "labelled") != bool(self.text):
            raise AnnotationError(
                f"A label with status {self.status!r} has the text {self.text!r}.",
                hint="Only 'labelled' has a text, and it always has one.",
            )
        if not 0.0 <= self.confidence <= 1.0 or (self.text is None and (self.confidence or not self.note)):
            raise AnnotationError(
                f"A label {self.text!r} has confidence {self.confidence} and note {self.note!r}.",
                hint="Confidence lies in 0..1; without a text it is 0 and the note says why.",
            )


def no_label(note: str) -> Label:
    """Returns the label of an episode of which nothing can be said, with the reason."""
    return Label(None, 0.0, note, "no_label")


def failed(note: str) -> Label:
    """Returns the label of an episode that could not be annotated, with the reason; the note begins with `failed:`."""
    return Label(None, 0.0, f"failed: {note}", "failed")


@dataclass(frozen=True)
class EpisodeToLabel:
    """One episode as annotators see it. Pictures and joint values are read only when they are called for.

    `texts` are the task texts as published, the one that most frames carry first; empty when there are none. `decode` takes a
    camera key and frame indices within the episode and returns uint8 (N, H, W, 3), or raises VideoUnreadable.
    `read_gripper` returns the opening of each gripper, float32 (T, G); G is 0 where no joint is named so.
    """

    dataset_id: str
    episode_index: int
    texts: tuple[str, ...]
    robot_type: str | None
    camera_keys: tuple[str, ...]
    num_frames: int
    fps: float
    decode: Callable[[str, Sequence[int]], np.ndarray]
    read_gripper: Callable[[], np.ndarray]

    @property
    def original(self) -> str | None:
        """The text as published; None when there is none."""
        return self.texts[0] if self.texts else None


class Annotator(Protocol):
    """Anything that labels an episode.

    `name` says who speaks, with its version or revision. `prompt_hash` identifies the prompt, None where there is none.
    `annotate` returns a Label; a DeftworksError that it raises is recorded for that episode.
    """

    @property
    def name(self) -> str: ...

    @property
    def prompt_hash(self) -> str | None: ...

    def annotate(self, episode: EpisodeToLabel) -> Label: ...


def open_annotator(spec: str) -> Annotator:
    """Returns the annotator that `spec` names: `rules`, or `qwen:<model name on the Hub, or folder>`.

    Raises:
        AnnotationError: no annotator is called so, the model is not named, or it cannot be loaded.
    """
    check_annotator(spec)
    kind, _, model = spec.partition(":")
    if kind == "rules":
        from annotation.rules import RulesAnnotator

        return RulesAnnotator()
    from annotation.qwen import QwenAnnotator

    return QwenAnnotator.load(model)


def check_annotator(spec: str) -> None:
    """Raises AnnotationError where `spec` is not the name of an annotator. Loads nothing."""
    kind, _, model = spec.partition(":")
    if kind not in ANNOTATORS:
        raise AnnotationError(f"No annotator is called {spec!r}.", hint=did_you_mean(kind, ANNOTATORS))
    if bool(model) != (kind == "qwen"):
        raise AnnotationError(f"{spec!r} is not a whole annotator.", hint=f"It is written {ANNOTATORS[kind]}.")
