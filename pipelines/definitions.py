"""Everything that Dagster loads: `dagster dev -m pipelines.definitions`, or `deftworks dagster`."""

import dagster as dg

from data_contracts.layout import Lake
from pipelines.assets import corpus, curated, datasets, packs, policies
from pipelines.checks import finding_checks
from pipelines.jobs import JOBS
from pipelines.resources import LakeResource
from pipelines.sensors import discover_datasets


def build_definitions(lake: Lake) -> dg.Definitions:
    """Returns the graph over one lake."""
    return dg.Definitions(
        assets=dg.load_assets_from_modules([datasets, curated, corpus, policies, packs]),
        asset_checks=[finding_checks],
        jobs=JOBS,
        sensors=[discover_datasets],
        resources={"lake": LakeResource(home=str(lake.home))},
    )


defs = build_definitions(Lake.at())
