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


# A camera of unknown role that stands still this much shows the scene from outside, whatever it is called. Fixed cameras
# of simulated and real datasets measured 0.43 and more of the picture at rest; half is asked for.
MOST_MOVING_OF_A_FIXED_CAMERA = 0.5


def slots(roles: pl.DataFrame) -> Slots:
    """Returns which camera of one dataset fills which slot; of several in one role, the surest (then the smallest key).

    Where no camera is known as top or front, the only fixed camera of unknown role takes that slot: people call it
    `laptop`, `phone` or `image`, and it is the one view of the scene. Of two such cameras neither is guessed.

    Args:
        roles: rows of one dataset, table CAMERA_ROLE_TABLE.
    """
    surest = CAMERA_ROLE_TABLE.check(roles).sort(["confidence", "camera_key"], descending=[True, False])
    camera_of = dict(reversed(surest.select("role", "camera_key").rows()))
    found = Slots(*(next((camera_of[r] for r in wanted if r in camera_of), None) for wanted in ROLES_OF_SLOT))
    unnamed = surest.filter(
        (pl.col("role") == "unknown") & (pl.col("moving_fraction") <= MOST_MOVING_OF_A_FIXED_CAMERA)
    )["camera_key"].to_list()
    return found._replace(top=unnamed[0]) if found.top is None and len(unnamed) == 1 else found
