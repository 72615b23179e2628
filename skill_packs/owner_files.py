"""Files that an owner hands over: read up to a size, as JSON or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data_contracts.errors import ProfileError
from data_contracts.lerobot.json_files import brief, parsed_json

Source = Path | bytes
"""A file, or what somebody uploaded."""


def json_object(source: Source, limit: int, name: str) -> dict[str, Any]:
    """Returns the JSON object in a file of at most `limit` bytes. Raises ProfileError, which calls the file `name`."""
    content = read_bounded(source, limit, name)
    try:
        value = parsed_json(content)
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"{name} is not JSON: {brief(error)}.", hint="Give the file as it was written.") from error
    if not isinstance(value, dict):
        raise ProfileError(
            f"{name} holds a {type(value).__name__}, not an object.", hint="Give the file as it was written."
        )
    return value


def read_bounded(source: Source, limit: int, name: str) -> bytes:
    """Returns the content of a file of at most `limit` bytes. Raises ProfileError, which calls the file `name`."""
    if isinstance(source, Path):
        try:
            with source.open("rb") as file:
                content = file.read(limit + 1)
        except OSError as error:
            raise ProfileError(f"{source} cannot be read: {error.strerror}.", hint="Check the path.") from error
    else:
        content = source
    if len(content) > limit:
        raise ProfileError(f"{name} has more than {limit:,} bytes.", hint="Give the file as LeRobot wrote it.")
    return content
