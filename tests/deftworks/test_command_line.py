"""The command line as scripts and people meet it: real processes, exit codes, one JSON object, no traceback."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "demo", "run", "inspect", "normalise", "contribute", "pack verify", "shop", "dagster", "crawl", "corpus build",
    "corpus report", "lake gc", "train pretrain", "train finetune", "evaluate",
]  # fmt: skip
VERDICT_KEYS = ["dataset", "version", "robot", "num_episodes", "num_frames", "accepted", "reason", "findings"]


def deftworks(*arguments, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deftworks", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_does(command):
    shown = deftworks(*command.split(), "--help").stdout
    assert "Usage" in shown


@pytest.mark.parametrize("command", ["run", "inspect", "normalise", "contribute", "pack verify", "shop", "dagster"])
def test_help_has_an_example(command):
    assert f"deftworks {command}" in deftworks(*command.split(), "--help").stdout.split("Example")[1]


def test_inspect_prints_one_object_with_stable_keys(tiny_dataset):
    verdict = json.loads(deftworks("inspect", tiny_dataset, "--json").stdout)
    assert list(verdict) == VERDICT_KEYS
    assert (verdict["dataset"], verdict["version"], verdict["accepted"]) == ("lab-a__pick-cube", "v2.1", True)
    assert all(list(f) == ["code", "severity", "episodes", "message", "evidence"] for f in verdict["findings"])
    assert "accepted" in deftworks("inspect", tiny_dataset).stdout


def test_inspect_of_a_rejected_dataset_is_an_answer(tiny_dataset):
    for video in tiny_dataset.rglob("*.mp4"):
        video.unlink()
    verdict = json.loads(deftworks("inspect", tiny_dataset, "--json").stdout)
    assert verdict["accepted"] is False
    assert "observation.images.front" in verdict["reason"]


def spoil_info(dataset: Path, text: str) -> None:
    (dataset / "meta" / "info.json").write_text(text)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda d: spoil_info(d, ""), "info.json"),
        (lambda d: spoil_info(d, "{}"), "codebase_version"),
        (lambda d: spoil_info(d, json.dumps(json.loads((d / "meta/info.json").read_text()) | {"codebase_version": "v9.0"})), "v9.0"),
        (lambda d: shutil.rmtree(d / "meta"), "info.json"),
    ],
    ids=["empty info.json", "info.json without a version", "unknown version", "no meta"],
)  # fmt: skip
def test_what_cannot_be_read_exits_with_2_and_still_prints_one_object(tiny_dataset, spoil, named):
    spoil(tiny_dataset)
    verdict = json.loads(deftworks("inspect", tiny_dataset, "--json", code=2).stdout)
    assert list(verdict) == VERDICT_KEYS
    assert verdict["accepted"] is False
    assert named in verdict["reason"]


def test_a_folder_that_is_no_dataset(tmp_path):
    verdict = json.loads(deftworks("inspect", tmp_path, "--json", code=2).stdout)
    assert verdict["findings"][0]["code"] == "structure.not_lerobot"
    deftworks("inspect", tmp_path / "nowhere", "--json", code=2)


def test_normalise_writes_v3_whole_or_not_at_all(tiny_dataset, tmp_path):
    target = tmp_path / "out" / "clean"
    told = json.loads(deftworks("normalise", tiny_dataset, target, "--json").stdout)
    assert len(told["episodes"]) == 2
    assert json.loads((target / "meta" / "info.json").read_text())["codebase_version"] == "v3.0"
    assert "exists and is not an empty folder" in deftworks("normalise", tiny_dataset, target, code=1).stderr
    for table in tiny_dataset.rglob("*.parquet"):
        table.write_bytes(b"PAR1 and nothing else")
    refused = deftworks("normalise", tiny_dataset, tmp_path / "other" / "clean", code=1)
    assert "deftworks inspect" in refused.stderr
    assert not (tmp_path / "other").exists() or not any((tmp_path / "other").iterdir())


def test_a_truncated_video_costs_its_episode_and_names_the_file(tiny_dataset):
    video = sorted(tiny_dataset.rglob("*.mp4"))[0]
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 3])
    verdict = json.loads(deftworks("inspect", tiny_dataset, "--json").stdout)
    [found] = [f for f in verdict["findings"] if f["code"] == "video.undecodable"]
    assert found["episodes"] == [0]
    assert verdict["accepted"] is True


def test_run_needs_a_source_once_and_then_remembers_it(tmp_path, tiny_community):
    home = tmp_path / "lake"
    assert "--source folder:PATH" in deftworks("run", "--home", home, code=1).stderr
    assert "folder:" in deftworks("run", "--home", home, "--source", str(tiny_community), code=1).stderr
    first = json.loads(
        deftworks("run", "--home", home, "--source", f"folder:{tiny_community}", "--until", "corpus", "--json").stdout
    )
    assert list(first) == ["corpus_hash", "datasets"]
    assert list(first["datasets"][0]) == [
        "dataset", "state", "reason", "num_episodes", "num_frames", "num_episodes_kept", "num_frames_kept",
    ]  # fmt: skip
    again = json.loads(deftworks("run", "--home", home, "--until", "corpus", "--json").stdout)
    assert again == first


def test_a_contribution_is_answered_per_episode_and_is_in_the_next_corpus(tmp_path, tiny_community, write_dataset):
    home = tmp_path / "lake"
    offered = write_dataset(tmp_path / "my recordings", [1, 77, 78])
    broken = sorted(offered.rglob("*front*/*.mp4"))[2]
    broken.unlink()
    told = json.loads(deftworks("contribute", offered, "--as", "maker-nine", "--home", home, "--json").stdout)
    assert told["contributor"] == "maker-nine"
    assert told["accepted_episodes"] == [0, 1]
    assert list(told["rejected_episodes"]) == ["2"]
    shown = deftworks("contribute", offered, "--as", "maker-nine", "--home", home).stdout
    assert "handed in before" in shown
    source = f"folder:{tiny_community}"
    run = json.loads(deftworks("run", "--home", home, "--source", source, "--until", "corpus", "--json").stdout)
    [mine] = [row for row in run["datasets"] if row["dataset"].startswith("maker-nine__")]
    # Episode 0 is a copy of what lab-a had published, episode 2 lost its video.
    assert (mine["state"], mine["num_episodes_kept"]) == ("accepted", 1)


def test_contributing_under_a_bad_name_is_refused(tiny_dataset, tmp_path):
    refused = deftworks("contribute", tiny_dataset, "--as", "../evil", "--home", tmp_path, code=1)
    assert "not a contributor id" in refused.stderr
    assert not (tmp_path / "contributions").exists()


def test_pack_verify_of_something_else(tmp_path):
    assert deftworks("pack", "verify", tmp_path, "--home", tmp_path, code=1).stderr.startswith("deftworks: ")


def test_real_datasets_end_accepted_or_with_a_reason(real_datasets, tmp_path):
    told = deftworks(
        "run", "--source", f"folder:{real_datasets}", "--until", "corpus", "--home", tmp_path / "lake", "--json"
    )
    run = json.loads(told.stdout)
    states = {row["dataset"]: row["state"] for row in run["datasets"]}
    assert set(states) == {path.name for path in real_datasets.iterdir() if path.is_dir()}
    assert all(row["state"] == "accepted" or row["reason"] for row in run["datasets"])
    assert {name for name, state in states.items() if state == "accepted"} >= {
        "HuangJunkai2023__CR5_TCP_test", "TheWisp__pusht_image_slice", "YifanTian07__G1-policy-train", "hmk55555__Isaac-GR00T",
    }  # fmt: skip


def test_ctrl_c_stops_a_run_and_the_next_one_ends_as_if_nothing_had_been(tmp_path, tiny_community):
    import signal
    import time

    source = f"folder:{tiny_community}"
    whole = deftworks("run", "--home", tmp_path / "whole", "--source", source, "--until", "corpus", "--json").stdout
    home = tmp_path / "stopped"
    command = [
        sys.executable,
        "-m",
        "deftworks",
        "run",
        "--home",
        home,
        "--source",
        source,
        "--until",
        "corpus",
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    deadline = time.monotonic() + 60
    while not list(home.glob("findings/*/verdict.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert "goes on where it left off" in err
    assert not (home / "corpus").exists()
    assert deftworks(*command[3:]).stdout == whole


def test_what_run_remembers_is_checked_before_it_is_kept(tmp_path, tiny_community):
    home, source = tmp_path / "lake", f"folder:{tiny_community}"
    for wrong in (["--annotator", "foo"], ["--skills", tmp_path / "nope.toml"], ["--source", "folder:nowhere"]):
        deftworks("run", "--home", home, "--source", source, *wrong, code=1)
        assert not (home / "settings.json").exists()


def test_a_loop_of_links_is_somebody_elses_business(tiny_community, tmp_path):
    inside = tiny_community / "lab-a__pick-cube"
    (inside / "a").symlink_to("b")
    (inside / "b").symlink_to("a")
    assert json.loads(deftworks("inspect", inside, "--json").stdout)["accepted"] is True
    deftworks("normalise", inside, tmp_path / "clean")
    assert "lies inside" in deftworks("normalise", inside, inside / "sub", code=1).stderr


def test_a_port_that_is_taken_is_named(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in ("shop", "dagster"):
            refused = deftworks(command, "--home", tmp_path, "--port", port, code=1)
            assert f"port {port}" in refused.stderr
