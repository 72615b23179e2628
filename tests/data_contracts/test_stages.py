"""Stages: whole or not at all, and only when something changed."""

import pytest

from data_contracts.stages import digest_of, folder_digest, run_stage


def writer(text, calls):
    def produce(out):
        calls.append(text)
        (out / "result.txt").write_text(text)

    return produce


def test_a_stage_runs_once_per_input(tmp_path):
    calls = []
    folder = tmp_path / "stage"
    first = run_stage(folder, {"n": 1}, writer("one", calls))
    again = run_stage(folder, {"n": 1}, writer("one", calls))
    other = run_stage(folder, {"n": 2}, writer("two", calls))
    assert calls == ["one", "two"]
    assert (first.is_cached, again.is_cached, other.is_cached) == (False, True, False)
    assert (folder / "result.txt").read_text() == "two"
    assert folder_digest(folder) == other.digest == digest_of({"n": 2})


def test_a_failing_stage_leaves_the_old_result_and_the_next_run_cleans_up(tmp_path):
    folder = tmp_path / "stage"
    run_stage(folder, {"n": 1}, writer("one", []))

    def fail(out):
        (out / "half.txt").write_text("half")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        run_stage(folder, {"n": 2}, fail)
    assert (folder / "result.txt").read_text() == "one"
    run_stage(folder, {"n": 2}, writer("two", []))
    assert sorted(path.name for path in folder.iterdir()) == ["result.txt", "stage.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["stage"]


def test_a_folder_without_its_manifest_counts_for_nothing(tmp_path):
    folder = tmp_path / "stage"
    folder.mkdir()
    (folder / "result.txt").write_text("who knows")
    assert folder_digest(folder) is None
    (folder / "stage.json").write_text("{")
    assert folder_digest(folder) is None
    run_stage(folder, {}, writer("known", []))
    assert (folder / "result.txt").read_text() == "known"
