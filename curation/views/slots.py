"""From roles to the policy's three camera slots. An absent view stays absent: it is masked in training, never filled."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from data_contracts.catalogue import CAMERA_ROLE_TABLE


class Slots(NamedTuple):
    """Camera keys for SmolVLA's camera1 (top), camera2 (wrist), camera3 (side); None where nothing fits."""

    top: str | None
    wrist: str | None
    side: str | None


# In order of preference. A front view looks at the same table as a top view, and no top camera is there to be mistaken for
# it. Of two wrists the left one goes first, as in the published mapping of two-armed datasets (huggingface/VLAb).
ROLES_OF_SLOT = (("top", "front"), ("wrist", "wrist_left", "wrist_right"), ("side",))


def slots(roles: pl.DataFrame) -> Slots:
    """Returns which camera of one dataset fills which slot; of several in one role, the surest (then the smallest key).

    Args:
        roles: rows of one dataset, table CAMERA_ROLE_TABLE.
    """
    surest = CAMERA_ROLE_TABLE.check(roles).sort(["confidence", "camera_key"], descending=[True, False])
    camera_of = dict(reversed(surest.select("role", "camera_key").rows()))
    return Slots(*(next((camera_of[r] for r in wanted if r in camera_of), None) for wanted in ROLES_OF_SLOT))
