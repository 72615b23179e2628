"""The words of robot tasks: `vocabulary.toml`, read once, and the inflections of its verbs.

What is done with the words is in `annotation.instruction`.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

Kind = Literal["base", "s", "ing", "ed"]
_ONE_SYLLABLE_CLOSED = re.compile(r"^[^aeiou]*[aeiou][^aeiouwxy]$")
_IRREGULAR_PASTS = {
    "brought": "bring", "drew": "draw", "gave": "give", "got": "get", "held": "hold", "hung": "hang", "left": "leave",
    "made": "make", "threw": "throw", "took": "take", "wound": "wind",
}  # fmt: skip


class VerbForm(NamedTuple):
    """A verb as written, traced to its base: `placing` is the `ing` form of `place`."""

    base: str
    kind: Kind


@cache
def vocabulary() -> dict[str, Any]:
    """Returns the content of vocabulary.toml."""
    return tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8"))


@cache
def words(*path: str) -> frozenset[str]:
    """Returns a list of vocabulary.toml as a set: `words("refusals", "status_words")`."""
    value: Any = vocabulary()
    for key in path:
        value = value[key]
    return frozenset(value)


@cache
def verb_forms() -> dict[str, VerbForm]:
    """Returns every form of every known verb, lower case. Where two agree in spelling, a base form wins."""
    forms: dict[str, VerbForm] = {past: VerbForm(base, "ed") for past, base in _IRREGULAR_PASTS.items()}
    for base in vocabulary()["verbs"]:
        stem = _stem(base)
        forms[_third_person(base)] = VerbForm(base, "s")
        forms[stem + "ing"] = VerbForm(base, "ing")
        forms[base + "d" if base.endswith("e") else re.sub(r"(?<=[^aeiou])y$", "i", stem) + "ed"] = VerbForm(base, "ed")
    return forms | {base: VerbForm(base, "base") for base in vocabulary()["verbs"]}


def _stem(base: str) -> str:
    """Returns what -ing is added to: plac(e), putt, ty (of tie)."""
    if base.endswith("ie"):
        return base[:-2] + "y"
    if base.endswith("e"):
        return base[:-1]
    doubles = base in words("doubling_verbs") or _ONE_SYLLABLE_CLOSED.match(base)
    return base + base[-1] if doubles else base


def _third_person(base: str) -> str:
    if re.search(r"[^aeiou]y$", base):
        return base[:-1] + "ies"
    return base + ("es" if re.search(r"(s|x|z|ch|sh|o)$", base) else "s")
