from __future__ import annotations

from pathlib import Path

import pytest

from data_contracts.errors import TrainingError
from training.recipes import Recipe, load_recipe, parse_changes, recipe_names

MINIMAL = 'name = "mine"\nkind = "finetune"\nsteps = 10\nbatch_size = 2\nlearning_rate = 1e-3\nsave_every = 10\n'


def test_every_shipped_recipe_loads_and_is_called_as_its_file():
    assert {"pretrain-small", "finetune-small", "smolvla-450m-pretrain", "smolvla-450m-finetune"} <= set(recipe_names())
    for name in recipe_names():
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.kind in name.replace("fine-tune", "finetune")


def test_a_misspelt_name_and_a_misspelt_field_are_answered_with_the_right_one(tmp_path: Path):
    with pytest.raises(TrainingError, match="Did you mean 'finetune-small'"):
        load_recipe("finetun-small")
    (tmp_path / "mine.toml").write_text(MINIMAL + "warm_up_steps = 3\n")
    with pytest.raises(TrainingError, match=r"warm_up_steps.*Did you mean 'warmup_steps'"):
        load_recipe(tmp_path / "mine.toml")


def test_a_recipe_from_a_path_can_be_changed_on_the_way_in(tmp_path: Path):
    (tmp_path / "mine.toml").write_text(MINIMAL)
    assert load_recipe(tmp_path / "mine.toml", seed=7).seed == 7
    with pytest.raises(TrainingError, match="steps"):
        load_recipe(tmp_path / "mine.toml", steps=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cache_image_tokens": True, "freeze_vision": False, "freeze_vlm": False}, "needs freeze_vision"),
        ({"freeze_vision": False}, "freeze_vlm"),
        ({"save_every": 15}, "multiple of log_every"),
        ({"warmup_steps": 10}, "fewer than steps"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(tmp_path: Path, change: dict, message: str):
    (tmp_path / "mine.toml").write_text(MINIMAL)
    with pytest.raises(TrainingError, match=message):
        load_recipe(tmp_path / "mine.toml", **change)


def test_a_recipe_survives_json():
    recipe = load_recipe("pretrain-small")
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


def test_settings_are_toml_and_tables_are_merged(tmp_path: Path):
    (tmp_path / "mine.toml").write_text(MINIMAL + "policy_overrides = { chunk_size = 5, num_steps = 4 }\n")
    changes = parse_changes(["seed=3", "schedule=constant", "policy_overrides.chunk_size=7", "betas=[0.8, 0.9]"])
    recipe = load_recipe(tmp_path / "mine.toml", **changes)
    assert (recipe.seed, recipe.schedule, recipe.betas) == (3, "constant", (0.8, 0.9))
    assert recipe.policy_overrides == {"chunk_size": 7, "num_steps": 4}
    for nothing in ("seed", "=3", "a b=3"):
        with pytest.raises(TrainingError, match="field=value"):
            parse_changes([nothing])


@pytest.mark.parametrize(
    ("kind", "steps", "batch_size", "warmup"), [("pretrain", 200_000, 256, 100), ("finetune", 20_000, 64, 1_000)]
)
def test_the_published_recipes_have_the_published_optimiser(kind: str, steps: int, batch_size: int, warmup: int):
    recipe = load_recipe(f"smolvla-450m-{kind}")
    assert (recipe.learning_rate, recipe.final_learning_rate, recipe.schedule) == (1e-4, 2.5e-6, "cosine")
    assert (recipe.betas, recipe.epsilon, recipe.weight_decay, recipe.clip_norm) == ((0.9, 0.95), 1e-8, 1e-10, 10.0)
    assert (recipe.steps, recipe.batch_size, recipe.warmup_steps, recipe.bf16) == (steps, batch_size, warmup, True)
