"""What does not fit is said before the first step, by name."""

from __future__ import annotations

import json
import shutil

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file, save_file

from data_contracts.errors import DeftworksError, PolicyError, TrainingError
from data_contracts.layout import Lake
from training.mixture import open_mixture
from training.train import train

ARM = "maker__arm"


@pytest.fixture
def own_lake(lake, skill_index, tmp_path):
    """A copy of the lake that may be spoilt."""
    shutil.copytree(lake.home / "normalised", tmp_path / "lake/normalised")
    return Lake(tmp_path / "lake")


@pytest.fixture
def refused(own_lake, skill_index, tiny_recipe, tmp_path):
    """Trains on the arm's episodes of the spoilt lake and returns why that was refused before the first step."""

    def run(index=skill_index, base=None, error: type[DeftworksError] = TrainingError, **changes) -> str:
        steps = []

        def attempt() -> None:
            recipe = tiny_recipe(**changes)
            mixture = open_mixture(index.filter(pl.col("dataset_id") == ARM), own_lake, recipe, "c")
            train(recipe, mixture, tmp_path / "run", base, on_progress=lambda p: steps.append(p.stage == "training"))

        with pytest.raises(error) as caught:
            attempt()
        steps = [step for step in steps if step]
        assert steps == []
        assert caught.value.hint or error is PolicyError
        return str(caught.value)

    return run


def spoil(lake: Lake, column: str, change) -> None:
    path = lake.normalised(ARM) / "data/chunk-000/episode_000001.parquet"
    table = pq.read_table(path)
    values = change(np.stack(table[column].to_numpy(zero_copy_only=False)))
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, pa.array(list(values), pa.list_(pa.float32()))), path)


def test_a_value_that_is_no_number(own_lake, refused):
    def change(values):
        values = values.copy()
        values[3, 1] = np.nan
        return values

    spoil(own_lake, "action", change)
    assert "maker__arm/000008 holds values that are not finite" in refused()


def test_a_state_of_another_size(own_lake, refused):
    spoil(own_lake, "observation.state", lambda values: values[:, :2])
    assert "maker__arm/000008" in refused(error=DeftworksError)


def test_a_state_that_is_too_wide_for_the_policy(refused):
    said = refused(error=PolicyError, policy_overrides={"max_state_dim": 2, "chunk_size": 5, "n_action_steps": 5})
    assert "observation.state has shape (3,), the model takes one of at most 2" in said


def test_a_camera_that_the_dataset_does_not_have(refused, skill_index):
    renamed = skill_index.with_columns(pl.lit("observation.images.roof").alias("camera_wrist"))
    assert "'observation.images.roof', and its dataset has observation.images.front" in refused(renamed)


def test_a_camera_with_too_few_frames(own_lake, refused):
    path = own_lake.normalised(ARM) / "data/chunk-000/episode_000001.parquet"
    table = pq.read_table(path)
    pictures = table["observation.images.wrist"].to_pylist()
    place = table.column_names.index("observation.images.wrist")
    pq.write_table(table.set_column(place, "observation.images.wrist", pa.array([*pictures[:-1], None])), path)
    assert "maker__arm" in refused(error=DeftworksError)


@pytest.mark.parametrize(
    "published",
    [
        {"min": [0.0, 0.0], "max": [1.0, 1.0]},
        {"min": [-1e4] * 3, "max": [1e4] * 3},
        {"mean": [0.0, 0.0]},
        {"min": ["low"], "max": ["high"]},
    ],
)
def test_statistics_of_other_recordings(own_lake, refused, published):
    (own_lake.normalised(ARM) / "meta/stats.json").write_text(json.dumps({"action": published}))
    assert "action is not what" in refused()


def test_statistics_of_these_recordings_are_accepted(own_lake, skill_index, tiny_recipe, tmp_path):
    published = {"action": {"min": [-1e4] * 2, "max": [1e4] * 2}}
    (own_lake.normalised(ARM) / "meta/stats.json").write_text(json.dumps(published))
    mixture = open_mixture(skill_index.filter(pl.col("dataset_id") == ARM), own_lake, tiny_recipe(), "c")
    assert train(tiny_recipe(steps=2), mixture, tmp_path / "run").num_steps == 2


def test_a_base_with_a_weight_that_is_no_number(refused, own_lake, skill_index, tiny_recipe, tmp_path):
    everything = open_mixture(skill_index, own_lake, tiny_recipe(), "c")
    train(tiny_recipe(kind="pretrain", steps=2), everything, tmp_path / "base")
    path = tmp_path / "base/pretrained_model/model.safetensors"
    weights = load_file(path)
    weights["model.state_proj.bias"][0] = float("nan")
    save_file(weights, path)
    assert "model.state_proj.bias" in refused(base=tmp_path / "base")
