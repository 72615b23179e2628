"""Each finding code is a check of its own: answered where it was found, and where it has gone away again."""

import dagster as dg
import pytest

from data_contracts.findings import ALL_CODES
from data_contracts.layout import Lake
from pipelines.checks import CODES_OF_A_DATASET, check_name
from pipelines.definitions import build_definitions
from pipelines.instance import open_instance
from pipelines.run import run_pipeline
from pipelines.settings import Settings, write_settings

pytestmark = pytest.mark.filterwarnings("ignore::dagster.PreviewWarning")
LOST = "lab-d__lost-videos"


def lake_over(tmp_path, community) -> Lake:
    lake = Lake.at(tmp_path / "lake")
    write_settings(lake, Settings(sources=(f"folder:{community}",)))
    return lake


def answers(instance: dg.DagsterInstance, code: str) -> dict[str, dg.AssetCheckEvaluation]:
    """Returns partition -> newest evaluation of the check of a code."""
    key = dg.AssetCheckKey(dg.AssetKey("dataset_findings"), check_name(code))
    history = instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    return {record.partition: record.evaluation for record in reversed(history)}


def test_every_code_of_a_dataset_is_a_check():
    checks = build_definitions(Lake.at("nowhere")).resolve_asset_graph().asset_check_keys
    names = {key.name for key in checks if key.asset_key == dg.AssetKey("dataset_findings")}
    assert names == {check_name(code) for code in CODES_OF_A_DATASET}
    assert {code for code in ALL_CODES if check_name(code) not in names} == {
        "duplicate.exact_copy", "duplicate.near_copy", "duplicate.cross_contributor",
    }  # fmt: skip


def test_what_was_found_fails_its_check_and_heals_with_the_dataset(tmp_path, tiny_community, write_dataset):
    lake = lake_over(tmp_path, tiny_community)
    run_pipeline(lake, "corpus")
    with open_instance(lake) as instance:
        lost = answers(instance, "structure.missing_video")
        assert list(lost) == [LOST]
        assert not lost[LOST].passed
        assert lost[LOST].severity == dg.AssetCheckSeverity.ERROR
        assert "observation.images.front" in lost[LOST].metadata["findings"].value
        assert answers(instance, "motion.not_finite") == {}

    write_dataset(tiny_community / LOST, [6])
    run_pipeline(lake, "corpus")
    with open_instance(lake) as instance:
        assert answers(instance, "structure.missing_video")[LOST].passed


def test_an_operator_may_ask_every_check_of_one_dataset(tmp_path, tiny_community):
    lake = lake_over(tmp_path, tiny_community)
    run_pipeline(lake, "corpus")
    with open_instance(lake) as instance:
        job = build_definitions(lake).resolve_job_def("check_dataset")
        assert job.execute_in_process(instance=instance, partition_key=LOST).success
        assert answers(instance, "motion.not_finite")[LOST].passed
        assert not answers(instance, "structure.missing_video")[LOST].passed
