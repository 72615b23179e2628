"""The road from sources to the corpus, through real Dagster runs on a real instance."""

import shutil

import dagster as dg
import polars as pl
import pytest

from data_contracts.catalogue import CORPUS_EPISODES
from data_contracts.errors import LakeError
from data_contracts.layout import Lake
from pipelines.definitions import build_definitions
from pipelines.instance import COMMAND_LINE, VLM_POOL, only_run, open_instance
from pipelines.run import run_pipeline
from pipelines.settings import Settings, read_settings, write_settings
from pipelines.versions import VERSIONS


def lake_over(tmp_path, community) -> Lake:
    lake = Lake.at(tmp_path / "lake")
    write_settings(lake, Settings(sources=(f"folder:{community}",)))
    return lake


def states(run):
    return {row.dataset: row.state for row in run.report.datasets}


def test_every_dataset_ends_in_a_state_and_none_stops_another(tmp_path, tiny_community):
    lake = lake_over(tmp_path, tiny_community)
    seen = []
    run = run_pipeline(lake, "corpus", seen.append)
    assert states(run) == {
        "lab-a__pick-cube": "accepted",
        "lab-b__pick-cube": "accepted",
        "lab-c__copied": "accepted",
        "lab-d__lost-videos": "rejected",
        "lab-e__empty": "rejected",
    }
    assert run.failures == {}
    by_name = {row.dataset: row for row in run.report.datasets}
    assert (by_name["lab-c__copied"].num_episodes, by_name["lab-c__copied"].num_episodes_kept) == (2, 1)
    assert "info.json" in by_name["lab-e__empty"].reason
    assert "observation.images.front" in by_name["lab-d__lost-videos"].reason
    assert [p.key for p in seen if p.job == "curate_dataset"] == sorted(by_name)

    episodes = CORPUS_EPISODES.read(lake.corpus / "episodes.parquet")
    copied = episodes.filter(dataset_id="lab-c__copied", is_kept=False)
    assert copied["reason"].to_list() == ["duplicate.exact_copy of lab-a__pick-cube/000000"]


def test_a_second_run_does_nothing_again_and_gives_the_same_hash(tmp_path, tiny_community):
    lake = lake_over(tmp_path, tiny_community)
    first = run_pipeline(lake, "corpus")
    made = {p: p.stat().st_mtime_ns for p in lake.home.glob("*/*/stage.json")}
    seen = []
    second = run_pipeline(lake, "corpus", seen.append)
    assert second.report == first.report
    assert {p: p.stat().st_mtime_ns for p in lake.home.glob("*/*/stage.json")} == made
    assert [(p.key, p.num_unchanged) for p in seen if p.job == "curate_dataset"] == [(None, 5)]


@pytest.mark.parametrize("lost", ["raw", "findings", "normalised", "camera_roles", "task_labels", "fingerprints"])
def test_a_dataset_that_lost_something_is_made_again_alone(tmp_path, tiny_community, lost):
    lake = lake_over(tmp_path, tiny_community)
    first = run_pipeline(lake, "corpus")
    shutil.rmtree(lake.home / lost / "lab-a__pick-cube")
    seen = []
    assert run_pipeline(lake, "corpus", seen.append).report == first.report
    assert [p.key for p in seen if p.job == "curate_dataset"] == [None, "lab-a__pick-cube"]
    assert (lake.home / lost / "lab-a__pick-cube" / "stage.json").is_file()


def test_another_version_of_the_code_or_a_new_event_log_makes_runs_again(tmp_path, tiny_community, monkeypatch):
    lake = lake_over(tmp_path, tiny_community)
    run_pipeline(lake, "corpus")
    monkeypatch.setitem(VERSIONS, "camera_roles", "other")
    seen = []
    run_pipeline(lake, "corpus", seen.append)
    assert len([p for p in seen if p.job == "curate_dataset"]) == 5
    shutil.rmtree(lake.dagster)
    seen.clear()
    run_pipeline(lake, "corpus", seen.append)
    assert len([p for p in seen if p.job == "curate_dataset"]) == 5


def test_the_corpus_hash_does_not_depend_on_where_things_lie(tmp_path, tiny_community):
    one = run_pipeline(lake_over(tmp_path / "one", tiny_community), "corpus")
    moved = tiny_community.rename(tmp_path / "elsewhere")
    two = run_pipeline(lake_over(tmp_path / "two", moved), "corpus")
    assert one.report == two.report


def test_a_stage_that_fails_quarantines_its_dataset_alone_and_heals(tmp_path, tiny_community, monkeypatch):
    import curation.fingerprints

    real = curation.fingerprints.fingerprint

    def fail_for_b(folder):
        if folder.name == "lab-b__pick-cube":
            raise OSError("disk on fire")
        return real(folder)

    lake = lake_over(tmp_path, tiny_community)
    monkeypatch.setattr(curation.fingerprints, "fingerprint", fail_for_b)
    run = run_pipeline(lake, "corpus")
    assert states(run)["lab-b__pick-cube"] == "quarantined"
    assert states(run)["lab-a__pick-cube"] == "accepted"
    assert "disk on fire" in next(r.reason for r in run.report.datasets if r.dataset == "lab-b__pick-cube")
    assert list(run.failures) == ["curate_dataset:lab-b__pick-cube"]
    monkeypatch.undo()
    assert states(run_pipeline(lake, "corpus"))["lab-b__pick-cube"] == "accepted"


def test_a_changed_dataset_is_judged_again_and_a_removed_one_leaves(tmp_path, tiny_community):
    lake = lake_over(tmp_path, tiny_community)
    before = run_pipeline(lake, "corpus")
    (tiny_community / "lab-a__pick-cube" / "README.md").write_text("---\nlicense: mit\n---\n")
    for path in sorted((tiny_community / "lab-b__pick-cube").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tiny_community / "lab-b__pick-cube").rmdir()
    after = run_pipeline(lake, "corpus")
    assert after.report.corpus_hash != before.report.corpus_hash
    assert "lab-b__pick-cube" not in states(after)
    licences = CORPUS_EPISODES.read(lake.corpus / "episodes.parquet").filter(pl.col("is_kept"))
    assert "mit" in set(licences["licence"])
    with open_instance(lake) as instance:
        assert "lab-b__pick-cube" not in instance.get_dynamic_partitions("dataset")


def test_the_browser_sees_the_runs_and_their_evidence(tmp_path, tiny_community):
    lake = lake_over(tmp_path, tiny_community)
    run_pipeline(lake, "corpus")
    with open_instance(lake) as instance:
        jobs = {run.job_name for run in instance.get_runs()}
        wanted = dg.AssetRecordsFilter(dg.AssetKey("normalised_dataset"), asset_partitions=["lab-a__pick-cube"])
        event = instance.fetch_materializations(wanted, limit=1).records[0]
        assert {"crawl", "curate_dataset", "build_corpus"} <= jobs
        frames = event.asset_materialization.metadata["frames"].value
        assert frames.startswith("![")
        assert "data:image/jpeg;base64," in frames
        assert len(frames) < 41_000


@pytest.mark.parametrize("asset", ["base_policy", "skill_policy", "skill_pack", "catalogue_release"])
def test_training_and_publishing_are_never_automatic(tmp_path, asset):
    graph = build_definitions(Lake.at(tmp_path)).resolve_asset_graph()
    assert graph.get(dg.AssetKey(asset)).automation_condition is None


def test_settings_are_kept_and_uploads_always_belong_to_the_sources(tmp_path):
    lake = Lake.at(tmp_path)
    write_settings(lake, Settings(sources=("folder:/a",)))
    assert read_settings(lake).sources == ("folder:/a", "uploads:")


def test_a_killed_run_does_not_hold_its_pool_for_ever(tmp_path, tiny_community):
    """A killed process left its run unfinished and the only slot of a pool claimed: the next run would wait for ever."""
    lake = lake_over(tmp_path, tiny_community)
    with open_instance(lake) as instance:
        dead = instance.create_run_for_job(
            build_definitions(lake).resolve_job_def("curate_dataset"),
            status=dg.DagsterRunStatus.STARTED,
            tags=COMMAND_LINE,
        )
        assert instance.event_log_storage.claim_concurrency_slot(VLM_POOL, dead.run_id, "task_labels").is_claimed
    assert run_pipeline(lake, "corpus").failures == {}
    with open_instance(lake) as instance:
        assert instance.get_run_by_id(dead.run_id).status == dg.DagsterRunStatus.FAILURE


def test_two_runs_never_work_on_one_lake_at_once(tmp_path, tiny_community):
    lake = lake_over(tmp_path, tiny_community)
    with only_run(lake), pytest.raises(LakeError, match="Another deftworks run"):
        run_pipeline(lake, "corpus")
