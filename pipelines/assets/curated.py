"""What is known about a normalised dataset: which camera shows what, what each episode does, what each episode is."""

import dagster as dg

from data_contracts.catalogue import CAMERA_ROLE_TABLE, FINGERPRINTS, TASK_LABELS
from data_contracts.stages import run_stage
from pipelines.assets.datasets import normalised_dataset
from pipelines.dataset_stages import annotator_of, described_inputs, identity
from pipelines.failures import dataset_failures
from pipelines.instance import VLM_POOL
from pipelines.partitions import DATASETS
from pipelines.pictures import column_schema, markdown_table
from pipelines.resources import LakeResource
from pipelines.versions import VERSIONS


@dg.asset(
    group_name="curated", partitions_def=DATASETS, deps=[normalised_dataset], code_version=VERSIONS["camera_roles"]
)
def camera_roles(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """Which camera is the wrist, the top, the side; `unknown` where the evidence does not reach."""
    dataset_id = context.partition_key
    folder = lake.lake.camera_roles(dataset_id)
    with dataset_failures(lake.lake, dataset_id, "camera_roles"):
        from curation.views import assign_camera_roles

        result = run_stage(
            folder,
            described_inputs(lake.lake, dataset_id, "camera_roles"),
            lambda out: CAMERA_ROLE_TABLE.write(
                assign_camera_roles(lake.lake.normalised(dataset_id)), out / "camera_roles.parquet"
            ),
        )
        roles = CAMERA_ROLE_TABLE.read(folder / "camera_roles.parquet")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": roles.height,
            "dagster/column_schema": column_schema(CAMERA_ROLE_TABLE),
            "num_unknown": roles.filter(role="unknown").height,
            "roles": markdown_table(roles.select("camera_key", "role", "confidence", "evidence").to_dicts()),
            "is_cached": result.is_cached,
        }
    )


@dg.asset(
    group_name="curated", partitions_def=DATASETS, deps=[normalised_dataset], code_version=VERSIONS["task_labels"],
    pool=VLM_POOL,
)  # fmt: skip
def task_labels(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """One instruction per kept episode, by the annotator of the settings, with the original text beside it."""
    dataset_id = context.partition_key
    folder = lake.lake.task_labels(dataset_id)
    with dataset_failures(lake.lake, dataset_id, "task_labels"):
        from annotation import label_tasks

        annotator = annotator_of(lake.settings.annotator)
        result = run_stage(
            folder,
            described_inputs(lake.lake, dataset_id, "task_labels", **identity(annotator)),
            lambda out: TASK_LABELS.write(
                label_tasks(lake.lake.normalised(dataset_id), annotator), out / "task_labels.parquet"
            ),
        )
        labels = TASK_LABELS.read(folder / "task_labels.parquet")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": labels.height,
            "dagster/column_schema": column_schema(TASK_LABELS),
            "num_without_label": labels["label"].null_count(),
            "annotator": annotator.name,
            "labels": markdown_table(labels.select("original", "label", "note").unique(maintain_order=True).to_dicts()),
            "is_cached": result.is_cached,
        }
    )


@dg.asset(
    group_name="curated", partitions_def=DATASETS, deps=[normalised_dataset], code_version=VERSIONS["fingerprints"]
)
def fingerprints(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """The canonical hash of each kept episode, recomputed from what was written."""
    dataset_id = context.partition_key
    folder = lake.lake.fingerprints(dataset_id)
    with dataset_failures(lake.lake, dataset_id, "fingerprints"):
        from curation.fingerprints import fingerprint

        result = run_stage(
            folder,
            described_inputs(lake.lake, dataset_id, "fingerprints"),
            lambda out: FINGERPRINTS.write(fingerprint(lake.lake.normalised(dataset_id)), out / "fingerprints.parquet"),
        )
        table = FINGERPRINTS.read(folder / "fingerprints.parquet")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": table.height,
            "dagster/column_schema": column_schema(FINGERPRINTS),
            "is_cached": result.is_cached,
        }
    )
