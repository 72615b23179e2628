from __future__ import annotations

from pathlib import Path

import pytest

from data_contracts.errors import TrainingError
from training.recipes import Recipe, load_recipe, recipe_names

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
