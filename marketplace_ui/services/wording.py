"""Values as people read them: money, rates, sizes, names. Plain text, no markup."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
_WITHOUT_CENTS = ("JPY", "KRW")
_BASELINES = {"do_nothing": "Doing nothing"}


def price_text(amount_minor: int, currency: str) -> str:
    """Returns `€19`, `€19.50`, `1500 JPY` or `Free`."""
    if amount_minor == 0:
        return "Free"
    amount = f"{amount_minor}" if currency in _WITHOUT_CENTS else f"{amount_minor / 100:.2f}".removesuffix(".00")
    return f"{_SYMBOLS[currency]}{amount}" if currency in _SYMBOLS else f"{amount} {currency}"


def percent(share: float) -> str:
    """Returns `65%`."""
    return f"{share:.0%}"


def interval_text(low: float, high: float) -> str:
    """Returns `43–82%`."""
    return f"{low * 100:.0f}–{high:.0%}"


def size_text(size_bytes: int) -> str:
    """Returns `906 MB`: decimal units, as shops give them."""
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def count_text(number: int) -> str:
    """Returns `450 M`, `26`: how many parameters."""
    for limit, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")):
        if number >= limit:
            return f"{number / limit:.3g} {unit}"
    return str(number)


def counted(number: int, noun: str) -> str:
    """Returns `1 episode`, `4 episodes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def cameras_text(roles: Sequence[str]) -> str:
    """Returns `top + wrist camera`, `no camera`."""
    return f"{' + '.join(roles)} camera" if roles else "no camera"


def baseline_name(name: str) -> str:
    """Returns a baseline's name for people."""
    return _BASELINES.get(name, name.replace("_", " ").capitalize())


def range_text(low: float, high: float) -> str:
    """Returns `-90 to 90`."""
    return f"{low:.3g} to {high:.3g}"


def day_text(moment: str) -> str:
    """Returns `22 November 2026` of a moment as the shop's tables hold it."""
    return f"{(day := datetime.fromisoformat(moment)).day} {day:%B %Y}"


def moment_text(moment: str) -> str:
    """Returns `2026-11-22 14:05` of a moment as the shop's tables hold it, UTC."""
    return moment[:16].replace("T", " ")
