from __future__ import annotations

import json

import polars as pl
import pytest

from data_contracts.catalogue import FINDINGS
from data_contracts.errors import TrainingError
from training.mixture import describe, open_mixture


def test_an_episode_that_two_skills_name_counts_once(lake, skill_index, tiny_recipe):
    mixture = open_mixture(skill_index, lake, tiny_recipe(), "sha256:corpus")
    assert [e.id for e in mixture.episodes] == [
        "maker__arm/000007", "maker__arm/000008", "maker__arm/000009", "maker__gantry/000007", "maker__gantry/000008",
    ]  # fmt: skip
    assert mixture.num_frames == 6 + 9 + 7 + 20 + 11


def test_the_description_adds_up_and_is_plain_json(lake, skill_index, tiny_recipe):
    said = json.loads(json.dumps(describe(open_mixture(skill_index, lake, tiny_recipe(), "sha256:corpus"))))
    assert (said["num_episodes"], said["num_frames"]) == (5, 53)
    assert {robot: totals["num_frames"] for robot, totals in said["robots"].items()} == {"arm": 22, "gantry": 31}
    assert said["hours"] == pytest.approx(53 / 10 / 3600, abs=1e-4)
    assert [row["camera_slots"] for row in said["datasets"]] == [[1, 2], [1]]


def test_the_temperature_evens_out_what_datasets_weigh(lake, skill_index, tiny_recipe):
    by_frames = open_mixture(skill_index, lake, tiny_recipe(), "c").weights
    assert by_frames == pytest.approx({"maker__arm": 22 / 53, "maker__gantry": 31 / 53})
    evened = open_mixture(skill_index, lake, tiny_recipe(dataset_temperature=2.0), "c").weights
    assert evened["maker__arm"] == pytest.approx(22**0.5 / (22**0.5 + 31**0.5))


def test_episodes_that_an_excluded_warning_names_are_left_out_and_counted(lake, skill_index, tiny_recipe):
    codes = {"maker__arm": [8], "maker__gantry": None}
    for dataset, episodes in codes.items():
        row = {
            "dataset_id": dataset,
            "code": "video.dark",
            "severity": "warn",
            "episodes": episodes,
            "message": "",
            "evidence_json": "{}",
        }
        FINDINGS.write(FINDINGS.frame([row]), lake.findings(dataset) / "findings.parquet")
    mixture = open_mixture(skill_index, lake, tiny_recipe(exclude_warnings=("video.dark",)), "c")
    assert [e.episode_index for e in mixture.episodes] == [7, 9]
    assert mixture.left_out == {"video.dark": 3}
    assert open_mixture(skill_index, lake, tiny_recipe(), "c").left_out == {}


def test_an_empty_mixture_says_why(lake, skill_index, tiny_recipe):
    blind = skill_index.with_columns(pl.lit(None, pl.String).alias(c) for c in ("camera_top", "camera_wrist"))
    with pytest.raises(TrainingError, match="no camera in a known role"):
        open_mixture(blind, lake, tiny_recipe(), "c")


def test_the_digest_follows_labels_slots_and_content(lake, skill_index, tiny_recipe):
    whole = open_mixture(skill_index, lake, tiny_recipe(), "c").digest()
    assert open_mixture(skill_index.reverse(), lake, tiny_recipe(), "other corpus").digest() == whole
    relabelled = skill_index.with_columns(pl.lit("Do it").alias("label"))
    assert open_mixture(relabelled, lake, tiny_recipe(), "c").digest() != whole
    swapped = skill_index.rename({"camera_top": "camera_wrist", "camera_wrist": "camera_top"})
    assert open_mixture(swapped, lake, tiny_recipe(), "c").digest() != whole


def test_slots_beyond_the_recipes_are_not_used(lake, skill_index, tiny_recipe):
    assert open_mixture(skill_index, lake, tiny_recipe(), "c").used_slots == (0, 1)
    assert open_mixture(skill_index, lake, tiny_recipe(camera_slots=1), "c").used_slots == (0,)
