"""Finding packs in a release: words, facets with counts, order, pages. One function over a frame in memory; nothing is asked of a database.

Belongs here: what matches, and how many would. Not here: what a release holds (`release_tables`), and how it is drawn.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import polars as pl

from marketplace.catalogue import Catalogue
from marketplace.money import decimals_of

Order = Literal["evidence", "price", "newest"]
PAGE_SIZE = 24
FACETS = ("task", "robot", "cameras", "price", "licence", "success")
"""A facet is a column of lists: a pack has every value that its list holds."""
PRICES = ("Free", "Under 10", "10 to 25", "Over 25")
"""In units of each pack's own currency."""
SUCCESSES = {"25%": 0.25, "50%": 0.5, "75%": 0.75, "90%": 0.9}
"""Least lower ends of the 95% interval."""
NO_CAMERA = "none"
_ORDERS = {
    "evidence": ("success_low", "num_rollouts", "skill_id"),
    "price": ("units", "success_low", "skill_id"),
    "newest": ("first_release", "success_low", "skill_id"),
}
_DESCENDING = {"success_low", "num_rollouts", "first_release"}


@dataclass(frozen=True)
class Wish:
    """What somebody looks for. Within a facet any of the values chosen will do; every facet and every word must hold."""

    text: str = ""
    chosen: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    order: Order = "evidence"
    page: int = 1


@dataclass(frozen=True)
class Found:
    """A page of what was found: rows of table CATALOGUE. `counts` says how many packs each value of a facet would show, with
    what the other facets ask for; most first."""

    num_found: int
    num_packs: int
    page: int
    num_pages: int
    rows: list[dict[str, Any]]
    counts: dict[str, dict[str, int]]


def search_frame(catalogue: Catalogue) -> pl.DataFrame:
    """Returns a release's shelf made ready for `search`: to be made once per release and kept."""
    return prepared(catalogue.query("SELECT * FROM catalogue"))


def prepared(shelf: pl.DataFrame) -> pl.DataFrame:
    """Returns rows of table CATALOGUE with a column per facet, and the words that are looked into."""
    rows = shelf.to_dicts()
    columns = {
        "words": [f" {folded(_searched(row))}" for row in rows],
        "units": [row["price_minor"] / 10 ** decimals_of(row["currency"]) for row in rows],
    }
    facets = {
        "task": [row["task_words"] for row in rows],
        "robot": [[row["robot_type"]] for row in rows],
        "cameras": [[" + ".join(row["camera_roles"]) or NO_CAMERA] for row in rows],
        "price": [[_price_band(units)] for units in columns["units"]],
        "licence": [row["licences"] for row in rows],
        "success": [[name for name, least in SUCCESSES.items() if row["success_low"] >= least] for row in rows],
    }
    return shelf.with_columns(
        pl.Series("words", columns["words"], pl.String),
        pl.Series("units", columns["units"], pl.Float64),
        *(pl.Series(_column(name), values, pl.List(pl.String)) for name, values in facets.items()),
    )


def search(shelf: pl.DataFrame, wish: Wish, page_size: int = PAGE_SIZE) -> Found:
    """Returns a page of the packs that match, best first; each word of the wish begins one of theirs. A page that is not there gives
    the nearest one that is.

    Args:
        shelf: of `search_frame`.
    """
    begins = [pl.col("words").str.contains(f" {word}", literal=True) for word in folded(wish.text).split()]
    has_words = pl.all_horizontal(begins) if begins else pl.lit(True)
    masks = shelf.select(
        has_words.alias("words"), *(_holds(name, wish.chosen.get(name, frozenset())).alias(name) for name in FACETS)
    )
    is_found = _all_but(masks, None)
    found = _ordered(shelf.filter(is_found), wish.order)
    num_pages = max(1, -(-found.height // page_size))
    page = min(max(wish.page, 1), num_pages)
    shown = found.slice((page - 1) * page_size, page_size)
    counts = {name: _counts(shelf, name, _all_but(masks, name)) for name in FACETS}
    return Found(found.height, shelf.height, page, num_pages, shown.to_dicts(), counts)


def folded(text: str) -> str:
    """Returns a text as it is compared: without case, accents and what stands between words."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))
    return " ".join("".join(char if char.isalnum() else " " for char in plain).split())


def _searched(row: Mapping[str, Any]) -> str:
    return " ".join((row["title"], row["description"], *row["task_words"], row["robot_type"], row["skill_id"]))


def _price_band(units: float) -> str:
    return PRICES[0 if units == 0 else 1 if units < 10 else 2 if units <= 25 else 3]


def _column(facet: str) -> str:
    return f"facet_{facet}"


def _holds(facet: str, chosen: Iterable[str]) -> pl.Expr:
    wanted = sorted(chosen)
    if not wanted:
        return pl.lit(True)
    return pl.any_horizontal(pl.col(_column(facet)).list.contains(value) for value in wanted)


def _all_but(masks: pl.DataFrame, left_out: str | None) -> pl.Series:
    return masks.select(pl.all_horizontal(name for name in masks.columns if name != left_out)).to_series()


def _counts(shelf: pl.DataFrame, facet: str, is_found: pl.Series) -> dict[str, int]:
    values = shelf.get_column(_column(facet)).filter(is_found).explode().drop_nulls()
    counted = values.value_counts(name="number").sort("number", _column(facet), descending=[True, False])
    return dict(counted.iter_rows())


def _ordered(found: pl.DataFrame, order: Order) -> pl.DataFrame:
    columns = _ORDERS[order]
    return found.sort(columns, descending=[column in _DESCENDING for column in columns])
