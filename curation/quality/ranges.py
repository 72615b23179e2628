"""Which episodes of a dataset can be compared, and how far each dimension reaches over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curation.quality.facts import EpisodeSummary

STUB_FRAMES = 10
"""Shorter episodes are reported as stubs and say nothing about how a joint moves."""
SMALL_RANGE = 0.01
"""A dimension with less than this part of the largest range of its vector holds noise, and noise jumps all the time."""
SMALL_JOINT = 0.1
"""A joint that covers less than this part of the largest range of its vector is jolted by contacts."""
FEW_EPISODES, BEYOND_USUAL = 5, 0.05
"""From that many episodes on, a twentieth of them may reach further than the usual range."""
BRISK_FPS = 30.0
"""At lower rates a motion changes by more from frame to frame: limits on what happens between frames are wider."""


def comparable(episodes: Sequence[EpisodeSummary], key: str) -> list[EpisodeSummary]:
    """Returns the episodes that have the column, as wide as the first of them; stubs are left out."""
    whole = [episode for episode in episodes if episode.num_frames >= STUB_FRAMES and key in episode.columns]
    return [e for e in whole if e.columns[key].low_D.size == whole[0].columns[key].low_D.size]


def dataset_range(episodes: Sequence[EpisodeSummary], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the lowest and highest value of each dimension over the episodes, of which there is at least one."""
    low_D = np.min([episode.columns[key].low_D for episode in episodes], axis=0)
    return low_D, np.max([episode.columns[key].high_D for episode in episodes], axis=0)


def usual_range(episodes: Sequence[EpisodeSummary], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the same for nearly all episodes: one in another unit would make every motion of the others look small."""
    if len(episodes) < FEW_EPISODES:
        return dataset_range(episodes, key)
    low_D = np.quantile([episode.columns[key].low_D for episode in episodes], BEYOND_USUAL, axis=0, method="higher")
    high_D = np.quantile(
        [episode.columns[key].high_D for episode in episodes], 1 - BEYOND_USUAL, axis=0, method="lower"
    )
    return low_D, high_D
