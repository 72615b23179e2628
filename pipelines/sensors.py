"""What happens by itself, once an operator has switched it on: new and changed datasets of the sources are curated."""

import json

import dagster as dg

from pipelines.jobs import curate_dataset
from pipelines.partitions import DATASETS
from pipelines.resources import LakeResource

MAX_REQUESTS_PER_TICK = 25


@dg.sensor(
    job=curate_dataset,
    minimum_interval_seconds=60,
    description="Lists the configured sources; requests a run for each dataset that is new or changed.",
)
def discover_datasets(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult | dg.SkipReason:
    """Lists the sources and asks for a run per new or changed dataset, a few at a time."""
    from curation.sources import list_datasets
    from data_contracts.catalogue import SOURCE_LISTING

    listing = list_datasets(lake.settings.sources, lake.lake)
    SOURCE_LISTING.write(listing, lake.lake.source_listing / "source_listing.parquet")
    seen = json.loads(context.cursor or "{}")
    stamps = dict(listing.select("dataset_id", "stamp").iter_rows())
    changed = [name for name in sorted(stamps) if seen.get(name) != stamps[name]][:MAX_REQUESTS_PER_TICK]
    if not changed:
        return dg.SkipReason(f"{len(stamps)} datasets listed, none is new or changed.")
    known = set(context.instance.get_dynamic_partitions(str(DATASETS.name)))
    new = [name for name in changed if name not in known]
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=f"{name}:{stamps[name]}", partition_key=name) for name in changed],
        dynamic_partitions_requests=[DATASETS.build_add_request(new)] if new else [],
        cursor=json.dumps(seen | {name: stamps[name] for name in changed}),
    )
