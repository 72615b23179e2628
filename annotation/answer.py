"""What a vision-language model must answer: one JSON object, checked and never repaired."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from annotation.annotator import Label, no_label
from annotation.instruction import clean
from data_contracts.errors import AnnotationError

MAX_WORDS = 25
_FENCE = re.compile(r"^```(?:json)?\s*\n(.*)\n```$", re.DOTALL)


class Answer(BaseModel):
    """The object that the prompt asks for. `unclear` comes without an instruction; otherwise there is one."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    instruction: str | None
    verb: str | None
    object: str | None
    target: str | None
    success_seen: bool | None
    confidence: float = Field(ge=0, le=1)
    unclear: bool

    @model_validator(mode="after")
    def _is_an_instruction(self) -> Answer:
        if self.unclear:
            return self
        if not self.instruction or not self.verb:
            raise ValueError("instruction and verb are needed unless unclear is true")
        cleaned = clean(self.instruction)
        if cleaned.text is None:
            raise ValueError(f"instruction: {cleaned.note}")
        if len(cleaned.text.split()) > MAX_WORDS:
            raise ValueError(f"instruction has more than {MAX_WORDS} words")
        if cleaned.text.split()[0].lower() != self.verb.split()[0].lower():
            raise ValueError(f"instruction begins with {cleaned.text.split()[0]!r}, not with the verb {self.verb!r}")
        return self

    def to_label(self) -> Label:
        """Returns the label that the answer stands for; its note holds the rest of the answer."""
        if self.unclear:
            return no_label("the model finds the episode unclear")
        parts = {"object": self.object, "target": self.target, "success_seen": self.success_seen}
        note = "; ".join(f"{name}: {value}" for name, value in parts.items() if value is not None)
        return Label(clean(str(self.instruction)).text, self.confidence, note or None, "labelled")


def parse_answer(text: str) -> Answer:
    """Returns the model's answer. A code fence around the whole of it is let pass, anything else beside the JSON is not.

    Raises:
        AnnotationError: it is no JSON, or breaks the schema; the message says where.
    """
    text = text.strip()
    fenced = _FENCE.match(text)
    try:
        return Answer.model_validate_json(fenced[1] if fenced else text)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'answer'}: {fault['msg']}" for fault in error.errors()]
        raise AnnotationError(
            f"The answer {_shortened(text)!r} is not what was asked for: {'; '.join(faults)}.",
            hint="Answer with the JSON object alone.",
        ) from error


def _shortened(text: str, limit: int = 120) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
