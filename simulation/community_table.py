"""The schema of community.toml, and reading it. What the rows make is `community`; how defects are planted, `defects`."""

from __future__ import annotations

import tomllib
from collections.abc import Container
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from data_contracts.errors import SimulationError
from data_contracts.findings import ALL_CODES
from data_contracts.identifiers import check_dataset_id, split_dataset_id
from simulation.defects import KINDS
from simulation.worlds import WORLD_NAMES

COMMUNITY_TABLE = Path(__file__).with_name("community.toml")


def _one_of(known: Container[str]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in known:
            raise ValueError(f"{value!r} is not one of {known}")
        return value

    return AfterValidator(check)


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Camera(_Row):
    """One camera of a dataset: its feature key, and the view of the world that it shows."""

    key: str = Field(pattern=r"^observation\.images\.[a-z0-9_]+$")
    view: Literal["front", "top", "side", "wrist"]


class Defect(_Row):
    """Something wrong with a dataset. `episodes` None means all of it."""

    kind: Annotated[str, _one_of(KINDS)]
    finding: Annotated[str, _one_of(ALL_CODES)]
    episodes: tuple[int, ...] | None = None
    camera: str | None = None
    text: str | None = None


class CommunityDataset(_Row):
    """One row: a dataset that somebody of the sample community publishes."""

    id: Annotated[str, AfterValidator(check_dataset_id)]
    world: Annotated[str, _one_of(WORLD_NAMES)]
    version: Literal["v2.0", "v2.1", "v3.0"]
    codec: Literal["av1", "h264"]
    num_episodes: int = Field(ge=1)
    first_seed: int | None = Field(
        default=None, ge=0, description="Absent exactly when the dataset copies another one."
    )
    copies: str | None = None
    action_repeat: int = Field(default=1, ge=1)
    size: tuple[int, int] = Field(description="Height and width of every camera, even numbers.")
    units: Literal["degrees", "normalised"] = "degrees"
    tasks: tuple[str, ...] = Field(min_length=1, description="Given to the episodes in turn.")
    licence: str | None = None
    cameras: tuple[Camera, ...] = Field(min_length=1, max_length=3)
    defect: tuple[Defect, ...] = ()

    @property
    def contributor(self) -> str:
        return split_dataset_id(self.id)[0]

    @property
    def is_clean(self) -> bool:
        return not self.defect

    def defective_episodes(self) -> set[int]:
        """Returns the episodes that some defect names; all of them where a defect names the whole dataset."""
        everything = range(self.num_episodes)
        return {i for defect in self.defect for i in (everything if defect.episodes is None else defect.episodes)}

    @model_validator(mode="after")
    def _fits_together(self) -> CommunityDataset:
        if (self.first_seed is None) == (self.copies is None):
            raise ValueError(f"{self.id}: give either first_seed or copies")
        keys = {camera.key for camera in self.cameras}
        for defect in self.defect:
            if defect.camera is not None and defect.camera not in keys:
                raise ValueError(f"{self.id}: defect {defect.kind} names the camera {defect.camera}, which it lacks")
            if any(not 0 <= episode < self.num_episodes for episode in defect.episodes or ()):
                raise ValueError(f"{self.id}: defect {defect.kind} names an episode that it lacks")
        return self


class Community(_Row):
    """The whole table."""

    dataset: tuple[CommunityDataset, ...]

    @model_validator(mode="after")
    def _fits_together(self) -> Community:
        ids = [row.id for row in self.dataset]
        if len(set(ids)) < len(ids):
            raise ValueError("dataset ids are repeated")
        for row in self.dataset:
            if row.copies is not None and row.copies not in ids:
                raise ValueError(f"{row.id} copies {row.copies}, which is not in the table")
        return self


def load_community(path: Path = COMMUNITY_TABLE) -> Community:
    """Returns the table, checked. Raises SimulationError where it breaks its schema."""
    try:
        return Community.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise SimulationError(f"{path.name} is not a valid community: {error}") from error
