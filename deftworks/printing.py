"""How the command line speaks: JSON on standard output, people's text through rich, progress on standard error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

WIDTH_IN_A_FILE = 160
"""Columns where there is no terminal that says how wide it is."""
_TERMINAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What commands a terminal or turns the direction of text: all control characters but tab and newline."""


def inert(text: str) -> str:
    """Returns a text that only shows something on a terminal, whoever wrote it."""
    return _TERMINAL.sub("", text)


class _Inert(Console):
    """Shows texts of strangers (titles, names, what a shop answers) and obeys none of them."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(inert(segment.text), segment.style)


out = _Inert(highlight=False, width=None if sys.stdout.isatty() else WIDTH_IN_A_FILE)
err = _Inert(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDTH_IN_A_FILE)


def print_json(value: Any) -> None:
    """Prints one JSON object and a newline on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
