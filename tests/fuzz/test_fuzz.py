"""Five hundred damaged datasets keep every rule, and the harness notices when one does not.

More of them: `python -m tests.fuzz.fuzz --count 10000 --workers 2`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import pool
from tests.fuzz.case import CaseResult, check_message
from tests.fuzz.mutations import make_case
from tests.fuzz.pool import Worker, run_cases
from tests.fuzz.sandbox import TARGET, differences, snapshot, watching
from tests.fuzz.specimens import SPECIMENS, make_specimens

FIRST_SEED, NUM_CASES = 0, 500
WORKERS = 2


@pytest.fixture(scope="module")
def specimens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "specimens"
    make_specimens(folder)
    return folder


def test_five_hundred_damaged_datasets(specimens: Path) -> None:
    outcomes = list(run_cases(range(FIRST_SEED, FIRST_SEED + NUM_CASES), specimens, WORKERS))
    broken = {outcome.seed: outcome.violations for outcome in outcomes if outcome.violations}
    assert not broken, f"python -m tests.fuzz.fuzz --case {next(iter(broken))}"
    ends = {outcome.outcome for outcome in outcomes}
    assert {
        "normalised",
        "rejected",
    } <= ends  # otherwise nothing of what follows judging was reached, or nothing was broken
    assert len(outcomes) == NUM_CASES


@pytest.mark.parametrize("name", SPECIMENS)
def test_what_cases_start_from_is_clean(specimens: Path, name: str) -> None:
    """Else a case would show what the specimen's own fault does."""
    from curation.quality import judge

    assert [f.code for f in judge(specimens / name, "fuzz__dataset").verdict.findings if f.severity != "note"] == []


def test_a_seed_damages_in_one_way(specimens: Path, tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        (tmp_path / name / "outside").mkdir(parents=True)
        said = make_case(7, specimens, tmp_path / name / "source", tmp_path / name / "outside")
        held = {
            os.fspath(p.relative_to(tmp_path / name)): p.read_bytes()
            for p in (tmp_path / name).rglob("*")
            if p.is_file()
        }
        made.append((said, held))
    assert made[0] == made[1]
    assert Random(7).random() == Random(7).random()


# --- the harness itself: each rule, broken on purpose ------------------------------------------------------------------

BROKEN = {
    "crash: signal 11": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "crash: exit code 3": "import os; os._exit(3)",
    "hang": "import time; time.sleep(60)",
    "memory": "held = bytearray(400 * 2**20)\nimport time; time.sleep(60)",
}


@pytest.mark.parametrize("why", BROKEN)
def test_a_process_that_breaks_a_rule_is_replaced(monkeypatch, tmp_path: Path, why: str) -> None:
    script = tmp_path / "broken.py"
    script.write_text(f"import sys\nfor line in sys.stdin:\n    exec({BROKEN[why]!r})\n")
    monkeypatch.setattr(pool, "TIME_LIMIT_S", 1.0)
    monkeypatch.setattr(pool, "MEMORY_LIMIT_MIB", 300)
    start = pool.subprocess.Popen
    monkeypatch.setattr(pool.subprocess, "Popen", lambda command, **o: start([sys.executable, str(script)], **o))
    worker = Worker(tmp_path)
    for seed in (1, 2):  # the second shows that a new process was started
        outcome = worker.run(seed)
        assert outcome.violations[0].startswith(why)
        assert outcome.seed == seed
    worker.stop()


def test_what_is_written_outside_the_target_shows(tmp_path: Path) -> None:
    for name in ("source", TARGET):
        (tmp_path / name).mkdir()
    (tmp_path / "source/kept.txt").write_text("a")
    (tmp_path / "source/gone.txt").write_text("a")
    (tmp_path / "source/other.txt").write_text("a")
    before = snapshot(tmp_path)
    with watching(tmp_path / TARGET) as seen:
        (tmp_path / TARGET / "allowed.txt").write_text("b")
        (tmp_path / "source/other.txt").write_text("b")
        (tmp_path / "source/gone.txt").unlink()
        (tmp_path / "added.txt").write_text("b")
        (tmp_path / "brief.txt").write_text("b")
        (tmp_path / "brief.txt").unlink()
        (tmp_path / "source/kept.txt").read_text()
    assert [line.rpartition("/")[2] for line in differences(before, snapshot(tmp_path))] == [
        "added.txt' was added", "gone.txt' was removed", "other.txt' was changed",
    ]  # fmt: skip
    assert any("brief.txt" in line for line in seen)
    assert not any("allowed.txt" in line or "kept.txt" in line for line in seen)


def test_a_message_must_name_what_it_is_about(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/info.json").write_text("{}")
    vague, clear = CaseResult(0), CaseResult(0)
    check_message(vague, ValueError("list index out of range"), tmp_path / "source")
    check_message(clear, ValueError("info.json is empty"), tmp_path / "source")
    assert vague.violations
    assert not clear.violations
