"""Where datasets come from: folders and uploads behind one Protocol, and what exactly a candidate is made of.

Listing and describing belong here; whether a candidate is any good does not (`curation.quality`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from curation.sources.collisions import distinct_ids
from curation.sources.folder import FolderSource, dataset_id_of
from curation.sources.revision import content
from curation.sources.source import Source, contributor_of
from curation.sources.uploads import UploadsSource
from data_contracts.catalogue import SOURCE_LISTING
from data_contracts.errors import UnknownSource, did_you_mean
from data_contracts.layout import Lake
from data_contracts.manifests import RawDataset

__all__ = ["Source", "dataset_id_of", "describe_folder", "describe_raw", "list_datasets", "open_source"]

SCHEMES = ("folder", "uploads")


def open_source(spec: str, lake: Lake) -> Source:
    """Returns the source that `spec` names: `folder:PATH` or `uploads:`.

    Raises:
        UnknownSource: the scheme is not known, or a folder has no path.
    """
    scheme, colon, rest = spec.partition(":")
    if not colon or scheme not in SCHEMES:
        hint = f"Write folder:{spec} for a folder." if not colon else did_you_mean(scheme, SCHEMES)
        raise UnknownSource(f"{spec!r} is not a source.", hint=hint)
    if scheme == "uploads":
        return UploadsSource(lake, spec)
    if not rest:
        raise UnknownSource(f"{spec!r} names no folder.", hint="Write folder:PATH.")
    return FolderSource(Path(rest), spec)


def list_datasets(specs: Sequence[str], lake: Lake) -> pl.DataFrame:
    """Returns every candidate of the sources as a table `source_listing`, sorted by dataset id.

    A folder that two sources list counts once, for the source that is named first. Ids that collide between sources are
    told apart by a digest of source and path.

    Raises:
        SourceError: a source is unknown or not there.
    """
    rows: dict[str, dict[str, Any]] = {}
    for spec in specs:
        for row in open_source(spec, lake).entries():
            rows.setdefault(str(Path(row["path"]).resolve()), row)
    ids = distinct_ids(
        [row["dataset_id"] for row in rows.values()], [f"{row['source']}\0{row['path']}" for row in rows.values()]
    )
    listing = [row | {"dataset_id": key} for row, key in zip(rows.values(), ids, strict=True)]
    return SOURCE_LISTING.check(SOURCE_LISTING.frame(listing)).sort("dataset_id")


def describe_raw(row: dict[str, Any], lake: Lake) -> RawDataset:
    """Returns where a listed dataset lies and what exactly it is. Reads every file once.

    Raises:
        SourceUnavailable: a file cannot be read.
    """
    return _describe_local(row)


def _describe_local(row: dict[str, Any]) -> RawDataset:
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
