"""Which pairs of episodes are worth comparing: those that share rare shingles, found through an inverted index.

Never all pairs: the cost grows with how many episodes share a shingle, and shingles that many share are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MAX_SHARED_BY = 64
"""A shingle of more episodes than this tells nothing: the rest pose of a robot, an empty table."""
MAX_PARTNERS = 16
"""Of each episode, the partners that share most are kept."""
EVENTS_AT_ONCE = 8_000_000
"""Bounds memory: 64 MB of pairs are counted at a time."""


def candidate_pairs(shingles: Sequence[np.ndarray], *, min_shared: int, min_share: float) -> np.ndarray:
    """Returns pairs of episode numbers, int64 (P, 2), smaller first, ascending.

    Args:
        shingles: per episode its shingles, int64, without repeats.
        min_shared: shingles that a pair has in common at least.
        min_share: the same as a share of what the episode with fewer has, not counting those that all too many have.
    """
    owner = np.repeat(np.arange(len(shingles)), [len(own) for own in shingles])
    values = np.concatenate([np.zeros(0, np.int64), *shingles])
    order = np.lexsort((owner, values))
    owner, values = owner[order], values[order]
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]])) if len(values) else np.zeros(0, int)
    sizes = np.diff(np.concatenate([starts, [len(values)]]))
    is_rare = np.repeat(sizes <= MAX_SHARED_BY, sizes)
    counted = np.bincount(owner[is_rare], minlength=len(shingles))
    kept = np.repeat((sizes > 1) & (sizes <= MAX_SHARED_BY), sizes)
    left = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(values)) - 1  # how many of the same shingle follow
    found = [
        _filtered(pairs, counts, counted, min_shared, min_share)
        for pairs, counts in _counted(owner[kept], left[kept], len(shingles))
    ]
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *(pairs for pairs, _ in found)])
    shares = np.concatenate([np.zeros(0), *(shares for _, shares in found)])
    return pairs[_is_among_best(pairs, shares)]


def _counted(owner: np.ndarray, followers: np.ndarray, num_episodes: int):
    """Yields (pairs, how many shingles each shares), a range of first episodes at a time."""
    events = np.bincount(owner, weights=followers, minlength=num_episodes).cumsum()
    num_blocks = int(np.ceil(events[-1] / EVENTS_AT_ONCE)) if num_episodes else 0
    edges = np.searchsorted(events, np.arange(1, num_blocks) * EVENTS_AT_ONCE)
    for low, high in zip([0, *edges], [*edges, num_episodes], strict=True) if num_blocks else ():
        positions = np.flatnonzero((owner >= low) & (owner < high) & (followers > 0))
        firsts, seconds = [], []
        step = 1
        while len(positions):
            firsts.append(owner[positions])
            seconds.append(owner[positions + step])
            step += 1
            positions = positions[followers[positions] >= step]
        if not firsts:
            continue
        keys = np.concatenate(firsts).astype(np.int64) * num_episodes + np.concatenate(seconds)
        found, counts = np.unique(keys, return_counts=True)
        yield np.stack([found // num_episodes, found % num_episodes], axis=1), counts


def _filtered(pairs: np.ndarray, counts: np.ndarray, counted: np.ndarray, min_shared: int, min_share: float):
    shares = counts / np.minimum(counted[pairs[:, 0]], counted[pairs[:, 1]])
    good = (counts >= min_shared) & (shares >= min_share)
    return pairs[good], shares[good]


def _is_among_best(pairs: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Returns which pairs are among the MAX_PARTNERS best of either episode."""
    good = np.zeros(len(pairs), bool)
    for side in (0, 1):
        order = np.lexsort((pairs[:, 1 - side], -shares, pairs[:, side]))
        own = pairs[order, side]
        starts = np.flatnonzero(np.concatenate([[True], own[1:] != own[:-1]])) if len(own) else np.zeros(0, int)
        rank = np.arange(len(own)) - np.repeat(starts, np.diff(np.concatenate([starts, [len(own)]])))
        good[order[rank < MAX_PARTNERS]] = True
    return good
