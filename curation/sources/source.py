"""What a source is: a place that lists candidate datasets: `folder`, `uploads` and `hub`.

Listing is cheap and reads no data. Whether a candidate is a readable dataset is judged later (`curation.quality`), so that
every candidate ends with a verdict and a reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from data_contracts.identifiers import NO_ORG, split_dataset_id

Entry = dict[str, Any]
"""A row of the table `source_listing`: dataset_id, source, path, stamp, contributor; repo_id where it is of the Hub."""


class Source(Protocol):
    """A place that lists candidate datasets."""

    spec: str
    """The source as it was configured, for example `folder:recordings`."""

    def check(self) -> None:
        """Raises SourceError where the place is not there; lists nothing."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Yields one entry per candidate, in an order that depends on nothing but the candidates.

        Raises:
            SourceError: the place is not there or does not answer.
        """
        ...


def entry(dataset_id: str, *, source: str, path: Path, stamp: str, contributor: str | None = None) -> Entry:
    """Returns a row of `source_listing`. Without a contributor, the organisation in the dataset's id is taken."""
    return {
        "dataset_id": dataset_id,
        "source": source,
        "path": str(path),
        "stamp": stamp,
        "contributor": contributor or contributor_of(dataset_id),
    }


def contributor_of(dataset_id: str) -> str:
    """Returns the organisation of a dataset id, which is a contributor id but for its length and a trailing dot."""
    return split_dataset_id(dataset_id)[0][:96].rstrip(".") or NO_ORG
