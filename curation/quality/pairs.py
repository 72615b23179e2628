"""Which episodes of a camera are worth comparing in pairs: of hundreds of thousands of pairs the few that may show each other."""

from __future__ import annotations

import numpy as np

from curation.quality.appearance import Appearance

NUM_NEAREST = 4
"""Of the nearest episodes each is compared with."""
NUM_MARKS = 6
"""Pictures by which these are found."""
ROWS = 512
"""Episodes at a time."""


def pairs_to_compare(appearance: Appearance) -> list[tuple[int, int]]:
    """Returns the pairs of episodes that may show each other's pictures: each with the few whose pictures are nearest to its
    own, and with the few whose joints promise what comes nearest to them."""
    shortest = np.percentile([digest.frames_M[-1] for digest in appearance.digests], 10)
    seen_EMP, promised_EMP = appearance.marks(np.linspace(0, shortest, NUM_MARKS))
    alike = _nearest(seen_EMP, seen_EMP)
    weight_P = np.sqrt(appearance.weight_P)
    return sorted(alike | _nearest(seen_EMP * weight_P, promised_EMP * weight_P))


def _nearest(marks_EMP: np.ndarray, others_EMP: np.ndarray) -> set[tuple[int, int]]:
    """Returns each episode with the few others that are nearest to it, the lower index first."""
    marks_EP, others_EP = (marks.reshape(len(marks), -1) for marks in (marks_EMP, others_EMP))
    length_E = (others_EP**2).sum(axis=1)
    pairs = set()
    for begin in range(0, len(marks_EP), ROWS):
        rows_RP = marks_EP[begin : begin + ROWS]
        apart_RE = length_E - 2 * rows_RP @ others_EP.T
        apart_RE[np.arange(len(rows_RP)), np.arange(begin, begin + len(rows_RP))] = np.inf
        nearest = np.argpartition(apart_RE, min(NUM_NEAREST, len(marks_EP) - 1) - 1, axis=1)[:, :NUM_NEAREST]
        pairs |= {
            (min(row + begin, other), max(row + begin, other))
            for row, of in enumerate(nearest.tolist())
            for other in of
        }
    return pairs
