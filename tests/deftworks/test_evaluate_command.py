"""`deftworks evaluate` as scripts and people meet it: real processes, exit codes, one JSON object, no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("metaworld")

QUICK = ("--suite", "five-tasks:handle-press-v3", "--rollouts", "2", "--processes", "1", "--videos", "0")


def evaluate(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deftworks", "evaluate", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_help_has_examples(tmp_path: Path) -> None:
    assert "deftworks evaluate" in evaluate(tmp_path, "--help").stdout.split("Examples")[1]


def test_the_expert_is_evaluated_and_everything_is_written(tmp_path: Path) -> None:
    info = json.loads(evaluate(tmp_path, "expert", *QUICK, "--json").stdout)
    out = tmp_path / "evaluations" / "five-tasks-handle-press-v3-expert"
    assert info["overall"]["pc_success"] == 100.0
    assert json.loads((out / "eval_info.json").read_text()) == info
    assert {path.name for path in out.iterdir()} == {
        "eval_info.json", "plan.json", "report.html", "rollouts.jsonl", "rollouts.parquet",
    }  # fmt: skip
    shown = evaluate(tmp_path, "expert", *QUICK).stdout
    assert "simulation" in shown
    assert "2/2" in shown
    assert "do-nothing" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("expert", "--suite", "five-task"), "Did you mean 'five-tasks'"),
        (("nowhere", *QUICK, "--device", "tpu"), "Unknown device 'tpu'"),
        (("nowhere", *QUICK), "nowhere holds no config.json"),
        (("expert", *QUICK, "--baselines", "replay"), "No baseline 'replay'"),
        (("expert", *QUICK, "--baselines", "fixed-replay"), "needs demonstrations"),
        (("expert", *QUICK, "--demonstrations", "nowhere"), "holds no LeRobot dataset"),
        (("expert", *QUICK, "--seed", "3"), "Seed 3 is not for evaluation"),
        (("expert", *QUICK, "--demonstration-seeds", "0-1000001"), "recorded from evaluation seed 1000000"),
        (("expert", *QUICK, "--camera", "front"), "is not KEY=VIEW"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_message(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in evaluate(tmp_path, *arguments, code=1).stderr
