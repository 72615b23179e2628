"""The Dagster instance of a lake: a folder with dagster.yaml, runs and events in SQLite, telemetry and first-run nagging off."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

from data_contracts.layout import Lake
from data_contracts.stages import write_text
from pipelines.lake_lock import only_run

__all__ = ["bury_dead_runs", "only_run", "open_instance", "prepare_instance"]

GPU_POOL = "gpu"
VLM_POOL = "vlm"
HUB_POOL = "hub"
POOL_LIMITS = {GPU_POOL: 1, VLM_POOL: 1, HUB_POOL: 4}

INSTANCE_YAML = """\
telemetry: {enabled: false}
nux: {enabled: false}
concurrency:
  runs: {max_concurrent_runs: 2}
  pools: {default_limit: 4, granularity: op}
run_monitoring: {enabled: true, start_timeout_seconds: 300}
run_retries: {enabled: true, max_retries: 2, retry_on_asset_or_op_failure: false}
sensors: {use_threads: true, num_workers: 2}
backfills: {use_threads: true, num_workers: 2}
"""


def prepare_instance(lake: Lake) -> Path:
    """Makes sure that the lake has a Dagster home, points DAGSTER_HOME at it, and returns the folder."""
    home = lake.dagster
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists() or config.read_text() != INSTANCE_YAML:
        write_text(config, INSTANCE_YAML)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


COMMAND_LINE = {"deftworks/launched_by": "command_line"}
"""Tags of the runs that `pipelines.run` executes in its own process."""
UNFINISHED = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def bury_dead_runs(instance: dg.DagsterInstance) -> None:
    """Marks command-line runs whose process was killed as failed and frees the pool slots that they still claim.

    Without this a killed training would hold the only place in its pool, and every later one would wait for ever. Call it
    while holding `lake_lock.only_run`: then no unfinished run of the command line can be alive.
    """
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED, tags=COMMAND_LINE)):
        instance.report_run_failed(run, "The process that ran it was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def open_instance(lake: Lake) -> dg.DagsterInstance:
    """Returns the lake's instance with the pool limits set. Use it as a context manager."""
    instance = dg.DagsterInstance.from_config(str(prepare_instance(lake)))
    for pool, limit in POOL_LIMITS.items():
        instance.event_log_storage.set_concurrency_slots(pool, limit)
    return instance
