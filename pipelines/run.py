"""The whole road in one process: each dataset and each skill as its own Dagster run on the lake's instance.

What `deftworks run` does. A dataset that fails is reported and stops nobody else; what did not change is not done again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import dagster as dg

from data_contracts.layout import Lake
from data_contracts.manifests import CorpusManifest, RunDataset, RunReport
from pipelines.dataset_stages import is_up_to_date
from pipelines.definitions import build_definitions
from pipelines.instance import COMMAND_LINE, bury_dead_runs, open_instance
from pipelines.lake_lock import only_run
from pipelines.partitions import DATASETS, SKILLS, sync_partitions
from pipelines.resources import LakeResource

Until = Literal["corpus", "policy", "pack"]
INTERRUPTIONS = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Progress:
    """One finished run: which job, for which partition, how it ended. `num_done` of `num_total` count within the job. Without
    a run: the `num_unchanged` partitions for which there is nothing to do."""

    job: str
    key: str | None
    is_success: bool
    message: str
    seconds: float
    num_done: int
    num_total: int
    num_unchanged: int = 0


@dataclass(frozen=True)
class PipelineRun:
    """What became of everything. `failures` maps a job and its partition to the error's text."""

    report: RunReport
    failures: dict[str, str] = field(default_factory=dict)


def run_pipeline(
    lake: Lake, until: Until = "pack", on_progress: Callable[[Progress], None] = lambda _: None
) -> PipelineRun:
    """Runs the jobs in order on the lake's own Dagster instance, so that the browser shows the same runs.

    Raises:
        DeftworksError: the sources cannot be listed, or the corpus cannot be built; nothing useful could follow.
    """
    resource = LakeResource(home=str(lake.home))
    with only_run(lake), open_instance(lake) as instance:
        bury_dead_runs(instance)
        runner = _Runner(build_definitions(lake), instance, on_progress)
        runner.must("crawl")
        listing = resource.listing().sort("dataset_id")
        datasets = listing["dataset_id"].to_list()
        sync_partitions(instance, DATASETS, datasets)
        unchanged = _unchanged(resource, instance, listing.to_dicts())
        if unchanged:
            on_progress(Progress("curate_dataset", None, True, "", 0.0, len(unchanged), len(datasets), len(unchanged)))
        runner.each("curate_dataset", [name for name in datasets if name not in unchanged])
        runner.must("build_corpus")
        if until != "corpus":
            _train_and_pack(runner, instance, resource, until)
        return PipelineRun(report(lake), runner.failures)


def _unchanged(resource: LakeResource, instance: dg.DagsterInstance, rows: list[dict[str, Any]]) -> set[str]:
    """Returns the datasets for which a run would do nothing but fill the event log, by half a megabyte each."""
    shown = instance.get_materialized_partitions(dg.AssetKey("fingerprints"))
    annotator = resource.settings.annotator
    return {
        row["dataset_id"] for row in rows if row["dataset_id"] in shown and is_up_to_date(resource.lake, row, annotator)
    }


def report(lake: Lake) -> RunReport:
    """Returns the corpus of a lake in the shape that scripts rely on."""
    manifest = CorpusManifest.read(lake.corpus / "manifest.json")
    shown = RunDataset.model_fields.keys()
    datasets = tuple(RunDataset(**{name: getattr(d, name) for name in shown}) for d in manifest.datasets)
    return RunReport(corpus_hash=manifest.digest(), datasets=datasets)


def _train_and_pack(runner: _Runner, instance: dg.DagsterInstance, resource: LakeResource, until: Until) -> None:
    skills = list(resource.skills.ids)
    sync_partitions(instance, SKILLS, skills)
    if not runner.try_run("pretrain"):
        return
    taught = [skill for skill in skills if _has_episodes(resource.lake, skill)]
    if until == "policy":
        runner.each("train_skill", taught, selection=["skill_policy", "skill_evaluation"])
        return
    runner.each("train_skill", taught)
    runner.try_run("publish_release")


def _has_episodes(lake: Lake, skill_id: str) -> bool:
    from data_contracts.catalogue import SKILL_INDEX

    return not SKILL_INDEX.read(lake.skill_index / "skill_index.parquet").filter(skill_id=skill_id).is_empty()


class _Runner:
    """Executes jobs in this process and remembers what failed."""

    def __init__(
        self, defs: dg.Definitions, instance: dg.DagsterInstance, on_progress: Callable[[Progress], None]
    ) -> None:
        self._defs = defs
        self._instance = instance
        self._on_progress = on_progress
        self.failures: dict[str, str] = {}

    def must(self, job: str) -> None:
        """Runs a job that everything after it needs."""
        if not self.try_run(job):
            from data_contracts.errors import LakeError

            raise LakeError(f"Job {job} failed: {self.failures[job]}", hint="Mend it and run the same command again.")

    def each(self, job: str, keys: list[str], selection: list[str] | None = None) -> None:
        """Runs a partitioned job for each key; a failure stops only its own key."""
        for number, key in enumerate(keys, start=1):
            self.try_run(job, key, number, len(keys), selection)

    def try_run(
        self, job: str, key: str | None = None, number: int = 1, total: int = 1, selection: list[str] | None = None
    ) -> bool:
        """Runs a job, reports its end, and returns whether it succeeded."""
        started = time.monotonic()
        keys = [dg.AssetKey(name) for name in selection] if selection else None
        result = self._defs.resolve_job_def(job).execute_in_process(
            run_config=QUIET,
            instance=self._instance,
            partition_key=key,
            raise_on_error=False,
            asset_selection=keys,
            tags=COMMAND_LINE,
        )
        if not result.success and _was_interrupted(result):
            raise KeyboardInterrupt
        message = "" if result.success else _why(result)
        if not result.success:
            self.failures[f"{job}:{key}" if key else job] = message
        seconds = time.monotonic() - started
        self._on_progress(Progress(job, key, result.success, message, seconds, number, total))
        return result.success


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """True when the run failed because somebody pressed Ctrl-C: Dagster turns that into a failed step."""
    failed = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    return any(error is not None and error.cls_name in INTERRUPTIONS for error in failed)


def _why(result: dg.ExecuteInProcessResult) -> str:
    """Returns the innermost reason of the first failed step: its description, or its error in one line."""
    for event in result.all_events:
        if event.is_step_failure:
            data: Any = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return str(data.user_failure_data.description)
            error = data.error
            while error is not None and error.cause is not None:
                error = error.cause
            return error.message.strip().splitlines()[0] if error else "unknown"
    return "the run failed before its first step"
