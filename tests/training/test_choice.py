from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from data_contracts.errors import TrainingError
from training.batches import row_chances
from training.frame_table import read_frame_table
from training.mixture import open_mixture


@pytest.fixture
def opened(lake, skill_index, tiny_recipe):
    return lambda **changes: open_mixture(skill_index, lake, tiny_recipe(kind="pretrain", **changes), "c")


def ids(episodes) -> list[str]:
    return [episode.id.removeprefix("maker__") for episode in episodes]


def test_a_condition_over_the_corpus_chooses_episodes(opened):
    mixture = opened(where="num_frames > 6 AND NOT (robot_type = 'gantry' AND split = 'evaluation')")
    assert ids(mixture.episodes) == ["arm/000008", "arm/000009", "gantry/000007"]
    assert mixture.left_out == {"does not meet `where`": 2}


@pytest.mark.parametrize(
    "condition", ["num_framse > 6", "1 = 1) OR (1 = 1", "1; DROP TABLE x", "split = getenv('HOME')"]
)
def test_a_condition_that_is_none_is_refused(opened, condition):
    with pytest.raises(TrainingError, match="`where` is not a condition"):
        opened(where=condition)


def test_weights_of_datasets_multiply_their_share(opened):
    assert opened(dataset_weights={"maker__arm": 3.0}).weights["maker__arm"] == pytest.approx(66 / (66 + 31))
    alone = opened(dataset_weights={"maker__gantry": 0})
    assert (ids(alone.episodes)[-1], alone.left_out) == ("arm/000009", {"weight 0": 2})


def test_weights_of_skills_multiply_the_chance_of_their_frames(lake, skill_index, tiny_recipe):
    recipe = tiny_recipe(kind="pretrain", skill_weights={"lift": 2.0, "press": 0.0})
    mixture = open_mixture(skill_index, lake, recipe, "c")
    assert mixture.weights == pytest.approx({"maker__arm": 22 / 84, "maker__gantry": 62 / 84})  # push counts for press
    only_some = skill_index.filter((pl.col("skill_id") != "push") | (pl.col("episode_index") == 9))
    from data_contracts.catalogue import SKILL_INDEX

    SKILL_INDEX.write(only_some, lake.skill_index / "skill_index.parquet")
    mixture = open_mixture(skill_index, lake, tiny_recipe(skill_weights={"push": 3.0}), "c")
    SKILL_INDEX.write(skill_index, lake.skill_index / "skill_index.parquet")
    chances = np.diff(row_chances(mixture, read_frame_table(mixture)), prepend=0)
    assert chances[15:22] == pytest.approx([3 * chances[0]] * 7)
    assert chances.sum() == pytest.approx(1)
    assert chances[22:] == pytest.approx([chances[0]] * 31)


@pytest.mark.parametrize("weights", [{"dataset_weights": {"maker__amr": 2}}, {"skill_weights": {"pres": 2}}])
def test_a_weight_of_nothing_is_answered_with_the_right_name(opened, weights):
    with pytest.raises(TrainingError, match=r"Did you mean 'maker__arm'|Did you mean 'press'"):
        opened(**weights)


def test_weights_are_part_of_the_digest(opened):
    assert opened(skill_weights={"lift": 2.0}).digest() != opened().digest()


def test_the_evaluation_split_is_held_out_where_the_recipe_validates(opened):
    mixture = opened(validate_every=1)
    assert ids(mixture.episodes) == ["arm/000007", "arm/000008", "gantry/000007"]
    assert ids(mixture.held_out) == ["arm/000009", "gantry/000008"]
    assert opened().held_out == ()
    assert opened().digest() != mixture.digest()


def test_held_out_frames_come_last_and_are_in_no_statistics(opened):
    mixture = opened(validate_every=1)
    frames, alone = read_frame_table(mixture), read_frame_table(opened(where="split = 'train'"))
    assert (frames.num_rows, alone.num_rows) == (53, 35)
    np.testing.assert_array_equal(frames.state_NS[:35], alone.state_NS)
    assert len(row_chances(mixture, frames)) == 35


def test_a_robot_that_is_only_held_out_is_left_out_and_counted(opened):
    mixture = opened(validate_every=1, where="NOT (robot_type = 'gantry' AND split = 'train')")
    assert ids(mixture.held_out) == ["arm/000009"]
    assert mixture.left_out == {"does not meet `where`": 1, "held out, and no such robot is trained on": 1}


def test_nothing_to_validate_on_is_said(opened):
    with pytest.raises(TrainingError, match="none of the 5 episodes is in the corpus's evaluation split"):
        opened(validate_every=1, where="split = 'train'")
