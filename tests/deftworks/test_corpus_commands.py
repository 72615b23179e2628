"""`deftworks corpus` over a small lake: show, diff, explain, query, report. Building is tested where it is built twice."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from data_contracts.errors import ContractError, LakeError
from data_contracts.layout import Lake
from deftworks.cli import app
from tests.curation.tiny_lake import TinyLake

COMMANDS = ["build", "show", "diff", "explain", "query", "report"]


@pytest.fixture
def tiny(tmp_path) -> TinyLake:
    tiny = TinyLake(tmp_path / "lake")
    tiny.add("ada__push", ["p1", "p2"], rejected={1: "motion.static"}, warned={"text.empty_task": None})
    tiny.add("bob__copy", ["p1"], robot="[red]so100[/red]\x1b[2J")
    tiny.crawled("cyd__gone", "gone", reason="It was deleted.")
    tiny.write_corpus()
    return tiny


def corpus(lake: Lake, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["corpus", *arguments, "--home", str(lake.home)], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command):
    shown = CliRunner().invoke(app, ["corpus", command, "--help"]).stdout
    assert f"deftworks corpus {command}" in shown.split("Example")[1]


def test_show_says_how_many_ended_how_and_why(tiny):
    figures = json.loads(corpus(tiny.lake, "show", "--json"))
    assert {state: count for state, count in figures["states"].items() if count} == {
        "accepted": 1,
        "rejected": 1,
        "gone": 1,
    }
    assert figures["corpus_hash"] in corpus(tiny.lake, "show")


def test_diff_takes_lakes_folders_and_files_and_says_by_its_exit_code_whether_they_differ(tiny, tmp_path):
    before = shutil.copytree(tiny.lake.corpus, tmp_path / "before")
    tiny.add("dan__new", ["q1"])
    tiny.write_corpus()
    for old in (before, before / "manifest.json"):
        done = CliRunner().invoke(app, ["corpus", "diff", str(old), str(tiny.lake.home), "--json"])
        assert done.exit_code == 1
        assert [(c["id"], c["kind"]) for c in json.loads(done.stdout)["datasets"]] == [("dan__new", "added")]
    same = CliRunner().invoke(app, ["corpus", "diff", str(tiny.lake.home), str(tiny.lake.corpus)])
    assert (same.exit_code, "The same corpus" in same.stdout) == (0, True)
    assert "+ dan__new/000000" in CliRunner().invoke(app, ["corpus", "diff", str(before), str(tiny.lake.home)]).stdout


def test_explain_answers_for_an_episode_and_for_a_dataset(tiny):
    episode = json.loads(corpus(tiny.lake, "explain", "bob__copy/000000", "--json"))
    assert episode["verdict"]["reason"] == "duplicate.exact_copy of ada__push/000000"
    shown = corpus(tiny.lake, "explain", "bob__copy")
    assert "[red]so100[/red]" in shown
    assert "\x1b" not in shown


def test_explain_of_what_is_not_there_is_an_error_of_ours(tiny):
    with pytest.raises(LakeError, match="bob__copy"):
        corpus(tiny.lake, "explain", "bob__copie")
    with pytest.raises(ContractError, match="not an episode id"):
        corpus(tiny.lake, "explain", "bob__copy/12")


def test_query_answers_rows(tiny):
    sql = "SELECT dataset_id, count(*) AS n FROM episodes GROUP BY ALL ORDER BY 1"
    assert json.loads(corpus(tiny.lake, "query", sql, "--json")) == [
        {"dataset_id": "ada__push", "n": 2}, {"dataset_id": "bob__copy", "n": 1},
    ]  # fmt: skip
    assert "2 rows" in corpus(tiny.lake, "query", sql)


def test_report_writes_one_page_or_prints_what_it_would_say(tiny, tmp_path):
    page = tmp_path / "corpus.html"
    assert "3 datasets" in corpus(tiny.lake, "report", "--out", str(page))
    assert page.read_text().startswith("<!doctype html>")
    assert [d["state"] for d in json.loads(corpus(tiny.lake, "report", "--json"))["datasets"]] == [
        "accepted",
        "rejected",
        "gone",
    ]
