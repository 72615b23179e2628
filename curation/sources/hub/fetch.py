"""One dataset of the Hub, brought here in steps. Each step decides whether the next is worth having.

    tree and meta/info.json   is it a LeRobot dataset, and does the recipe ask for it?
    the rest of meta/         can it be opened, does it list episodes?
    rows (parquet)            is any episode left without looking at pictures?
    videos                    then everything is here

What stops it is a gate among the findings of its RawDataset, and its verdict later says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from curation.sources.hub.client import Hub
from curation.sources.hub.download import Commit
from curation.sources.hub.patience import Patience, patience
from curation.sources.hub.query import parse_query
from curation.sources.hub.recipes import Scope
from curation.sources.hub.records import GONE, remember_failure, remember_fetched, sha_of, why_gone
from curation.sources.hub.scope import outside_scope
from curation.sources.hub.store import Store
from curation.sources.hub.tree import INFO, MOST_FILES, PinnedTree, pin
from curation.sources.hub.version_tag import check_version_tag
from data_contracts.errors import DatasetUnreadable, DeftworksError, Gone, NotADataset, SourceUnavailable
from data_contracts.findings import Finding
from data_contracts.layout import Lake
from data_contracts.manifests import RawDataset

Fetched = Literal["metadata", "rows", "all"]


def describe_hub(row: dict[str, Any], lake: Lake) -> RawDataset:
    """Returns a listed dataset of the Hub as it now lies in the lake, every file verified against its commit.

    What becomes of it is written to its CrawlRecord, also when it fails.

    Raises:
        Gone, Gated, NotAsPinned: it cannot be had, and trying again changes nothing by itself.
        SourceUnavailable: the Hub did not answer for long enough.
        LakeError: our disk is full or may not be written. This says nothing about the dataset.
    """
    try:
        with patience(Patience()):
            hub = Hub()
            sha = commit_of(hub, row)
            raw = _fetch(hub, row, sha, lake, parse_query(row["source"]).scope)
    except DeftworksError as error:
        remember_failure(lake, row, error)
        raise
    remember_fetched(lake, row, sha)
    return raw


def pinned_tree(hub: Hub, repo_id: str, sha: str) -> PinnedTree:
    """Returns what a commit holds. Raises NotAsPinned where no disk should hold it."""
    return pin(hub.tree(repo_id, sha, MOST_FILES + 1), f"{repo_id} at {sha[:12]}")


def commit_of(hub: Hub, row: dict[str, Any]) -> str:
    """Returns the commit that a listed dataset is pinned to; the Hub is asked where the listing could not say.

    Raises:
        Gone: the listing says that it is.
    """
    if row["stamp"] == GONE:
        raise Gone(why_gone(row))
    sha = sha_of(row) or hub.info(row["repo_id"]).sha
    if sha is None:
        raise SourceUnavailable(f"The Hub names no commit of {row['repo_id']}.", hint="Try again later.")
    return sha


def _fetch(hub: Hub, row: dict[str, Any], sha: str, lake: Lake, scope: Scope) -> RawDataset:
    repo_id = row["repo_id"]
    tree = pinned_tree(hub, repo_id, sha)
    store = Store(lake.hub(row["dataset_id"]), Commit(hub, repo_id, sha))
    fetched, findings = _fetch_in_steps(store, tree, scope, row["dataset_id"])
    published_at = None
    if fetched != "metadata":
        findings = [*findings, *_about_repository(hub, repo_id, sha, tree, store.partial)]
        published_at = hub.published_at(repo_id, sha)
    return RawDataset(
        dataset_id=row["dataset_id"],
        source=row["source"],
        path=str(store.finish()),
        revision=f"hub:{sha}",
        contributor=row["contributor"],
        size_bytes=store.size_bytes,
        num_files=len(store.kept),
        fetched=fetched,
        findings=tuple(findings),
        published_at=published_at,
    )


def _fetch_in_steps(store: Store, tree: PinnedTree, scope: Scope, dataset_id: str) -> tuple[Fetched, list[Finding]]:
    """Returns how far fetching went, and what stopped it; no findings where nothing did."""
    info = tree.find(INFO)
    store.take([info] if info else [])
    if refusal := _outside(store.partial, scope, tree):
        return "metadata", [refusal]
    store.take(tree.parts["metadata"])
    if gates := _unusable_metadata(store.partial, dataset_id, has_rows=bool(tree.parts["rows"])):
        return "metadata", gates
    store.take(tree.parts["rows"])
    if gates := _no_episode_left(store.partial, dataset_id):
        return "rows", gates
    store.take(tree.parts["videos"])
    return "all", []


def _outside(root: Path, scope: Scope, tree: PinnedTree) -> Finding | None:
    from data_contracts.lerobot.info import read_info

    try:
        return outside_scope(scope, read_info(root), tree.total_bytes)
    except (NotADataset, DatasetUnreadable):
        return None  # the next step says what is wrong with it


def _unusable_metadata(root: Path, dataset_id: str, *, has_rows: bool) -> Sequence[Finding]:
    from curation.quality import judge_unreadable
    from data_contracts.lerobot import open_dataset

    try:
        dataset = open_dataset(root)
    except (NotADataset, DatasetUnreadable) as error:
        return judge_unreadable(dataset_id, error).verdict.findings
    if dataset.records or has_rows:
        return []
    message = "The repository lists no episodes and holds no data files."
    return [Finding(code="structure.missing_data", severity="gate", episodes=None, message=message)]


def _no_episode_left(root: Path, dataset_id: str) -> Sequence[Finding]:
    from curation.quality import judge

    verdict = judge(root, dataset_id, has_videos=False).verdict
    return () if verdict.accepted else verdict.findings


def _about_repository(hub: Hub, repo_id: str, sha: str, tree: PinnedTree, root: Path) -> list[Finding]:
    """Returns what the repository around a dataset says: its version tag, and files that no dataset needs."""
    from data_contracts.lerobot.info import read_info

    tag = check_version_tag(hub, repo_id, sha, tree, read_info(root).version)
    findings = [tag] if tag else []
    if tree.num_other:
        message = f"{tree.num_other} files of the repository belong to no dataset and were not fetched."
        evidence = {"num_files": tree.num_other, "size_bytes": tree.other_bytes}
        findings.append(
            Finding(code="structure.stray_files", severity="note", episodes=None, message=message, evidence=evidence)
        )
    return findings
