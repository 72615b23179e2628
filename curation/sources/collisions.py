"""Two candidates, one id: all of those that collide get a short digest of where they lie, so that none depends on order."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence

from data_contracts.identifiers import check_dataset_id

DIGEST_DIGITS = 8
LONGEST_ID = 200
"""Of `data_contracts.identifiers.check_dataset_id`."""


def distinct_ids(ids: Sequence[str], places: Sequence[str]) -> list[str]:
    """Returns `ids` with those that occur more than once told apart by a digest of their place.

    The digest depends on nothing but the place, so the answer is the same for every order of the candidates. Names are
    compared without case: folders of the lake carry them, and some file systems do not see case.
    """
    counts = Counter(dataset_id.lower() for dataset_id in ids)
    return [
        dataset_id if counts[dataset_id.lower()] == 1 else _told_apart(dataset_id, place)
        for dataset_id, place in zip(ids, places, strict=True)
    ]


def _told_apart(dataset_id: str, place: str) -> str:
    room = LONGEST_ID - 1 - DIGEST_DIGITS
    return check_dataset_id(f"{dataset_id[:room]}-{short_digest(place)}")


def short_digest(place: str) -> str:
    """Returns the first 8 hex digits of sha256: a few thousand candidates stay distinct."""
    return hashlib.sha256(os.fsencode(place)).hexdigest()[:DIGEST_DIGITS]
