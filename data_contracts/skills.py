"""The schema of skills.toml: one row per skill that is trained and sold. Adding a skill is adding a row, never code."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from data_contracts.errors import ContractError, did_you_mean
from data_contracts.identifiers import check_skill_id

BASIS_POINTS = 10_000


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Evaluation(_Row):
    """The rollouts that a skill must show."""

    world: str = Field(description="Simulated world, e.g. metaworld/drawer-open-v3.")
    num_rollouts: int = Field(default=20, ge=1)
    first_seed: int = Field(
        default=1_100_000, description="Starts are numbered from here. Recipes are settled on other seeds than these."
    )
    views: dict[str, str] = Field(
        default={"camera1": "front", "camera2": "wrist"},
        description="Which view of the world fills which camera slot of the policy, as the training episodes had it.",
    )
    units: str = Field(default="degrees", description="Joint units of SO-100 worlds: degrees or normalised.")
    num_videos: int = Field(default=4, ge=0, description="Recordings kept, successes and failures.")


class Price(_Row):
    """What a buyer pays."""

    amount_minor: int = Field(ge=0, description="In the currency's minor unit; 0 is free.")
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$", description="ISO 4217.")


class Split(_Row):
    """How a sale is divided, in basis points (1/100 of a percent)."""

    platform_bp: int = Field(ge=0, le=BASIS_POINTS)
    contributors_bp: int = Field(ge=0, le=BASIS_POINTS)

    @model_validator(mode="after")
    def _is_whole(self) -> Split:
        if self.platform_bp + self.contributors_bp != BASIS_POINTS:
            raise ValueError(f"platform_bp and contributors_bp must add up to {BASIS_POINTS}")
        return self


class Skill(_Row):
    """One skill."""

    id: Annotated[str, AfterValidator(check_skill_id)]
    title: str
    description: str
    robot_type: str = Field(description="The robot that it drives, as datasets name it.")
    episodes: str = Field(
        description="SQL condition over the corpus_episodes table (DuckDB): what belongs to the skill."
    )
    recipe: str = Field(default="finetune-small", description="Training recipe, by name.")
    evaluation: Evaluation
    price: Price
    split: Split


class Skills(_Row):
    """The whole file."""

    skill: tuple[Skill, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Skills:
        ids = [skill.id for skill in self.skill]
        repeated = sorted({name for name in ids if ids.count(name) > 1})
        if repeated:
            raise ValueError(f"skill ids are repeated: {repeated}")
        return self

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(skill.id for skill in self.skill)

    def get(self, skill_id: str) -> Skill:
        """Returns the row, or raises ContractError naming the nearest id."""
        for skill in self.skill:
            if skill.id == skill_id:
                return skill
        raise ContractError(f"No skill {skill_id!r} in skills.toml.", hint=did_you_mean(skill_id, self.ids))


def read_skills(path: Path) -> Skills:
    """Returns the skills of a file.

    Raises:
        ContractError: the file is missing, is not TOML, or breaks the schema; the message names the field.
    """
    try:
        return Skills.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ContractError(
            f"Skills cannot be read from {path}: {error.strerror}.", hint="Pass --skills FILE."
        ) from error
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ContractError(
            f"{path} is not a valid skills file: {error}.", hint="See docs/contracts/skills.md."
        ) from error
