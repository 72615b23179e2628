"""Stripe's request encoding (a form with nested brackets), and checks of what came in. Knows no route."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from marketplace.local_payments.errors import Refused
from marketplace.money import DECIMALS

DEEPEST = 8
MOST_PAIRS = 2000
LARGEST_AMOUNT = 99_999_999
"""Stripe takes eight digits."""

Check = Callable[[Any, str], Any]
"""(value as decoded, its name) -> value; raises Refused."""


def decode(encoded: bytes) -> dict[str, Any]:
    """Returns nested dicts of text from `a[b][0][c]=v`; lists stay dicts with keys `0`, `1`, … or, from `a[]=`, numbered on.

    Raises:
        Refused: brackets that do not close, too deep, too many, or one name as both text and more.
    """
    try:
        pairs = parse_qsl(encoded.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_PAIRS)
    except ValueError as error:
        raise Refused("Too many parameters.") from error
    root: dict[str, Any] = {}
    for name, value in pairs:
        _place(root, _path(name), value, name)
    return root


def _path(name: str) -> list[str]:
    first, bracket, rest = name.partition("[")
    if not bracket:
        return [name]
    if not first or not re.fullmatch(r"(?:[^\[\]]*\]\[)*[^\[\]]*\]", rest):
        raise Refused(f"Invalid parameter name: {name[:100]}", param=name[:100])
    path = [first, *rest[:-1].split("][")]
    if len(path) > DEEPEST:
        raise Refused("Parameters are nested too deeply.", param=name[:100])
    return path


def _place(root: dict[str, Any], path: list[str], value: str, name: str) -> None:
    place = root
    for step in path[:-1]:
        place = place.setdefault(step or str(len(place)), {})
        if not isinstance(place, dict):
            raise Refused(f"Invalid parameter: {name[:100]} is given twice, in two shapes.", param=name[:100])
    last = path[-1] or str(len(place))
    if isinstance(place.get(last), dict):
        raise Refused(f"Invalid parameter: {name[:100]} is given twice, in two shapes.", param=name[:100])
    place[last] = value


def fields(shape: Mapping[str, Check]) -> Check:
    """A hash with these names and no others; a name that ends in `!` is required."""
    checks = {name.removesuffix("!"): check for name, check in shape.items()}
    required = [name.removesuffix("!") for name in shape if name.endswith("!")]

    def check(value: Any, name: str) -> dict[str, Any]:
        given = _hash(value, name)
        for key in given:
            if key not in checks:
                inner = _inner(name, key)
                raise Refused(f"Received unknown parameter: {inner[:200]}", code="parameter_unknown", param=inner[:200])
        for key in required:
            if key not in given:
                inner = _inner(name, key)
                raise Refused(f"Missing required param: {inner}.", code="parameter_missing", param=inner)
        return {key: checks[key](item, _inner(name, key)) for key, item in given.items()}

    return check


def items(check_one: Check, longest: int = 100) -> Check:
    """A list."""

    def check(value: Any, name: str) -> list[Any]:
        given = _hash(value, name)
        if len(given) > longest or not all(key.isascii() and key.isdigit() and len(key) < 5 for key in given):
            raise Refused(f"Invalid array: {name}", param=name)
        return [check_one(given[key], f"{name}[{key}]") for key in sorted(given, key=int)]

    return check


def text(longest: int = 5000, *, empty: bool = True) -> Check:
    def check(value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise Refused(f"Invalid string: {name}", param=name)
        if not value and not empty:
            raise Refused(f"You passed an empty string for '{name}'.", code="parameter_invalid_empty", param=name)
        if len(value) > longest:
            raise Refused(f"Invalid string: {name} must be at most {longest} characters", param=name)
        return value

    return check


def integer(smallest: int = 0, largest: int = LARGEST_AMOUNT) -> Check:
    def check(value: Any, name: str) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise Refused(f"Invalid integer: {str(value)[:100]}", code="parameter_invalid_integer", param=name)
        number = int(value)
        if number < smallest:
            message = f"This value must be greater than or equal to {smallest}."
            raise Refused(message, code="parameter_invalid_integer", param=name)
        if number > largest:
            raise Refused(f"This value must be at most {largest}.", code="parameter_invalid_integer", param=name)
        return number

    return check


def number(smallest: float, largest: float) -> Check:
    def check(value: Any, name: str) -> float:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
            raise Refused(f"Invalid number: {str(value)[:100]}", param=name)
        if not smallest <= float(value) <= largest:
            raise Refused(f"This value must be from {smallest} to {largest}.", param=name)
        return float(value)

    return check


def boolean(value: Any, name: str) -> bool:
    if value not in ("true", "false"):
        raise Refused(f"Invalid boolean: {str(value)[:100]}", param=name)
    return value == "true"


def choice(*allowed: str) -> Check:
    def check(value: Any, name: str) -> str:
        if value not in allowed:
            raise Refused(f"Invalid {name}: must be one of {', '.join(allowed)}", param=name)
        return value

    return check


def currency(value: Any, name: str) -> str:
    """Returns it in lower case, as Stripe does."""
    if not isinstance(value, str) or value.upper() not in DECIMALS or not value.isascii():
        raise Refused(f"Invalid currency: {str(value)[:20]}.", param=name)
    return value.lower()


def address(value: Any, name: str) -> str:
    """An http(s) URL with a host and without spaces or control characters."""
    given = text(5000)(value, name)
    try:
        parts = urlsplit(given)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or re.search(r"[\x00-\x20\x7f]", given):
        raise Refused("Not a valid URL", code="url_invalid", param=name)
    return given


def metadata(value: Any, name: str) -> dict[str, str]:
    """At most 50 keys of 40 characters with values of 500, which are Stripe's limits. Empty text unsets a key, or all of it."""
    if value == "":
        return {}
    given = _hash(value, name)
    if len(given) > 50 or any(not key or len(key) > 40 for key in given):
        raise Refused("Metadata takes at most 50 keys of at most 40 characters.", param=name)
    one = text(500)
    return {key: one(item, f"{name}[{key}]") for key, item in given.items() if item != ""}


def _hash(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f"Invalid {'object' if name else 'request'}: {name}", param=name)
    return value


def _inner(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key
