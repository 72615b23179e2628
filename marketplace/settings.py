"""What a shop decides for itself: names, windows, tax and thresholds with their dates. Secrets are not settings.

Defaults are in shop.toml beside this file; `shop.toml` in the lake overrides them. Prices and splits are rows of skills.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from data_contracts.errors import ContractError
from data_contracts.layout import Lake
from data_contracts.skills import BASIS_POINTS

FILE = "shop.toml"
DEFAULTS = Path(__file__).with_name(FILE)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Refunds(_Section):
    window_days: int = Field(ge=0)


class Licences(_Section):
    robots: int = Field(ge=1)
    link_lifetime_s: int = Field(ge=1)


class Sessions(_Section):
    lifetime_days: int = Field(ge=1)


class TaxRate(_Section):
    """A rate that is part of prices in a country (ISO 3166, two letters) from a day on."""

    country: str = Field(pattern=r"^[A-Z]{2}$")
    basis_points: int = Field(ge=0, le=BASIS_POINTS)
    begins: date = Field(alias="from")


class Threshold(_Section):
    """An amount that counts from a day on."""

    name: str
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    amount_minor: int = Field(ge=0)
    begins: date = Field(alias="from")


class ShopSettings(_Section):
    """The whole file."""

    title: str
    address: str
    seller: str
    refunds: Refunds
    licences: Licences
    sessions: Sessions
    tax: tuple[TaxRate, ...] = ()
    threshold: tuple[Threshold, ...] = ()

    @field_validator("address")
    @classmethod
    def _is_an_origin(cls, address: str) -> str:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
            raise ValueError("address is the shop's origin, such as https://shop.example")
        return address.rstrip("/")

    @property
    def is_secure(self) -> bool:
        """True where browsers reach the shop by https."""
        return self.address.startswith("https://")

    def tax_basis_points(self, country: str | None, on: date) -> int:
        """Returns the rate of a country on a day; 0 where none is set."""
        return _newest((rate for rate in self.tax if rate.country == country), on, "basis_points")

    def threshold_minor(self, name: str, currency: str, on: date) -> int:
        """Returns a threshold on a day; 0 where none is set."""
        rows = (row for row in self.threshold if (row.name, row.currency) == (name, currency))
        return _newest(rows, on, "amount_minor")


def read_settings(lake: Lake) -> ShopSettings:
    """Returns a lake's settings.

    Raises:
        ContractError: a file is not TOML or breaks the schema; the message names the key.
    """
    path = lake.home / FILE
    try:
        values = _overlaid(_read(DEFAULTS), _read(path) if path.is_file() else {})
        return ShopSettings.model_validate(values)
    except tomllib.TOMLDecodeError as error:
        raise ContractError(f"{path} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise ContractError(f"{path}: {key}: {first['msg']}.", hint=f"Compare it with {DEFAULTS}.") from error


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _overlaid(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = below | above
    return both | {
        key: _overlaid(below[key], value) for key, value in above.items()
        if isinstance(value, dict) and isinstance(below.get(key), dict)
    }  # fmt: skip


def _newest(rows: Iterable[Any], on: date, field: str) -> int:
    begun = [row for row in rows if row.begins <= on]
    return getattr(max(begun, key=lambda row: row.begins), field) if begun else 0
