"""`deftworks crawl` without its words: every candidate of the sources ends in one state with a reason.

Fetching waits for the network in threads; judging needs a processor and takes turns. All that is known lies on disk and appears
there whole, so a crawl may be killed at any moment: the next one goes on, and asks nothing about what did not change. It does
what the Dagster assets do (`pipelines.dataset_stages`), and either finds the other's work done. Needs no Dagster.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from data_contracts.catalogue import SOURCE_LISTING
from data_contracts.errors import ContractError, DeftworksError, Gated, Gone, LakeError, SourceUnavailable
from data_contracts.layout import Lake
from data_contracts.manifests import CrawlRecord, DatasetState, Manifest
from data_contracts.stages import digest_of, folder_digest
from pipelines.dataset_stages import make_findings, make_raw, raw_inputs, read_raw, read_verdict
from pipelines.failed_stages import failure_kept
from pipelines.lake_lock import only_run
from pipelines.parallel import in_parallel

WORKERS = 8
NOT_HAD: dict[type[DeftworksError], DatasetState] = {Gone: "gone", Gated: "gated", SourceUnavailable: "unreachable"}
"""What an error makes of a dataset; all others put it aside (quarantined)."""


class CrawledDataset(Manifest):
    """What became of one candidate. `is_tried`: this crawl asked about it or judged it; else nothing had changed."""

    dataset: str
    repo_id: str | None
    state: DatasetState
    reason: str | None
    retry_at: str | None
    is_tried: bool
    size_bytes: int


class CrawlReport(Manifest):
    """What `deftworks crawl --json` prints: the candidates of the crawled sources, sorted."""

    datasets: tuple[CrawledDataset, ...]

    @property
    def states(self) -> dict[str, int]:
        """How many datasets are in each state, the most frequent first."""
        return dict(Counter(dataset.state for dataset in self.datasets).most_common())

    @property
    def num_tried(self) -> int:
        return sum(dataset.is_tried for dataset in self.datasets)


@dataclass(frozen=True)
class CrawlProgress:
    """One more candidate is settled."""

    dataset: CrawledDataset
    num_done: int
    num_total: int


def crawl(
    lake: Lake,
    sources: Sequence[str],
    *,
    workers: int = WORKERS,
    retry_now: bool = False,
    on_progress: Callable[[CrawlProgress], None] = lambda _: None,
) -> CrawlReport:
    """Lists the sources, fetches and judges what is new or changed, and returns the state of every candidate.

    Args:
        sources: which are crawled. The lake's listing keeps the candidates of its other sources as they were.
        workers: datasets fetched at a time.
        retry_now: tries again whatever could not be had, also before its time.

    Raises:
        SourceError: a source cannot be listed.
        LakeError: another run holds the lake, or its disk is full. What was done is kept.
    """
    with only_run(lake):
        listing = update_listing(lake, sources)
        rows = listing.filter(pl.col("source").is_in(list(sources))).to_dicts()
        judging = threading.BoundedSemaphore(os.cpu_count() or 1)
        settled: list[CrawledDataset] = []
        for dataset in in_parallel(lambda row: settle(lake, row, judging, retry_now=retry_now), rows, workers):
            settled.append(dataset)
            on_progress(CrawlProgress(dataset, len(settled), len(rows)))
        return CrawlReport(datasets=tuple(sorted(settled, key=lambda dataset: dataset.dataset)))


def update_listing(lake: Lake, sources: Sequence[str], others: Sequence[str] | None = None) -> pl.DataFrame:
    """Lists the sources anew and writes the lake's listing, in which the rows of other sources stay as they were.

    Args:
        others: the other sources that stay; None keeps all.

    Raises:
        SourceError: a source cannot be listed. The lake's listing is then as it was.
    """
    from curation.sources import list_datasets

    kept = _rows_of_other_sources(lake, sources)
    if others is not None:
        kept = kept.filter(pl.col("source").is_in(list(others)))
    fresh = list_datasets(sources, lake)
    known = {name.lower() for name in fresh["dataset_id"]}
    if any(
        name.lower() in known for name in kept["dataset_id"]
    ):  # two sources, one id: both have to be listed together
        fresh, kept = list_datasets([*kept["source"].unique(maintain_order=True), *sources], lake), kept.clear()
    listing = pl.concat([kept, fresh]).sort("dataset_id")
    SOURCE_LISTING.write(listing, lake.source_listing / "source_listing.parquet")
    return listing


def _rows_of_other_sources(lake: Lake, sources: Sequence[str]) -> pl.DataFrame:
    try:
        listed = SOURCE_LISTING.read(lake.source_listing / "source_listing.parquet")
    except (
        ContractError
    ):  # there is none yet, or one of an older version: the next listing of those sources makes it whole
        return SOURCE_LISTING.frame([])
    return listed.filter(~pl.col("source").is_in(list(sources)))


def settle(
    lake: Lake, row: dict[str, Any], judging: threading.BoundedSemaphore, *, retry_now: bool = False
) -> CrawledDataset:
    """Returns the terminal state of one candidate, having done what is missing.

    Raises:
        LakeError: the fault is ours; every other error becomes the candidate's state.
    """
    dataset_id = row["dataset_id"]
    is_tried = False
    try:
        if folder_digest(lake.raw(dataset_id)) != digest_of(raw_inputs(row)):
            if record := _settled_before(lake, row, retry_now=retry_now):
                return _crawled(row, record.state, record.reason, record.retry_at)  # type: ignore[arg-type]
            is_tried = True
            with failure_kept(lake, dataset_id, "raw_dataset"):
                make_raw(lake, row)
        with judging, failure_kept(lake, dataset_id, "dataset_findings"):
            is_tried |= not make_findings(lake, dataset_id).is_cached
        verdict = read_verdict(lake, dataset_id)
    except LakeError:
        raise
    except (
        Exception
    ) as error:  # one dataset, however it fails, never stops the others; its failure is kept for the corpus
        return _failed(lake, row, error)
    size_bytes = read_raw(lake, dataset_id).size_bytes
    return _crawled(
        row, "accepted" if verdict.accepted else "rejected", verdict.reason, None, is_tried=is_tried, size=size_bytes
    )


def _settled_before(lake: Lake, row: dict[str, Any], *, retry_now: bool) -> CrawlRecord | None:
    from curation.sources import settled_record

    return None if retry_now else settled_record(lake, row)


def _failed(lake: Lake, row: dict[str, Any], error: Exception) -> CrawledDataset:
    state = next((state for kind, state in NOT_HAD.items() if isinstance(error, kind)), "quarantined")
    reason = error.message if isinstance(error, DeftworksError) else f"{type(error).__name__}: {error}"
    retry_at = None
    if state == "unreachable" and lake.crawl_record(row["dataset_id"]).exists():
        retry_at = CrawlRecord.read(lake.crawl_record(row["dataset_id"])).retry_at
    return _crawled(row, state, reason, retry_at, is_tried=True)


def _crawled(
    row: dict[str, Any],
    state: DatasetState,
    reason: str | None,
    retry_at: str | None,
    *,
    is_tried: bool = False,
    size: int = 0,
) -> CrawledDataset:
    return CrawledDataset(
        dataset=row["dataset_id"], repo_id=row["repo_id"], state=state, reason=reason, retry_at=retry_at,
        is_tried=is_tried, size_bytes=size,
    )  # fmt: skip
