"""Source `uploads:`: what contributors sent in and the shop accepted.

A contribution counts once its `contribution.json` is there (it is written last) and names at least one accepted episode.
Receiving, judging and quarantine belong to the marketplace.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from curation.sources.collisions import distinct_ids
from curation.sources.revision import stamp
from curation.sources.source import Entry, entry
from data_contracts.layout import Lake
from data_contracts.manifests import Contribution

MANIFEST = "contribution.json"
DATASET = "dataset"


class UploadsSource:
    """Lists the accepted contributions of a lake."""

    def __init__(self, lake: Lake, spec: str = "uploads:") -> None:
        self.contributions = lake.contributions
        self.spec = spec

    def check(self) -> None:
        """Uploads are always there: a lake without any has none."""

    def entries(self) -> Iterator[Entry]:
        """Yields one entry per accepted contribution, sorted by the name of its folder.

        Raises:
            ContractError: a contribution.json breaks its contract.
        """
        accepted = list(self._accepted())
        ids = distinct_ids([upload.dataset_id for _, upload in accepted], [folder.name for folder, _ in accepted])
        for (folder, upload), key in zip(accepted, ids, strict=True):
            dataset = folder / DATASET
            yield entry(key, source=self.spec, path=dataset, stamp=stamp(dataset), contributor=upload.contributor)

    def _accepted(self) -> Iterator[tuple[Path, Contribution]]:
        for manifest in sorted(self.contributions.glob(f"*/{MANIFEST}")):
            if manifest.parent.name.startswith("."):
                continue  # a stage that was stopped half-way
            upload = Contribution.read(manifest)
            if upload.accepted_episodes:
                yield manifest.parent, upload
