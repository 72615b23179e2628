"""A recipe: a data file that says which datasets of the Hub are candidates, and which of them are wanted.

What is listed (`ids`, `tag` or `author`) costs a request or two; the scope is decided when a dataset's metadata are here.
Recipes that come along lie in `curation/sources/recipes/`; an operator's own is named by its path.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from curation.sources.collisions import short_digest
from data_contracts.errors import UnknownSource, did_you_mean
from data_contracts.stages import digest_of

RECIPES = Path(__file__).parents[1] / "recipes"


class Scope(BaseModel):
    """What a dataset must be, by its metadata, for its rows and videos to be fetched. Empty: everything is wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    robot_types: tuple[str, ...] = Field(default=(), description="Compared without case, '-', '_', '.' and spaces.")
    versions: tuple[str, ...] = Field(default=(), description="codebase_version, for example v2.1.")
    min_episodes: int = Field(default=0, ge=0)
    max_size_gb: float | None = Field(
        default=None, gt=0, description="Of the files that would be fetched, in 10^9 bytes."
    )
    camera: bool = Field(default=False, description="At least one camera must be declared.")

    @property
    def is_open(self) -> bool:
        return self == Scope()

    @property
    def digest(self) -> str:
        """Eight hex digits that change when the scope does."""
        return short_digest(digest_of(self.model_dump(mode="json")))


EVERYTHING = Scope()


class Recipe(BaseModel):
    """One file. Exactly one of `ids`, `tag` and `author` says what is listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    ids: tuple[str, ...] = ()
    tag: str | None = None
    author: str | None = None
    scope: Scope = EVERYTHING

    @model_validator(mode="after")
    def _lists_one_thing(self) -> Self:
        if sum(map(bool, (self.ids, self.tag, self.author))) != 1:
            raise ValueError("exactly one of ids, tag and author must be given")
        return self


def bundled_recipes() -> list[str]:
    """Returns the names of the recipes that come along, sorted."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load_recipe(name: str) -> Recipe:
    """Returns the recipe of that name, or the one in that file (a name that ends in `.toml` or holds a '/').

    Raises:
        UnknownSource: there is no such recipe, or the file is not one.
    """
    path = Path(name).expanduser() if is_file_name(name) else RECIPES / f"{name}.toml"
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        hint = "Check the path." if is_file_name(name) else did_you_mean(name, bundled_recipes())
        raise UnknownSource(f"There is no recipe {name!r} ({error.strerror}).", hint=hint) from error


def is_file_name(name: str) -> bool:
    """Returns True where a recipe is named by its path."""
    return name.endswith(".toml") or "/" in name


@lru_cache(maxsize=32)
def _read(path: Path, modified_ns: int) -> Recipe:
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        first = "; ".join(str(error).splitlines()[:3])
        known = f"Its keys: {', '.join(Recipe.model_fields)}; of [scope]: {', '.join(Scope.model_fields)}."
        raise UnknownSource(f"{path} is not a recipe: {first}.", hint=known) from error
