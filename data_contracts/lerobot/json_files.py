"""JSON and JSON lines as people publish them: what can be kept is kept, what cannot is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from data_contracts.findings import Finding
from data_contracts.lerobot.structure import structure


def read_json_object(path: Path, name: str) -> tuple[dict[str, Any], list[Finding]]:
    """Returns the object in `path`, or {} with a finding that names the file as `name`."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        return {}, [structure("unreadable_metadata", "warn", f"{name} cannot be read: {brief(error)}.", file=name)]
    if isinstance(value, dict):
        return value, []
    message = f"{name} holds a {type(value).__name__} where an object belongs."
    return {}, [structure("unreadable_metadata", "warn", message, file=name)]


def read_json_lines(path: Path, name: str) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Returns the objects of a JSON lines file. Blank lines are passed over; broken ones are left out and reported."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        return [], [structure("unreadable_metadata", "warn", f"{name} cannot be read: {brief(error)}.", file=name)]
    rows, broken = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = _parsed(line)
        if isinstance(row, dict):
            rows.append(row)
        else:
            broken.append(number)
    if not broken:
        return rows, []
    message = f"{name}: {len(broken)} lines are not JSON objects and were left out (first: line {broken[0]})."
    return rows, [structure("unreadable_metadata", "warn", message, file=name, lines=broken[:20])]


def brief(error: Exception) -> str:
    """Returns the first line of what an exception says, at most 200 characters.

    Of an operating system's or FFmpeg's error that is its own text: what FFmpeg logged last may be another thread's.
    """
    text = str(getattr(error, "strerror", None) or error).strip() or type(error).__name__
    return text.splitlines()[0][:200].rstrip(".")


def whole_number(value: Any) -> int | None:
    """Returns the integer that `value` stands for (3, 3.0, "3"), or None; no index or count lies beyond 2**53."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not number.is_integer() or abs(number) > 2**53:
        return None
    return value if isinstance(value, int) else int(number)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
