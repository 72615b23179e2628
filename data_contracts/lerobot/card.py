"""The dataset's card (README.md): the licence and the tags of its front matter, and its prose.

Whether the licence allows anything, and what the prose gives away, is for others to judge.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from data_contracts.lerobot.files import DatasetFiles
from data_contracts.lerobot.json_files import clean_text

CARD = "README.md"
MAX_CHARACTERS = 200_000
MAX_FRONT_CHARACTERS = 20_000
"""Of front matter; YAML is slow to parse, and no card says so much before it begins."""


class Card(NamedTuple):
    """`licence` as written, a list joined by ", "; `tags` of the front matter; the text below it."""

    licence: str | None = None
    tags: tuple[str, ...] = ()
    prose: str = ""


def read_card(files: DatasetFiles) -> Card:
    """Returns the card, empty where there is none. Front matter that is not YAML says nothing."""
    if CARD not in files:
        return Card()
    try:
        with files.path(CARD).open(encoding="utf-8", errors="replace") as file:
            text = file.read(MAX_CHARACTERS).lstrip("\ufeff")
    except OSError:
        return Card()
    opening, _, rest = text.partition("---")
    if opening.strip() or "\n---" not in rest:
        return Card(prose=text)
    front, _, prose = rest.partition("\n---")
    parsed = _front_matter(front)
    return Card(", ".join(_texts(parsed.get("license"))) or None, _texts(parsed.get("tags")), prose)


def _front_matter(text: str) -> dict[Any, Any]:
    """Returns the mapping. Every scalar stays the text that it is: a date or a number could be one that does not exist."""
    import yaml

    if len(text) > MAX_FRONT_CHARACTERS:
        return {}
    try:
        parsed = yaml.load(text, Loader=yaml.BaseLoader)  # builds lists, mappings and texts, and nothing else
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _texts(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(clean_text(text).strip() for text in values if isinstance(text, str) and text.strip() not in _NOTHING)


_NOTHING = ("", "null", "~", "None")
