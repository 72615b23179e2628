"""What assets ask the run for: the lake, and what its operator chose."""

import dagster as dg
import polars as pl

from data_contracts.catalogue import SOURCE_LISTING
from data_contracts.errors import LakeError
from data_contracts.layout import Lake
from data_contracts.skills import Skills
from pipelines.settings import Settings, read_settings


class LakeResource(dg.ConfigurableResource):
    """The lake at `home`. Settings are read when an asset runs, so that a change needs no restart."""

    home: str

    @property
    def lake(self) -> Lake:
        return Lake.at(self.home)

    @property
    def settings(self) -> Settings:
        return read_settings(self.lake)

    @property
    def skills(self) -> Skills:
        return self.settings.skills()

    def listing(self) -> pl.DataFrame:
        """Returns the newest source listing (table SOURCE_LISTING)."""
        return SOURCE_LISTING.read(self.lake.source_listing / "source_listing.parquet")

    def listed(self, dataset_id: str) -> dict[str, str]:
        """Returns one row of the listing.

        Raises:
            LakeError: the dataset is not listed (any more).
        """
        rows = self.listing().filter(pl.col("dataset_id") == dataset_id).to_dicts()
        if not rows:
            raise LakeError(
                f"Dataset {dataset_id} is not in the source listing.",
                hint="Materialise source_listing again, or remove the partition.",
            )
        return rows[0]
