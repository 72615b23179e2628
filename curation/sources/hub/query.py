"""How a source of the Hub is written, and what it asks for.

hub:org/name,org/other     these datasets
hub:tag=LeRobot            every dataset with that tag
hub:author=NAME            every dataset of that user or organisation
hub:recipe=so-family       what a recipe lists, narrowed by its scope; or hub:recipe=PATH.toml
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from curation.sources.hub import SCHEME
from curation.sources.hub.recipes import EVERYTHING, Scope, load_recipe
from data_contracts.errors import UnknownSource, did_you_mean

GRAMMAR = "Write hub:ORG/NAME[,ORG/NAME...], hub:tag=LeRobot, hub:author=NAME or hub:recipe=NAME_OR_PATH."
REPO_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
_KINDS = ("tag", "author", "recipe")


@dataclass(frozen=True)
class Query:
    """What to list (exactly one of the three), and which of it is wanted."""

    ids: tuple[str, ...] = ()
    tag: str | None = None
    author: str | None = None
    scope: Scope = EVERYTHING


def parse_query(spec: str) -> Query:
    """Returns what a source of the Hub asks for; ids that are named twice count once.

    Raises:
        UnknownSource: it is not written in one of the four ways, or its recipe is not there.
    """
    rest = spec.removeprefix(f"{SCHEME}:")
    kind, equals, value = rest.partition("=")
    if not equals:
        return Query(ids=_checked_ids(rest.split(","), spec))
    if kind not in _KINDS:
        raise UnknownSource(f"{spec!r} is not a source of the Hub.", hint=f"{did_you_mean(kind, _KINDS)} {GRAMMAR}")
    if not value.strip():
        raise UnknownSource(f"{spec!r} names no {kind}.", hint=GRAMMAR)
    if kind != "recipe":
        return Query(**{kind: value.strip()})
    recipe = load_recipe(value.strip())
    ids = _checked_ids(recipe.ids, spec) if recipe.ids else ()
    return Query(ids=ids, tag=recipe.tag, author=recipe.author, scope=recipe.scope)


def _checked_ids(ids: list[str] | tuple[str, ...], spec: str) -> tuple[str, ...]:
    cleaned = tuple(dict.fromkeys(one.strip() for one in ids if one.strip()))
    if not cleaned:
        raise UnknownSource(f"{spec!r} names no dataset.", hint=GRAMMAR)
    for one in cleaned:
        if not REPO_ID.fullmatch(one):
            raise UnknownSource(f"{one!r} is not a dataset of the Hub.", hint=GRAMMAR)
    return cleaned
