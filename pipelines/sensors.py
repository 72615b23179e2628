"""What happens by itself, once an operator has switched it on: new and changed datasets of the sources are curated."""

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from data_contracts.layout import Lake
from pipelines.jobs import curate_dataset
from pipelines.partitions import DATASETS
from pipelines.resources import LakeResource

if TYPE_CHECKING:
    import polars as pl

MAX_REQUESTS_PER_TICK = 25
HUB_EVERY_S = 3600.0
"""Folders and uploads are listed at every tick; the Hub is somebody else's and is asked once an hour."""


@dg.sensor(
    job=curate_dataset,
    minimum_interval_seconds=60,
    description="Lists the configured sources (the Hub once an hour); requests a run for each dataset that is new, changed or due.",
)
def discover_datasets(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult | dg.SkipReason:
    """Lists the sources and asks for a run per dataset that is new, changed or due to be tried again, a few at a time."""
    seen, hub_listed_at = read_cursor(context.cursor)
    is_hub_due = time.time() - hub_listed_at >= HUB_EVERY_S
    listing = _listing(context, lake.lake, lake.settings.sources, is_hub_due=is_hub_due)
    keys = {row["dataset_id"]: run_key(lake.lake, row) for row in listing.iter_rows(named=True)}
    changed = [name for name in sorted(keys) if seen.get(name) != keys[name]][:MAX_REQUESTS_PER_TICK]
    hub_listed_at = time.time() if is_hub_due else hub_listed_at
    cursor = json.dumps({"seen": seen | {name: keys[name] for name in changed}, "hub_listed_at": hub_listed_at})
    if not changed:
        context.update_cursor(cursor)
        return dg.SkipReason(f"{len(keys)} datasets listed, none is new, changed or due.")
    known = set(context.instance.get_dynamic_partitions(str(DATASETS.name)))
    new = [name for name in changed if name not in known]
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=f"{name}:{keys[name]}", partition_key=name) for name in changed],
        dynamic_partitions_requests=[DATASETS.build_add_request(new)] if new else [],
        cursor=cursor,
    )


def read_cursor(text: str | None) -> tuple[dict[str, str], float]:
    """Returns what was asked for, by dataset, and when the Hub was listed last."""
    cursor: dict[str, Any] = json.loads(text or "{}")
    return dict(cursor.get("seen", {})), float(cursor.get("hub_listed_at", 0.0))


def run_key(lake: Lake, row: dict[str, Any]) -> str:
    """Returns what changes when a dataset should be run: its stamp, and, once it is due, the time at which it was to be retried."""
    from data_contracts.manifests import CrawlRecord

    path = lake.crawl_record(row["dataset_id"])
    if row["repo_id"] is None or not path.exists():
        return row["stamp"]
    retry_at = CrawlRecord.read(path).retry_at
    is_due = retry_at is not None and retry_at <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return f"{row['stamp']} {retry_at}" if is_due else row["stamp"]


def _listing(
    context: dg.SensorEvaluationContext, lake: Lake, sources: Sequence[str], *, is_hub_due: bool
) -> "pl.DataFrame":
    """Lists what is due; rows of the Hub stay as they were while it is not asked or does not answer."""
    from curation.sources.hub import is_hub
    from data_contracts.errors import SourceUnavailable
    from pipelines.crawl import update_listing

    near = [spec for spec in sources if not is_hub(spec)]
    if is_hub_due:
        try:
            return update_listing(lake, sources, others=())
        except SourceUnavailable as error:
            context.log.warning(str(error))
    return update_listing(lake, near, others=[spec for spec in sources if is_hub(spec)])
