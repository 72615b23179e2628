"""How a text is typed: characters, quotes, capitals, repeated words, punctuation. What it says is not touched here."""

from __future__ import annotations

import re
import unicodedata

from annotation.vocabulary import verb_forms, words

_QUOTES = str.maketrans({"‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
                         "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "…": ".", "`": None})  # fmt: skip
_DROPPED = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "So", "Sk", "Zl", "Zp"})


def plain(text: str) -> str:
    """Returns the text in plain characters: straight quotes, single spaces, no emoji, no invisible or markup characters."""
    text = unicodedata.normalize("NFKC", text.translate(_QUOTES)).translate(_QUOTES)
    text = "".join(c if c in "\n°" or unicodedata.category(c) not in _DROPPED else " " for c in text)
    text = re.sub(r"[*_~|\\^]+", " ", text) if re.search(r"\s", text.strip()) else text
    return re.sub(r"[^\S\n]+", " ", re.sub(r"\s*\n\s*", "\n", text)).strip()


def unwrap(text: str) -> str:
    """Returns the text without the quotes or brackets around it, and without those that have no partner."""
    while len(text) > 1 and (text[0], text[-1]) in {('"', '"'), ("'", "'"), ("(", ")"), ("[", "]"), ("{", "}")}:
        if any(bracket in text[1:-1] for bracket in (text[0], text[-1])):
            break
        text = text[1:-1].strip()
    if text.count('"') % 2:
        text = text.replace('"', "")
    edge = r"(?<!\w)'|'(?!\w)"
    if len(re.findall(edge, text)) % 2:
        text = re.sub(edge, "", text)
    for opening, closing in ("()", "[]", "{}"):
        if text.count(opening) != text.count(closing):
            text = text.replace(opening, "").replace(closing, "")
    return text.strip()


def settle_capitals(text: str) -> str:
    """Takes capitals away from a text that is all capitals or Written Like A Title; acronyms keep theirs."""
    found = re.findall(r"[^\W\d_]+", text)
    is_shouted = text.isupper() and len("".join(found)) > 4
    is_title = len(found) > 2 and all(w.istitle() or w in words("acronyms") for w in found)
    if not (is_shouted or is_title):
        return text

    def _lower(match: re.Match[str]) -> str:
        word = match[0]
        return word if word in words("acronyms") or (len(word) == 1 and word not in "AI") else word.lower()

    return re.sub(r"[^\W\d_]+", _lower, text)


def drop_repeats(text: str) -> str:
    """`the the cube` says it once."""
    return re.sub(
        r"\b([A-Za-z]+)(?:\s+\1\b)+(?![-'])",
        lambda found: found[0] if found[1].lower() in words("doubles") else found[1],
        text,
        flags=re.IGNORECASE,
    )


def settle_punctuation(text: str) -> str:
    """Returns the text with spaces where they belong, and no punctuation at its ends."""
    text = re.sub(r"\s+(?=[,.;:!?])", "", text)
    text = re.sub(r"(?<=[A-Za-z])([,;])(?=[A-Za-z])", r"\1 ", re.sub(r"([,;:!?])[,;:!?.]+", r"\1", text))
    return re.sub(r"\s+", " ", text).strip(" .,;:!?-_/&+=#<>")


def begin_with_capital(text: str) -> str:
    """Returns the text with a capital first letter; a known verb in front is otherwise small (PICK up: Pick up)."""
    first = re.match(r"[A-Za-z]+", text)
    if first and first[0].lower() in verb_forms():
        return first[0].capitalize() + text[first.end() :]
    return text[:1].upper() + text[1:] if text[:1].isascii() else text
