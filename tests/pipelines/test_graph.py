"""The graph as Dagster loads it, and the sensor that feeds it."""

import dagster as dg
import pytest

from data_contracts.layout import Lake
from pipelines.definitions import build_definitions
from pipelines.resources import LakeResource
from pipelines.sensors import discover_datasets
from pipelines.settings import Settings, write_settings

GRAPH = {
    "source_listing": set(),
    "raw_dataset": {"source_listing"},
    "dataset_findings": {"raw_dataset"},
    "normalised_dataset": {"dataset_findings"},
    "camera_roles": {"normalised_dataset"},
    "task_labels": {"normalised_dataset"},
    "fingerprints": {"normalised_dataset"},
    "duplicates": {"fingerprints"},
    "corpus": {"duplicates", "camera_roles", "task_labels"},
    "skill_index": {"corpus"},
    "pretraining_mixture": {"corpus"},
    "base_policy": {"pretraining_mixture"},
    "skill_policy": {"base_policy", "skill_index"},
    "skill_evaluation": {"skill_policy"},
    "skill_pack": {"skill_evaluation"},
    "catalogue_release": {"skill_pack"},
}


def test_the_graph_is_the_one_in_the_design(tmp_path):
    graph = build_definitions(Lake.at(tmp_path)).resolve_asset_graph()
    drawn = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }
    assert drawn == GRAPH


def test_datasets_and_skills_never_meet_partition_to_partition(tmp_path):
    graph = build_definitions(Lake.at(tmp_path)).resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        for parent in node.parent_keys:
            above, here = graph.get(parent).partitions_def, node.partitions_def
            assert above is None or here is None or above.name == here.name


@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning")
def test_the_sensor_asks_once_per_new_or_changed_dataset(tmp_path, tiny_community):
    lake = Lake.at(tmp_path / "lake")
    write_settings(lake, Settings(sources=(f"folder:{tiny_community}",)))
    resources = {"lake": LakeResource(home=str(lake.home))}
    with dg.instance_for_test() as instance:

        def tick(cursor):
            return discover_datasets(dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources))

        first = tick(None)
        assert [request.partition_key for request in first.run_requests] == sorted(
            p.name for p in tiny_community.iterdir()
        )
        assert isinstance(tick(first.cursor), dg.SkipReason)
        (tiny_community / "lab-a__pick-cube" / "README.md").write_text("changed")
        assert [request.partition_key for request in tick(first.cursor).run_requests] == ["lab-a__pick-cube"]
