"""`deftworks robot`: what a person types, what a script reads, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deftworks.cli import app
from tests.skill_packs.make_pack import JOINTS
from tests.skill_packs.make_robots import Files

RECORDED = {"mean": [1.0] * 3, "std": [2.0] * 3, "min": [-60.0] * 3, "max": [70.0] * 3}
ARM = Files(robot_type="so100", names=JOINTS, statistics=RECORDED, cameras={"laptop": (480, 640), "phone": (480, 640)})
SEEN = ("--camera", "top=laptop", "--camera", "wrist=phone", "--units", "degrees")


@pytest.fixture
def meta(tmp_path: Path) -> Path:
    folder = tmp_path / "mine" / "meta"
    folder.mkdir(parents=True)
    (folder / "info.json").write_bytes(ARM.info())
    (folder / "stats.json").write_bytes(ARM.stats())
    return folder


@pytest.fixture
def key(tmp_path: Path, signer) -> str:
    return str(next((tmp_path / "keys" / "trusted").glob("*.pem")))


def run(*arguments: object):
    return CliRunner().invoke(app, ["robot", *map(str, arguments)])


def test_a_robot_that_fits_gets_its_rename_map(built, meta, key):
    result = run("check", built.folder, "--info", meta / "info.json", *SEEN, "--key", key)
    assert result.exit_code == 0, result.output
    expected = {
        "observation.images.laptop": "observation.images.camera1",
        "observation.images.phone": "observation.images.camera2",
    }
    assert f"--rename_map='{json.dumps(expected)}'" in result.output
    assert "runs on your robot with the mapping below" in result.output


def test_a_profile_file_gives_the_same_answer(built, meta, key, tmp_path):
    profile = tmp_path / "arm.json"
    assert run("profile", profile, "--info", meta / "info.json", *SEEN).exit_code == 0
    one, other = (
        run("check", built.folder, *how, "--key", key, "--json", "--lerobot", "0.4.4")
        for how in (("--profile", profile), ("--info", meta / "info.json", *SEEN))
    )
    documents = [json.loads(result.stdout) for result in (one, other)]
    for document in documents:  # free memory moves between two calls
        document["items"] = [item for item in document["items"] if item["name"] != "memory"]
    assert documents[0] == documents[1]
    assert documents[0]["answer"] == "runs_with_mapping"
    assert documents[0]["pack_id"] == built.pack_id


def test_a_robot_that_does_not_fit_exits_with_1_and_says_why(built, meta, key):
    result = run("check", built.folder, "--info", meta / "info.json", "--camera", "top=laptop", "--key", key, "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["answer"]) == (1, "does_not_run")
    verdicts = {item["name"]: item["verdict"] for item in document["items"]}
    assert (verdicts["camera wrist"], verdicts["state units"]) == ("unknown", "unknown")


def test_a_pack_that_was_changed_is_not_checked_at_all(built, meta, key):
    (built.folder / "NOTICE").write_text("mine now")
    result = run("check", built.folder, "--info", meta / "info.json", *SEEN, "--key", key)
    assert result.exit_code == 1
    assert "changed after signing" in str(result.exception)


@pytest.mark.parametrize(
    "arguments",
    [(), ("--profile", "a.json", "--info", "b.json"), ("--info", "b.json", "--camera", "laptop"), ("--info", "b.json", "--camera", "a=b", "--camera", "a=c")],
)  # fmt: skip
def test_wrong_usage_is_said_to_be_that(built, arguments):
    assert run("check", built.folder, *arguments).exit_code == 2
