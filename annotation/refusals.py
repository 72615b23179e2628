"""When a task text is no instruction: the reasons, for a person, that a label is withheld.

A refused text is not repaired. Whether the dataset suffers for it is `curation.quality`'s to say (`text.*` findings).
"""

from __future__ import annotations

import re
from itertools import pairwise

from annotation.vocabulary import verb_forms, vocabulary, words

MAX_CHARACTERS = 400


def refusal(text: str) -> str | None:
    """Returns why a text, whatever its form, cannot be an instruction; None when it may be one."""
    found = re.findall(r"[^\W_]+", text.casefold())
    key = " ".join(found)
    if not text.strip():
        return "the task text is empty"
    if not found:
        return f"{text!r} has no words"
    if len(text) > MAX_CHARACTERS:
        return f"the task text has {len(text)} characters: a description, not an instruction"
    if key in words("refusals", "status_words"):
        return f"{text!r} is a status word"
    if found[0] in words("refusals", "test_words") or _is_placeholder(key):
        return f"{text!r} is a placeholder"
    if re.search(r"https?:|www\.|^[~.]{0,2}/\S|^[A-Za-z]:\\|\.(?:py|json|mp4|parquet)\b", text):
        return f"{text!r} is an address"
    if re.search(r"\{\w*\}|<\w+>|\[(?:obj|object|color|colour|item|target|name|x)\]", text, re.IGNORECASE):
        return f"{text!r} is a template that nobody filled in"
    if _is_keyboard_mash(found):
        return f"{text!r} is not language"
    return _not_english(text, found)


def unsure_action(text: str) -> str | None:
    """Returns why a text that begins with no known action is no instruction; None where its shape says that it is one."""
    found = re.findall(r"[^\W\d_]+|,", text.lower())
    little = words("determiners") | words("particles") | {"of", "with", "for", "using", "is", "are", ","}
    if not re.match("[A-Za-z]", text):
        return f"{text!r} does not begin with an action"
    if found and found[0] in {"with", "using", "when", "after", "from"} and "," in found[:-1]:
        after_comma = found[found.index(",") + 1]
        if after_comma in verb_forms():
            return None
    if len(found) < 3 or found[0] in little:
        return f"{text!r} does not begin with an action"
    joined = {second for first, second in pairwise(found) if first in {"and", "then", ","}}
    if found[1] in words("determiners") or any(word in verb_forms() for word in joined):
        return None
    return f"{text!r} does not begin with an action"


def names_no_object(text: str) -> str | None:
    """Returns why an instruction is too short to follow (`Pick`, `Grasp and place it`); None when it names a thing."""
    found = re.findall(r"[^\W_]+|,", text.lower())
    if found and found[0] in words("intransitive_verbs"):
        return None
    little = words("determiners") | words("particles") | {","}
    for before, word in pairwise(found):
        is_joined_verb = word in verb_forms() and (before in {"and", "then", "or", ","} or before.endswith("ly"))
        if word not in little and not word.endswith("ly") and not is_joined_verb:
            return None
    return f"{text!r} names an action but no object"


def _is_placeholder(key: str) -> bool:
    bare = re.sub(r"\s*\d+$", "", key)
    return (
        bool({key, bare} & words("refusals", "placeholders"))
        or not bare
        or re.fullmatch(r"[a-z] ?\d*", key) is not None
    )


def _is_keyboard_mash(found: list[str]) -> bool:
    """All of it is a stretch of a keyboard row, one repeated letter, or a long word without a vowel."""
    rows = vocabulary()["refusals"]["keyboard_rows"]

    def _is_mash(word: str) -> bool:
        if word in verb_forms() or len(word) < 3:
            return False
        is_stretch = any(word[i : i + 3] in row for row in rows for i in range(len(word) - 2)) and len(word) > 3
        is_voiceless = len(word) > 3 and word.isascii() and word.isalpha() and not re.search(r"[aeiouy]", word)
        covered = all(any(word[i : i + 3] in row for row in rows) for i in range(0, len(word) - 2, 3))
        return len(set(word)) == 1 or is_voiceless or (is_stretch and covered)

    return all(_is_mash(word) for word in found)


def _not_english(text: str, found: list[str]) -> str | None:
    letters = [c for c in text if c.isalpha()]
    num_foreign = sum(ord(c) > 0x24F for c in letters)
    if not letters:
        return f"{text!r} has no words"
    is_foreign = (
        num_foreign > 0.2 * len(letters) or sum(word in words("refusals", "foreign_words") for word in found) > 1
    )
    return f"{text!r} is not written in English" if is_foreign else None
