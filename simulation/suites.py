"""What a policy is evaluated on, as data: one TOML file per suite in simulation/suites/, or anywhere by path.

Belongs here: the schema, how a suite is found and a part of it chosen, and which camera of a policy gets which view. Not
here: how it is run (`simulation.suite_evaluation`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data_contracts.errors import SimulationError, did_you_mean
from simulation.metaworld_tasks import DESCRIPTIONS
from simulation.worlds import WORLD_NAMES

SUITES = Path(__file__).with_name("suites")
IMAGES = "observation.images"


@dataclass(frozen=True)
class SuiteTask:
    """One task of a suite. `instruction` None is the world's own; `number` counts within the group, as LeRobot's task_id."""

    group: str
    number: int
    world: str
    instruction: str | None


class Suite(BaseModel):
    """Worlds in groups, and how a policy sees them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    views: tuple[str, ...] = Field(
        min_length=1, description="What the policy's cameras show, in the order of its slots."
    )
    picture: tuple[int, int] = Field(description="Height and width of each picture in pixels.")
    quality: Literal["plain", "full"] = Field(
        "plain", description="Pictures without shadows, or as benchmarks have them."
    )
    max_steps: int = Field(ge=1, description="Steps after which a rollout has failed.")
    units: str = Field("degrees", description="Joint units of SO-100 worlds.")
    wording: Literal["world", "benchmark"] = Field(
        "world", description="Tell the policy the world's own instruction, or the benchmark's description of the task."
    )
    instructions: dict[str, str] = Field({}, description="World -> what to tell the policy instead.")
    groups: dict[str, tuple[str, ...]] = Field(min_length=1, description="Group -> worlds.")

    @model_validator(mode="after")
    def _has_known_worlds(self) -> Suite:
        listed = [world for worlds in self.groups.values() for world in worlds]
        for world in (*listed, *self.instructions):
            if world not in WORLD_NAMES:
                raise ValueError(f"unknown world {world!r}. {did_you_mean(world, WORLD_NAMES)}")
        if len(set(listed)) < len(listed):
            raise ValueError("a world is listed twice")
        return self

    @property
    def tasks(self) -> tuple[SuiteTask, ...]:
        return tuple(
            SuiteTask(group, number, world, self._instruction(world))
            for group, worlds in self.groups.items()
            for number, world in enumerate(worlds)
        )

    def _instruction(self, world: str) -> str | None:
        described = DESCRIPTIONS.get(world.removeprefix("metaworld/")) if self.wording == "benchmark" else None
        return self.instructions.get(world, described)

    def part(self, names: Sequence[str]) -> Suite:
        """Returns the suite with only these groups or worlds (a world also by its last name, `drawer-open-v3`).

        Raises:
            SimulationError: it has no such group or world.
        """
        chosen: dict[str, tuple[str, ...]] = {}
        known = {*self.groups, *(world.rpartition("/")[2] for worlds in self.groups.values() for world in worlds)}
        for name in names:
            if name.rpartition("/")[2] not in known:
                raise SimulationError(f"Suite {self.name} has no part {name!r}.", hint=did_you_mean(name, known))
        for group, worlds in self.groups.items():
            kept = tuple(w for w in worlds if group in names or w in names or w.rpartition("/")[2] in names)
            if kept:
                chosen[group] = kept
        return self.model_copy(update={"groups": chosen})

    def cameras(self, keys: Sequence[str] | None, chosen: Mapping[str, str] | None = None) -> dict[str, str]:
        """Returns observation key -> view.

        Args:
            keys: the policy's cameras in the order of its slots; None where nobody looks.
            chosen: which view each camera gets, instead of the suite's views in order. A camera that is left out shows
                nothing, as SmolVLA allows.

        Raises:
            SimulationError: the policy has more or fewer cameras than there are views, or not one that `chosen` names.
        """
        if keys is None:
            return dict(chosen or {f"{IMAGES}.{view}": view for view in self.views})
        hint = "Say which view each camera gets: --camera KEY=VIEW, views front, top, side, wrist."
        if chosen:
            if unknown := sorted(set(chosen) - set(keys)):
                raise SimulationError(
                    f"The policy has no camera {unknown[0]!r}, only {', '.join(keys)}.",
                    hint=did_you_mean(unknown[0], keys),
                )
            return {key: chosen[key] for key in keys if key in chosen}
        if len(keys) != len(self.views):
            raise SimulationError(
                f"The policy looks through {len(keys)} cameras ({', '.join(keys) or 'none'}), suite {self.name} has "
                f"{len(self.views)} ({', '.join(self.views)}).",
                hint=hint,
            )
        return dict(zip(keys, self.views, strict=True))


def suite_names() -> tuple[str, ...]:
    """Returns the suites that come with Deftworks."""
    return tuple(sorted(path.stem for path in SUITES.glob("*.toml")))


def load_suite(name_or_path: str) -> Suite:
    """Returns a suite by name or TOML path, or a part of it: `metaworld`, `metaworld:easy`, `five-tasks:drawer-open-v3`.

    Raises:
        SimulationError: there is no such suite or part, it is not TOML, or a field is unknown, missing or out of range.
    """
    name, _, part = name_or_path.partition(":")
    is_path = name.endswith(".toml") or "/" in name
    path = Path(name) if is_path else SUITES / f"{name}.toml"
    if not is_path and not path.is_file():
        raise SimulationError(f"No suite {name!r}.", hint=did_you_mean(name, suite_names()))
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        suite = Suite.model_validate({"name": path.stem} | document)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SimulationError(f"Suite {path} cannot be read: {error}.", hint="A suite is a TOML file.") from error
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'suite'}: {item['msg']}" for item in error.errors())
        raise SimulationError(
            f"Suite {path} is not valid: {said}.", hint="See simulation/suites/ for examples."
        ) from error
    return suite.part(part.split(",")) if part else suite
