"""Which version of a skill is on the shelf now: what routes need of a release, without opening its catalogue."""

from __future__ import annotations

import json

from data_contracts.layout import Lake
from data_contracts.manifests import ReleasePointer
from marketplace.catalogue import POINTER, RELEASE_FILE


def versions_on_shelf(lake: Lake) -> dict[str, str]:
    """Returns skill -> version of the current release; nothing before the first one."""
    if not (lake.releases / POINTER).is_file():
        return {}
    number = ReleasePointer.read(lake.releases / POINTER).release
    return json.loads((lake.releases / str(number) / RELEASE_FILE).read_text(encoding="utf-8"))["packs"]
