"""What fetching a listed dataset would take, from its tree alone."""

from __future__ import annotations

from typing import Any

from curation.sources.hub.client import Hub
from curation.sources.hub.fetch import commit_of, pinned_tree
from curation.sources.hub.patience import Patience, patience
from curation.sources.hub.query import parse_query
from curation.sources.hub.tree import PinnedTree


def tree_of(row: dict[str, Any]) -> tuple[PinnedTree, str | None]:
    """Returns the tree of a listed dataset, and why its recipe does not want it where its size already says so.

    Raises:
        Gone, Gated, NotAsPinned, SourceUnavailable: as fetching it would.
    """
    with patience(Patience()):
        hub = Hub()
        tree = pinned_tree(hub, row["repo_id"], commit_of(hub, row))
    most_gb = parse_query(row["source"]).scope.max_size_gb
    is_too_large = most_gb is not None and tree.total_bytes > most_gb * 1e9
    return tree, f"{tree.total_bytes / 1e9:.2f} GB are more than {most_gb:g}" if is_too_large else None
