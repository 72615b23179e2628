"""A task text, cleaned to one plain imperative English sentence: steps that each take something away or inflect a verb.

Nothing is invented: no word is added, corrected or guessed; a text that is no instruction gives no label and the reason. What
is refused for its meaning (placeholders, status words) is in `annotation.refusals`, the words are in vocabulary.toml.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from annotation.annotator import Label, no_label
from annotation.orthography import (
    begin_with_capital,
    drop_repeats,
    plain,
    settle_capitals,
    settle_punctuation,
    unwrap,
)
from annotation.refusals import names_no_object, refusal, unsure_action
from annotation.vocabulary import VerbForm, verb_forms, vocabulary, words

SURE = 0.95
"""Confidence in a text that needed no more than punctuation and capitals."""
IDENTIFIER_SPLIT = "identifier split"
CONFIDENCE_AFTER = {"made imperative": 0.9, IDENTIFIER_SPLIT: 0.7}
UNKNOWN_VERB_CONFIDENCE = 0.5
_MAX_PASSES = 8

_SENTENCE_END = re.compile(r"(?:[.!?;。]+\s+|\s*\n\s*)(?=([A-Za-z]+))")
_FOLLOW_UP = re.compile(
    r"(?P<joint>(?:\band then|\band|\bthen|,(?: and)?(?: then)?)\s+(?:\w+ly\s+)?)(?P<verb>[A-Za-z]+)\b"
    r"(?=\s+(?P<next>[A-Za-z]+))?",
    re.IGNORECASE,
)
_NUMBERING = re.compile(r"^(?:\(?\d{1,3}[.):]\s+|[-*•>#~=+]+\s*)")
_EPISODE_NUMBER = re.compile(
    r"[\s,;-]*[(\[]?\b(?:episode|ep|trial|take|attempt|demo|version|v)[\s_#-]*\d+[)\]]?\s*$", re.IGNORECASE
)


def clean(text: str) -> Label:
    """Returns the text as one plain imperative sentence without a full stop, or no text and why.

    Deterministic, and stable: cleaning a cleaned text changes nothing. The note lists what was changed.
    """
    notes: dict[str, None] = {}
    for _ in range(_MAX_PASSES):
        if reason := refusal(plain(text)):
            return no_label(reason)
        before = text
        for note, step in _STEPS:
            changed = step(text)
            if changed != text:
                notes[note] = None
            text = changed
        if text == before:
            return _label(text, list(notes))
    return no_label("the text does not settle into a sentence")


def action_at(text: str) -> VerbForm | None:
    """Returns the verb that a text begins with (an adverb may stand before it), or None where it begins otherwise."""
    found = re.match(r"(?:[a-z]+ly\s+)?([a-z]+)\b(?:\s+([a-z]+))?", text.lower())
    return _action(found[1], found[2]) if found else None


def _label(text: str, notes: list[str]) -> Label:
    if reason := names_no_object(text):
        return no_label(reason)
    confidence = min([SURE, *(CONFIDENCE_AFTER[note] for note in notes if note in CONFIDENCE_AFTER)])
    if action_at(text) is None:
        if IDENTIFIER_SPLIT in notes:
            return no_label(f"{text!r}, an identifier, does not begin with an action")
        if reason := unsure_action(text):
            return no_label(reason)
        confidence = min(confidence, UNKNOWN_VERB_CONFIDENCE)
        notes = [*notes, f"{text.split()[0]!r} is no verb that the rules know"]
    return Label(text, confidence, "; ".join(notes) or None, "labelled")


def _action(word: str, following: str | None) -> VerbForm | None:
    form = verb_forms().get(word)
    if form is None:
        return None
    if word in words("noun_forms"):
        return form if following in words("determiners") | {"up", "down", "over", "off"} else None
    if form.kind == "ed":
        return form if following in words("determiners") | words("particles") else None
    return form


# Steps ------------------------------------------------------------------------------------------------------------------------
# Each takes and returns a text; between `_sentences` and `_join`, a line is a sentence.


def _split_identifier(text: str) -> str:
    """Splits a text of one word: pick_up_cube, PickUpCube, so100-pick-cube-v2. Parts that name no action are dropped at its ends."""
    word = text.strip(".,;:!?")
    if re.search(r"\s", word) or not re.search(r"[_\-./]|[a-z][A-Z]", word):
        return text
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", word)
    parts = [part for part in re.split(r"[\s_\-./]+", spaced) if part]
    while parts and _is_id_part(parts[0]):
        parts = parts[1:]
    while parts and _is_id_part(parts[-1]):
        parts = parts[:-1]
    return " ".join(part if part in words("acronyms") else part.lower() for part in parts)


def _is_id_part(part: str) -> bool:
    return part.lower() in words("id_parts") or re.fullmatch(r"[vV]?\d+", part) is not None


def _sentences(text: str) -> str:
    """Puts each sentence on a line. Only before a capital or an action: `approx. 5 cm` and a wrapped line stay together."""

    def _end(found: re.Match[str]) -> str:
        begins = found[1][0].isupper() or found[1].lower() in verb_forms() or found[1].lower() in ("then", "next")
        return "\n" if begins else (" " if "\n" in found[0] else found[0])

    return _SENTENCE_END.sub(_end, text)


def _drop_lead(line: str) -> str:
    """Drops what stands before the action: numbering, `Task:`, `please`, `the robot arm should`, a stray article."""
    for pattern, needs_action in _leads():
        found = pattern.match(line)
        if not found or found.end() == len(line):
            continue
        rest = _drop_lead(line[found.end() :])
        if not needs_action or action_at(rest) or _begins_with_any_form(rest):
            return rest
    article = re.match(r"(?:the|a|an)\s+([A-Za-z]+)\s+([A-Za-z]+)", line, re.IGNORECASE)
    if article and article[1].lower() in verb_forms() and article[2].lower() in words("determiners") | {"up", "down"}:
        return line[article.start(1) :]
    return line


def _begins_with_any_form(text: str) -> bool:
    """Said right after a subject, even `screws` is an action."""
    return text.lower().split()[0].strip(".,;:!?") in verb_forms()


@cache
def _leads() -> tuple[tuple[re.Pattern[str], bool], ...]:
    data = vocabulary()["lead_ins"]
    one_of = {key: "|".join(map(re.escape, sorted(values, key=len, reverse=True))) for key, values in data.items()}
    subject = (
        rf"^(?:(?:{one_of['articles']})\s+)?(?:(?:{one_of['adjectives']})\s+){{0,2}}(?:{one_of['subjects']})"
        rf"(?:\s+(?:{one_of['auxiliaries']})){{0,2}}\s+"
    )
    return (
        (_NUMBERING, False),
        (re.compile(rf"^(?:{one_of['titles']})\s*\d*(?:\s*[:=]|\s+-)\s*", re.IGNORECASE), False),
        (re.compile(rf"^(?:{one_of['phrases']})\b[,:]?\s+", re.IGNORECASE), True),
        (re.compile(subject, re.IGNORECASE), True),
    )


def _make_imperative(line: str) -> str:
    """Puts the first verb, and the verbs joined to it by `and`, `then` or a comma, into their base form."""
    first = re.match(r"((?:[A-Za-z]+ly\s+)?)([A-Za-z]+)\b", line)
    form = action_at(line)
    if first is None or form is None:
        return line

    def _follow_up(found: re.Match[str]) -> str:
        following = (found["next"] or "").lower()
        joined = _action(found["verb"].lower(), following)
        is_alike = joined is not None and joined.kind == form.kind
        is_third_person = joined is not None and joined.kind == "s" and following in words("determiners")
        return found["joint"] + (joined.base if joined and (is_alike or is_third_person) else found["verb"])

    verb = first[2] if form.kind == "base" else form.base
    return first[1] + verb + _FOLLOW_UP.sub(_follow_up, line[first.end() :])


def _join(text: str) -> str:
    """Joins sentences with commas: the first, and those that follow and are actions. Repeated ones count once."""
    if "\n" not in text:
        return text
    kept: list[str] = []
    for line in filter(None, (line.strip(" .,;:!?-") for line in text.split("\n"))):
        if not kept:
            kept = [line]
        elif action_at(line) and line.casefold() not in {other.casefold() for other in kept}:
            kept.append(line[0].lower() + line[1:])
    return ", ".join(kept)


def _each_line(step: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: "\n".join(step(line) for line in text.split("\n"))


_STEPS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("characters and spaces", plain),
    ("quotes", unwrap),
    (IDENTIFIER_SPLIT, _split_identifier),
    ("number dropped", lambda text: _NUMBERING.sub("", text)),
    ("sentences joined", _sentences),
    ("capitals", settle_capitals),
    ("lead-in dropped", _each_line(_drop_lead)),
    ("made imperative", _each_line(_make_imperative)),
    ("sentences joined", _join),
    ("number dropped", lambda text: _EPISODE_NUMBER.sub("", text)),
    ("repeated words", drop_repeats),
    ("punctuation", settle_punctuation),
    ("capitals", begin_with_capital),
)
