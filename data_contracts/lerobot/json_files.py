"""JSON and JSON lines as people publish them: what can be kept is kept, what cannot is told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_contracts.findings import Finding
from data_contracts.lerobot.structure import structure

_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
"""An escape that stands for half a character: legal in pairs, and in JSON also alone."""

MAX_BYTES = 128 * 2**20
"""No metadata of a dataset is larger: parsed, it takes about ten times as much memory."""


def read_json_object(path: Path, name: str) -> tuple[dict[str, Any], list[Finding]]:
    """Returns the object in `path`, or {} with a finding that names the file as `name`."""
    try:
        value = parsed_json(read_metadata(path))
    except (OSError, ValueError, RecursionError) as error:
        return {}, [structure("unreadable_metadata", "warn", f"{name} cannot be read: {brief(error)}.", file=name)]
    if isinstance(value, dict):
        return value, []
    message = f"{name} holds a {type(value).__name__} where an object belongs."
    return {}, [structure("unreadable_metadata", "warn", message, file=name)]


def read_json_lines(path: Path, name: str) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Returns the objects of a JSON lines file. Blank lines are passed over; broken ones are left out and reported."""
    findings: list[Finding] = []
    return list(iterate_json_lines(path, name, findings)), findings


def iterate_json_lines(path: Path, name: str, findings: list[Finding]) -> Iterator[dict[str, Any]]:
    """Yields what `read_json_lines` returns, an object at a time, and adds to `findings` what is odd."""
    try:
        lines = read_metadata(path).split(b"\n")
    except (OSError, ValueError) as error:
        message = f"{name} cannot be read: {brief(error)}."
        findings.append(structure("unreadable_metadata", "warn", message, file=name))
        return
    broken = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = _parsed(line)
        if isinstance(row, dict):
            yield row
        else:
            broken.append(number)
    if broken:
        message = f"{name}: {len(broken)} lines are not JSON objects and were left out (first: line {broken[0]})."
        findings.append(structure("unreadable_metadata", "warn", message, file=name, lines=broken[:20]))


def read_metadata(path: Path) -> bytes:
    """Returns the content of a metadata file. Raises OSError, and ValueError where it is too large to be one."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"it has {size:,} bytes, and metadata has at most {MAX_BYTES:,}")
    return path.read_bytes()


def parsed_json(content: bytes) -> Any:
    """Returns the value of a JSON text, its strings encodable as UTF-8. Raises ValueError, RecursionError."""
    value = json.loads(content)
    return _as_text(value) if _HALF_CHARACTER.search(content) else value


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


def clean_text(text: str) -> str:
    """Returns a text in which halves of characters ("\\ud800"), which no file can hold, became question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(key): _as_text(inner) for key, inner in value.items()}
    return [_as_text(inner) for inner in value] if isinstance(value, list) else value


def _parsed(line: bytes) -> Any:
    try:
        return parsed_json(line)
    except (ValueError, RecursionError):
        return None
