"""From recordings in simulation to a shop with a signed pack, as small as it can be and with nothing left out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mujoco")

from data_contracts.errors import PackTampered
from data_contracts.layout import Lake
from data_contracts.manifests import EvaluationReport, TrainingRun
from pipelines.pack_stage import verify_newest
from pipelines.run import run_pipeline
from pipelines.settings import Settings, write_settings

pytestmark = pytest.mark.journey

SKILLS = """
[[skill]]
id = "press-handle"
title = "Press the handle down"
description = "For a test."
robot_type = "sawyer"
episodes = "robot_type = 'sawyer' AND label ILIKE '%handle%' AND licence = 'apache-2.0'"
recipe = "{recipe}"
evaluation = {{ world = "metaworld/handle-press-v3", num_rollouts = 2, num_videos = 2 }}
price = {{ amount_minor = 500, currency = "EUR" }}
split = {{ platform_bp = 3000, contributors_bp = 7000 }}

[[skill]]
id = "nobody-showed-it"
title = "Nobody showed it"
description = "No episode answers its query."
robot_type = "sawyer"
episodes = "label = 'Juggle'"
evaluation = {{ world = "metaworld/reach-v3" }}
price = {{ amount_minor = 0 }}
split = {{ platform_bp = 0, contributors_bp = 10000 }}
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    """A lake after one whole run over two recorded datasets, one of which must not be sold."""
    from simulation.community import record_community
    from simulation.community_table import Community
    from training.recipes import load_recipe

    folder = tmp_path_factory.mktemp("road")
    cameras = [
        {"key": "observation.images.front", "view": "front"},
        {"key": "observation.images.wrist", "view": "wrist"},
    ]
    row = {
        "world": "metaworld/handle-press-v3", "version": "v2.1", "codec": "h264", "num_episodes": 2,
        "size": [64, 64], "tasks": ["press the handle down"], "cameras": cameras,
    }  # fmt: skip
    table = Community.model_validate(
        {
            "dataset": [
                row | {"id": "lab-a__handle", "first_seed": 10, "licence": "apache-2.0"},
                row | {"id": "lab-b__handle", "first_seed": 20, "licence": "cc-by-nc-4.0"},
            ]
        }
    )
    record_community(folder / "community", community=table, processes=1)
    recipes = {}
    for name in ("pretrain-small", "finetune-small"):
        changes = {"steps": 4, "save_every": 2, "log_every": 1, "warmup_steps": 1, "batch_size": 4}
        recipe = load_recipe(name, **changes)
        recipes[name] = folder / f"{name}.toml"
        recipes[name].write_text(_toml(recipe.model_dump(mode="json", exclude_defaults=True)))
    (folder / "skills.toml").write_text(SKILLS.format(recipe=recipes["finetune-small"]))
    lake = Lake.at(folder / "lake")
    write_settings(
        lake,
        Settings(
            sources=(f"folder:{folder / 'community'}",),
            skills_file=str(folder / "skills.toml"),
            base_recipe=str(recipes["pretrain-small"]),
        ),
    )
    run = run_pipeline(lake, "pack")
    assert run.failures == {}
    return lake


def _toml(values: dict) -> str:
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def test_the_pack_verifies_and_says_where_it_comes_from(lake):
    verified = verify_newest(lake, lake.pack("press-handle", "1.0.0"))
    pack = verified.pack
    assert {episode.dataset for episode in pack.provenance.episodes} == {"lab-a__handle"}
    assert [joint.unit for joint in pack.requirements.state][:3] == ["m", "m", "m"]
    assert {slot.key: slot.role for slot in pack.requirements.cameras} == {
        "observation.images.camera1": "front",
        "observation.images.camera2": "wrist",
    }
    assert pack.requirements.fps == 80
    assert pack.evaluation.is_simulated
    assert pack.evaluation.baselines["do_nothing"].num_rollouts == 2


def test_the_base_never_saw_what_may_not_be_sold(lake):
    base = TrainingRun.read(lake.base_policy / "training_run.json")
    skill = TrainingRun.read(lake.skill_policy("press-handle") / "training_run.json")
    assert base.episodes == skill.episodes
    assert len(base.episodes) == 2


def test_a_skill_without_episodes_stops_nothing(lake):
    assert not lake.skill_policy("nobody-showed-it").exists()
    assert [path.name for path in lake.packs("press-handle").iterdir()] == ["1.0.0"]


def test_rollouts_use_seeds_of_no_demonstration_and_are_filmed(lake):
    report = EvaluationReport.read(lake.evaluation("press-handle") / "evaluation.json")
    assert min(report.seeds) >= 1_000_000
    assert len(report.videos) == 2
    assert all((lake.evaluation("press-handle") / "videos" / name).stat().st_size for name in report.videos)


def test_the_shop_shows_it(lake):
    from marketplace.catalogue import open_catalogue

    [shown] = open_catalogue(lake).packs()
    assert (shown["skill_id"], shown["version"], shown["price_minor"]) == ("press-handle", "1.0.0", 500)


def test_running_again_changes_nothing(lake):
    before = {
        path: path.stat().st_mtime_ns for path in lake.home.rglob("*") if path.is_file() and "dagster" not in path.parts
    }
    assert run_pipeline(lake, "pack").failures == {}
    after = {
        path: path.stat().st_mtime_ns for path in lake.home.rglob("*") if path.is_file() and "dagster" not in path.parts
    }
    listing = lake.source_listing / "source_listing.parquet"
    assert {path for path in after if after[path] != before.get(path)} <= {listing, lake.home / ".run.lock"}


def test_the_command_line_verifies_and_refuses_a_changed_pack(lake, tmp_path):
    import shutil

    folder = lake.pack("press-handle", "1.0.0")
    command = [sys.executable, "-m", "deftworks", "pack", "verify"]
    home = ["--home", str(lake.home)]
    good = subprocess.run([*command, str(folder), *home, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(good.stdout)["version"] == "1.0.0"
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    with (copy / "NOTICE").open("a") as file:
        file.write("x")
    bad = subprocess.run([*command, str(copy), *home], capture_output=True, text=True)
    assert bad.returncode == 1
    assert "NOTICE" in bad.stderr
    with pytest.raises(PackTampered):
        verify_newest(lake, copy)
