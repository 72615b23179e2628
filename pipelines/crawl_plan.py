"""What a crawl would fetch, and how large it is: the sources are listed and the trees of their commits read, nothing is written.

An upper bound: whether a recipe wants a dataset, and whether its videos are worth fetching, is known when its metadata are here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from data_contracts.errors import DeftworksError, Gated, Gone, SourceUnavailable
from data_contracts.layout import Lake
from data_contracts.manifests import Manifest
from data_contracts.stages import digest_of, folder_digest
from pipelines.crawl import WORKERS
from pipelines.dataset_stages import raw_inputs
from pipelines.parallel import in_parallel

PlannedState = Literal["new", "current", "local", "gone", "gated", "unreachable", "quarantined", "outside"]


class PlannedDataset(Manifest):
    """One candidate. `new` would be fetched, `outside` is too large for its recipe; sizes are of what a dataset can need."""

    dataset: str
    repo_id: str | None
    state: PlannedState
    reason: str | None = None
    num_files: int = 0
    metadata_bytes: int = 0
    rows_bytes: int = 0
    videos_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        return self.metadata_bytes + self.rows_bytes + self.videos_bytes


class CrawlPlan(Manifest):
    """What `deftworks crawl --dry-run --json` prints."""

    datasets: tuple[PlannedDataset, ...]

    @property
    def states(self) -> dict[str, int]:
        return dict(Counter(dataset.state for dataset in self.datasets).most_common())

    @property
    def new(self) -> list[PlannedDataset]:
        """What would be fetched, the largest first."""
        wanted = (dataset for dataset in self.datasets if dataset.state == "new")
        return sorted(wanted, key=lambda dataset: (-dataset.total_bytes, dataset.dataset))


def plan_crawl(
    lake: Lake,
    sources: Sequence[str],
    *,
    workers: int = WORKERS,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> CrawlPlan:
    """Returns what a crawl of the sources would fetch. A tree costs a request per thousand files.

    Raises:
        SourceError: a source cannot be listed.
    """
    rows = list(_candidates(lake, sources))
    planned: list[PlannedDataset] = []
    for dataset in in_parallel(lambda row: _planned(lake, row), rows, workers):
        planned.append(dataset)
        on_progress(len(planned), len(rows))
    return CrawlPlan(datasets=tuple(sorted(planned, key=lambda dataset: dataset.dataset)))


def _candidates(lake: Lake, sources: Sequence[str]) -> Iterator[dict[str, Any]]:
    from curation.sources import open_source

    seen = set()
    for spec in sources:
        for row in open_source(spec, lake).entries():
            row.setdefault("repo_id", None)
            place = row["repo_id"] or row["path"]
            if place not in seen:
                seen.add(place)
                yield row


def _planned(lake: Lake, row: dict[str, Any]) -> PlannedDataset:
    known: dict[str, Any] = {"dataset": row["dataset_id"], "repo_id": row["repo_id"]}
    if row["repo_id"] is None:
        return PlannedDataset(**known, state="local")
    if folder_digest(lake.raw(row["dataset_id"])) == digest_of(raw_inputs(row)):
        return PlannedDataset(**known, state="current")
    from curation.sources.hub.plan import tree_of

    try:
        tree, refusal = tree_of(row)
    except DeftworksError as error:
        states: dict[type, PlannedState] = {Gone: "gone", Gated: "gated", SourceUnavailable: "unreachable"}
        state = next((state for kind, state in states.items() if isinstance(error, kind)), "quarantined")
        return PlannedDataset(**known, state=state, reason=error.message)
    return PlannedDataset(
        **known,
        state="outside" if refusal else "new",
        reason=refusal,
        num_files=sum(len(files) for files in tree.parts.values()),
        metadata_bytes=tree.size_bytes("metadata"),
        rows_bytes=tree.size_bytes("rows"),
        videos_bytes=tree.size_bytes("videos"),
    )
