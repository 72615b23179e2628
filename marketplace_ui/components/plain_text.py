"""Other people's words where Streamlit expects Markdown: shown as they were written, whatever they were meant to become."""

from __future__ import annotations

import re

_JOINER = "\u2060"
"""Not seen and no place to break: keeps :emoji:, @names and www.addresses from being recognised after escapes are gone."""


def plain(text: str) -> str:
    """Returns one line of Markdown that reads as `text`: no emphasis, link, picture, formula, colour, emoji or icon comes of it."""
    escaped = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?<=[:@])(?=\S)|(?<=\S)(?=\\\.)", _JOINER, escaped)
