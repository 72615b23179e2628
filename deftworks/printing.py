"""How the command line speaks: JSON on standard output, people's text through rich, progress on standard error."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

WIDTH_IN_A_FILE = 160
"""Columns where there is no terminal that says how wide it is."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_IN_A_FILE)
err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDTH_IN_A_FILE)


def print_json(value: Any) -> None:
    """Prints one JSON object and a newline on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
