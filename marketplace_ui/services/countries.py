"""Countries by their two letters (ISO 3166), as the time zone database names them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def countries() -> dict[str, str]:
    """Returns code -> name, by name."""
    table = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    return dict(sorted(rows, key=lambda row: row[1]))


def country_name(code: str | None) -> str:
    """Returns a country's name, or the code where it has none here."""
    return countries().get(code, code) if code else "Not given"
