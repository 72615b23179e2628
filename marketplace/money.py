"""Money: integers in a currency's minor unit, how they are shown, and how a sum is divided without losing or making any.

No floats, and no amount without its currency. Who gets which share is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from data_contracts.errors import MoneyError

DECIMALS = {
    "AUD": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CLP": 0, "CNY": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HKD": 2,
    "INR": 2, "JPY": 0, "JOD": 3, "KRW": 0, "KWD": 3, "MXN": 2, "NOK": 2, "NZD": 2, "PLN": 2, "SEK": 2, "SGD": 2, "TND": 3,
    "TWD": 2, "USD": 2, "VND": 0, "ZAR": 2,
}  # fmt: skip
"""ISO 4217 code -> digits after the point."""


def decimals_of(currency: str) -> int:
    """Returns how many digits a currency has after the point. Raises MoneyError where it is not one that we handle."""
    if currency not in DECIMALS:
        raise MoneyError(f"No currency {currency!r}.", hint=f"Known are {', '.join(DECIMALS)}.")
    return DECIMALS[currency]


def format_money(amount_minor: int, currency: str) -> str:
    """Returns an amount as people write it: `19.99 EUR`, `-500 JPY`."""
    digits = decimals_of(currency)
    return f"{Decimal(amount_minor).scaleb(-digits):.{digits}f} {currency}"


def parse_money(text: str) -> tuple[int, str]:
    """Returns (amount in minor units, currency) of what `format_money` writes.

    Raises:
        MoneyError: it is no amount, its currency is unknown, or it has more digits after the point than the currency.
    """
    number, _, currency = text.strip().partition(" ")
    digits = decimals_of(currency)
    whole, _, fraction = number.removeprefix("-").partition(".")
    is_number = (whole + fraction).isascii() and (whole + fraction).isdigit() and bool(whole)
    if not is_number or len(fraction) not in (0, digits) or number.endswith("."):
        raise MoneyError(f"{text!r} is no amount of money.", hint=f"Write it as {format_money(1999, currency)}.")
    minor = int(whole) * 10**digits + int(fraction or 0)
    return (-minor if number.startswith("-") else minor), currency


def divide(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Returns the parts of a sum in proportion to integer weights, by largest remainder (Hamilton's method); ties go to the key
    that sorts first. They add up to `total`, each is within one unit of its exact share, and none is negative.

    Not monotone in `total`: a part may shrink when the sum grows. So never take the difference of two divisions; divide the
    difference, by what is left of each part.

    Raises:
        MoneyError: the sum or a weight is negative, or there is something to divide and nobody to get it.
    """
    if total < 0 or any(weight < 0 for weight in weights.values()):
        raise MoneyError(f"{total} cannot be divided by {dict(weights)}: nothing of it may be negative.")
    sum_of_weights = sum(weights.values())
    if not sum_of_weights:
        if total:
            raise MoneyError(f"{total} cannot be divided: all weights are zero.", hint="Name somebody who gets it.")
        return dict.fromkeys(weights, 0)
    parts = {key: total * weight // sum_of_weights for key, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda key: (-(total * weights[key] % sum_of_weights), key))
    for key in by_remainder[: total - sum(parts.values())]:
        parts[key] += 1
    return parts
