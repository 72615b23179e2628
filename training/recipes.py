"""What a training run does, as data: one TOML file per recipe in training/recipes/, or anywhere by path.

Belongs here: the schema and how a recipe is found. Not here: which episodes there are (`training.mixture`), nor what the
numbers do (`training.optimiser`, `training.train`).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data_contracts.errors import TrainingError, did_you_mean

Weight = Annotated[float, Field(ge=0)]
RECIPES = Path(__file__).with_name("recipes")


class Recipe(BaseModel):
    """Everything that decides a run besides its data and the policy that it starts from.

    Work is counted in steps and never in time, so that a slow machine trains the same policy.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Literal["pretrain", "finetune"]
    policy: str = Field(
        "small", description="'small', 'base_450m' or a checkpoint folder. A base that is handed in wins."
    )
    policy_overrides: dict[str, Any] = Field({}, description="Fields of SmolVLAConfig that this recipe sets.")
    seed: int = Field(0, ge=0)

    steps: int = Field(ge=1)
    batch_size: int = Field(ge=1, description="Observations a step, over all processes.")
    accumulate: int = Field(
        1, ge=1, description="Parts that a step is computed in, one after the other, to save memory."
    )
    flow_samples: int = Field(1, ge=1, description="Draws of noise and time per observation.")
    dataset_temperature: float = Field(
        1.0,
        gt=0,
        description="Weight of a dataset is frames ** (1 / temperature): 1 in proportion, large values alike.",
    )
    dataset_weights: dict[str, Weight] = Field(
        {},
        description="Dataset -> factor on the chance that a sample comes from it; 1 where it is not named, 0 leaves it out.",
    )
    skill_weights: dict[str, Weight] = Field(
        {}, description="Skill -> factor on the chance of its episodes; the largest counts where one teaches several."
    )
    where: str = Field(
        "", description="SQL condition (DuckDB) over corpus_episodes; episodes that do not meet it are left out."
    )
    exclude_warnings: tuple[str, ...] = Field(
        (), description="Warn codes; an episode that one of them names is left out."
    )

    camera_slots: int = Field(3, ge=1, le=3, description="How many of the slots top, wrist, side are used.")
    freeze_vision: bool = True
    freeze_vlm: bool = Field(True, description="Train the action expert only.")
    lora_rank: int = Field(
        0, ge=0, description="Fine-tune by LoRA adapters of this rank, and nothing else; 0 by the weights."
    )
    lora_alpha: float = Field(8.0, gt=0, description="Adapters count lora_alpha / lora_rank; PEFT's default.")
    lora_targets: str = Field(
        "", description="Regular expression over whole module names; default is what LeRobot adapts in SmolVLA."
    )
    cache_image_tokens: bool = Field(
        False, description="Run the frozen vision tower once per frame and keep its output."
    )

    pool_episodes: int = Field(
        0,
        ge=0,
        description="Decode so many episodes at a time, the next while they are trained on; the disk budget must hold about "
        "three times as many. 0 decodes all first.",
    )
    pool_steps: int = Field(100, ge=1, description="Steps that such a pool is trained on.")

    learning_rate: float = Field(gt=0)
    final_learning_rate: float = Field(0.0, ge=0, description="Where the cosine ends, and stays.")
    decay_steps: int = Field(0, ge=0, description="Steps of the cosine, no more than all; 0 is all.")
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_steps: int = Field(0, ge=0)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.95)
    epsilon: float = Field(1e-8, gt=0)
    weight_decay: float = Field(0.0, ge=0)
    clip_norm: float = Field(1.0, gt=0)
    ema_decay: float = Field(0.0, ge=0, lt=1, description="0 keeps no average: the last weights are the result.")
    bf16: bool = Field(False, description="Compute in bfloat16 (autocast); weights stay float32.")

    divergence_factor: float = Field(
        10.0, ge=0, description="Stop when the mean loss since the last line is so many times the best; 0 never stops."
    )

    validate_every: int = Field(
        0,
        ge=0,
        description="Steps between losses on the corpus's evaluation split, which is then not trained on; 0 never.",
    )
    validation_samples: int = Field(256, ge=1, description="Frames of held-out episodes that a validation looks at.")
    patience: int = Field(
        0,
        ge=0,
        description="Validations without a better loss before the run stops; the best weights are then the result. 0: the last.",
    )

    log_every: int = Field(10, ge=1)
    save_every: int = Field(ge=1, description="Steps between checkpoints.")
    keep_checkpoints: int = Field(1, ge=1, description="Newest ones that stay.")

    @model_validator(mode="after")
    def _is_consistent(self) -> Recipe:
        if self.cache_image_tokens and not self.freeze_vision:
            raise ValueError("cache_image_tokens needs freeze_vision: a tower that learns has no output to keep")
        if self.freeze_vlm and not self.freeze_vision:
            raise ValueError("freeze_vlm freezes the vision tower too: set freeze_vision")
        if self.lora_rank and (self.kind != "finetune" or not self.freeze_vision):
            raise ValueError(
                "lora_rank is for a finetune with freeze_vision: adapters move on top of a base that stays"
            )
        if self.batch_size % self.accumulate:
            raise ValueError("batch_size must be a multiple of accumulate")
        if self.patience and not self.validate_every:
            raise ValueError("patience needs validate_every: without held-out episodes nothing says that it got worse")
        if self.validate_every % self.log_every:
            raise ValueError("validate_every must be a multiple of log_every: both are said in one line")
        if self.save_every % self.log_every:
            raise ValueError("save_every must be a multiple of log_every, so that no logged mean spans a checkpoint")
        if self.warmup_steps >= self.steps:
            raise ValueError("warmup_steps must be fewer than steps")
        return self


def recipe_names() -> tuple[str, ...]:
    """Returns the recipes that come with Deftworks."""
    return tuple(sorted(path.stem for path in RECIPES.glob("*.toml")))


def recipe_purpose(name: str) -> str:
    """Returns what a recipe that comes with Deftworks says of itself: the comment that its file opens with."""
    lines = (RECIPES / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("#").strip() for line in takewhile(lambda line: line.startswith("#"), lines))


def load_recipe(name_or_path: str | Path, **changes: Any) -> Recipe:
    """Returns a recipe by name, or from a TOML file when a path to one is given.

    Args:
        changes: fields to set on top of what the file says; tables are merged.

    Raises:
        TrainingError: there is no such recipe, it is not TOML, or a field is unknown, missing or out of range.
    """
    path = _find(str(name_or_path))
    try:
        return Recipe.model_validate(_merged(tomllib.loads(path.read_text(encoding="utf-8")), changes))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"Recipe {path} cannot be read: {error}.", hint="A recipe is a TOML file.") from error
    except ValidationError as error:
        raise TrainingError(f"Recipe {path} is not valid: {_problems(error)}.", hint=_hint(error)) from error


def parse_changes(settings: Iterable[str]) -> dict[str, Any]:
    """Returns `load_recipe`'s changes out of `field=value` or `table.field=value`, the value as TOML; a bare word is a string.

    Raises:
        TrainingError: a setting has no `=`, or its name is none.
    """
    changes: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        try:
            changes = _merged(changes, tomllib.loads(f"{name} = {value if _is_toml(value) else json.dumps(value)}"))
        except tomllib.TOMLDecodeError as error:
            raise TrainingError(f"{setting!r} sets nothing.", hint="Write field=value, as in a recipe.") from error
        if not equals:
            raise TrainingError(f"{setting!r} sets nothing.", hint="Write field=value, as in a recipe.")
    return changes


def _is_toml(value: str) -> bool:
    try:
        tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return False
    return True


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields of both, those of `above` winning; tables that both have are merged alike."""
    tables = {k for k, value in above.items() if isinstance(value, dict) and isinstance(below.get(k), dict)}
    return {**below, **above, **{name: _merged(below[name], above[name]) for name in tables}}


def _find(name: str) -> Path:
    if name.endswith(".toml") or "/" in name:
        return Path(name)
    path = RECIPES / f"{name}.toml"
    if not path.is_file():
        raise TrainingError(f"No recipe {name!r}.", hint=did_you_mean(name, recipe_names()))
    return path


def _problems(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'recipe'}: {item['msg']}" for item in error.errors())


def _hint(error: ValidationError) -> str:
    unknown = [str(item["loc"][0]) for item in error.errors() if item["type"] == "extra_forbidden"]
    return (
        did_you_mean(unknown[0], Recipe.model_fields) if unknown else "The fields are described in training/recipes.py."
    )
