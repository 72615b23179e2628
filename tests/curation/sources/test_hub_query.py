"""How sources of the Hub are written, and the recipes that come along."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from curation.sources import open_source
from curation.sources.hub.query import parse_query
from curation.sources.hub.recipes import Recipe, Scope, bundled_recipes, load_recipe
from curation.sources.hub.scope import outside_scope
from data_contracts.errors import UnknownSource
from data_contracts.layout import Lake
from data_contracts.lerobot.info import read_info


def test_four_ways_to_write_a_source() -> None:
    assert parse_query("hub:ann/cubes, ben/doors,ann/cubes").ids == ("ann/cubes", "ben/doors")
    assert parse_query("hub:tag=LeRobot").tag == "LeRobot"
    assert parse_query("hub:author=ann").author == "ann"
    assert parse_query("hub:recipe=so-family").tag == "LeRobot"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("hub:", "names no dataset"),
        ("hub:ann", "'ann' is not a dataset"),
        ("hub:../../etc/passwd", "is not a dataset"),
        ("hub:tags=LeRobot", "Did you mean 'tag'"),
        ("hub:author=", "names no author"),
        ("hub:recipe=so-familly", "Did you mean 'so-family'"),
        ("hub:recipe=/nowhere/x.toml", "Check the path"),
        ("hup:ann/cubes", "Did you mean 'hub'"),
    ],
)
def test_what_is_not_a_source_says_what_was_meant(spec: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownSource, match=said):
        open_source(spec, Lake(tmp_path))


def test_bundled_recipes_are_recipes() -> None:
    assert bundled_recipes() == ["lerobot-tagged", "smolvla-community", "so-family"]
    for name in bundled_recipes():
        assert isinstance(load_recipe(name), Recipe)


def test_the_community_recipe_holds_the_451_released_ids_once() -> None:
    ids = parse_query("hub:recipe=smolvla-community").ids
    assert len(ids) == len(set(ids)) == 451
    assert ids[0] == "00ri/so100_battery"


@pytest.mark.parametrize(
    "text", ["title = 'x'", "title='x'\ntag='a'\nauthor='b'", "title='x'\ntag='a'\nsize=3", "not toml"]
)
def test_a_broken_recipe_is_named_with_its_keys(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UnknownSource, match="Its keys: title, ids"):
        parse_query(f"hub:recipe={path}")


def test_a_recipe_that_was_edited_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("title = 'x'\nauthor = 'ann'")
    assert parse_query(f"hub:recipe={path}").author == "ann"
    path.write_text("title = 'x'\nauthor = 'ben'")
    os.utime(path, ns=(1, 1))
    assert parse_query(f"hub:recipe={path}").author == "ben"


INFO = {
    "codebase_version": "v2.1", "robot_type": "so100", "fps": 30, "total_episodes": 3,
    "features": {
        "action": {"dtype": "float32", "shape": [6], "names": None},
        "observation.images.top": {"dtype": "video", "shape": [4, 4, 3], "names": ["height", "width", "channel"]},
    },
}  # fmt: skip


def reason(tmp_path: Path, scope: Scope, size_bytes: int = 1000, **changes) -> str | None:
    (tmp_path / "meta").mkdir(exist_ok=True)
    (tmp_path / "meta" / "info.json").write_text(json.dumps({**INFO, **changes}))
    finding = outside_scope(scope, read_info(tmp_path), size_bytes)
    return finding and finding.message


@pytest.mark.parametrize("robot", ["so100", "SO-100", "so_101", "so101_follower", "SO100 follower", "so_follower"])
def test_spellings_of_the_family_are_in_scope(tmp_path: Path, robot: str) -> None:
    assert reason(tmp_path, load_recipe("so-family").scope, robot_type=robot) is None


@pytest.mark.parametrize("robot", ["koch", "lekiwi", "bi_so100_follower", "so100_bimanual", None, ""])
def test_other_robots_are_out_of_scope(tmp_path: Path, robot: str | None) -> None:
    assert "robot" in (reason(tmp_path, load_recipe("so-family").scope, robot_type=robot) or "")


def test_each_bound_of_a_scope_is_told(tmp_path: Path) -> None:
    assert reason(tmp_path, Scope()) is None
    assert "format is v2.1" in (reason(tmp_path, Scope(versions=("v3.0",))) or "")
    assert "3 episodes are fewer than 5" in (reason(tmp_path, Scope(min_episodes=5)) or "")
    assert "2.00 GB are more than 1" in (reason(tmp_path, Scope(max_size_gb=1), size_bytes=2 * 10**9) or "")
    blind = {"action": INFO["features"]["action"]}
    assert "no camera" in (reason(tmp_path, Scope(camera=True), features=blind) or "")
    assert reason(tmp_path, Scope(min_episodes=3, versions=("v2.1",), camera=True, max_size_gb=1)) is None
