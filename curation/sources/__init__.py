"""Where datasets come from: folders, uploads and the Hub behind one Protocol, and what exactly a candidate is made of.

Listing and describing belong here; whether a candidate is any good does not (`curation.quality`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from curation.sources.collisions import distinct_ids
from curation.sources.folder import FolderSource, dataset_id_of
from curation.sources.hub import SCHEME, is_hub
from curation.sources.revision import content
from curation.sources.source import Entry, Source, contributor_of
from curation.sources.uploads import UploadsSource
from data_contracts.catalogue import SOURCE_LISTING
from data_contracts.errors import UnknownSource, did_you_mean
from data_contracts.layout import Lake
from data_contracts.manifests import CrawlRecord, RawDataset

__all__ = [
    "Source",
    "dataset_id_of",
    "describe_folder",
    "describe_raw",
    "list_datasets",
    "open_source",
    "settled_record",
]

SCHEMES = ("folder", "uploads", SCHEME)


def open_source(spec: str, lake: Lake) -> Source:
    """Returns the source that `spec` names: `folder:PATH`, `uploads:` or `hub:...` (see `hub.query`).

    Raises:
        UnknownSource: the scheme is not known, a folder has no path, or the Hub is asked in an unknown way.
    """
    scheme, colon, rest = spec.partition(":")
    if not colon or scheme not in SCHEMES:
        hint = f"Write folder:{spec} for a folder." if not colon else did_you_mean(scheme, SCHEMES)
        raise UnknownSource(f"{spec!r} is not a source.", hint=hint)
    if scheme == "uploads":
        return UploadsSource(lake, spec)
    if scheme == SCHEME:
        from curation.sources.hub.listing import HubSource

        return HubSource(lake, spec)
    if not rest:
        raise UnknownSource(f"{spec!r} names no folder.", hint="Write folder:PATH.")
    return FolderSource(Path(rest), spec)


def list_datasets(specs: Sequence[str], lake: Lake) -> pl.DataFrame:
    """Returns every candidate of the sources as a table `source_listing`, sorted by dataset id.

    A folder or repository that two sources list counts once, for the source that is named first; one of the Hub that is gone
    from one source counts for the other. Ids that collide between sources are told apart by a digest of what they name.
    Candidates of the Hub are written down (`CrawlRecord`), so that none is forgotten when it is not listed any more.

    Raises:
        SourceError: a source is unknown or not there.
    """
    rows: dict[str, Entry] = {}
    for spec in specs:
        for row in open_source(spec, lake).entries():
            place = _place(row)
            if place not in rows or (_is_gone(rows[place]) and not _is_gone(row)):
                rows[place] = row
    ids = distinct_ids([row["dataset_id"] for row in rows.values()], [_identity(row) for row in rows.values()])
    listing = [_under_id(lake, row, key) for row, key in zip(rows.values(), ids, strict=True)]
    return SOURCE_LISTING.check(SOURCE_LISTING.frame(listing)).sort("dataset_id")


def _place(row: Entry) -> str:
    return f"hub:{row['repo_id']}" if is_hub(row["source"]) else str(Path(row["path"]).resolve())


def _identity(row: Entry) -> str:
    return f"hub:{row['repo_id']}" if is_hub(row["source"]) else f"{row['source']}\0{row['path']}"


def _is_gone(row: Entry) -> bool:
    return row["stamp"] == "hub:gone"


def _under_id(lake: Lake, row: Entry, key: str) -> Entry:
    if not is_hub(row["source"]):
        return row | {"dataset_id": key}
    from curation.sources.hub.listing import under_id
    from curation.sources.hub.records import remember_listed

    row = under_id(lake, row, key)
    remember_listed(lake, row)
    return row


def describe_raw(row: Entry, lake: Lake) -> RawDataset:
    """Returns where a listed dataset lies and what exactly it is. One of the Hub is fetched; of others every file is read once.

    Raises:
        SourceUnavailable: a file cannot be read, or the Hub does not answer.
        Gone, Gated, NotAsPinned: the Hub does not have it, does not give it, or sends something else.
        LakeError: what is fetched cannot be written.
    """
    if is_hub(row["source"]):
        from curation.sources.hub.fetch import describe_hub

        return describe_hub(row, lake)
    return _describe_local(row)


def settled_record(lake: Lake, row: Entry) -> CrawlRecord | None:
    """Returns why a listed dataset need not be tried now (gone, gated, quarantined, or unreachable and not due); else None."""
    if not is_hub(row["source"]):
        return None
    from curation.sources.hub import records

    return records.settled_record(lake, row)


def _describe_local(row: Entry) -> RawDataset:
    whole = content(Path(row["path"]))
    return RawDataset(
        dataset_id=row["dataset_id"],
        source=row["source"],
        path=row["path"],
        revision=whole.revision,
        contributor=row["contributor"],
        size_bytes=whole.size_bytes,
        num_files=whole.num_files,
    )


def describe_folder(folder: Path, dataset_id: str) -> RawDataset:
    """Returns the same for one folder that no source listed, as on the command line."""
    path = folder.absolute()
    row = {"dataset_id": dataset_id, "source": f"folder:{folder}", "path": str(path)}
    return _describe_local(row | {"contributor": contributor_of(dataset_id)})
