"""How far each dimension of state and action reaches in a dataset: what ranges per robot and the fleet are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from curation.quality.facts import EpisodeSummary
from data_contracts.catalogue import JOINT_RANGES


def joint_ranges(dataset_id: str, robot_type: str | None, episodes: Sequence[EpisodeSummary]) -> pl.DataFrame:
    """Returns one row per column and dimension over all readable episodes (table JOINT_RANGES)."""
    rows = []
    for key in dict.fromkeys(key for episode in episodes for key in episode.columns):
        columns = [episode.columns[key] for episode in episodes if key in episode.columns]
        columns = [column for column in columns if column.low_D.size == columns[0].low_D.size]
        low_D = np.min([column.low_D for column in columns], axis=0)
        high_D = np.max([column.high_D for column in columns], axis=0)
        centre_D = np.median([column.centre_D for column in columns], axis=0)
        for dimension in range(low_D.size):
            rows.append(
                {
                    "dataset_id": dataset_id,
                    "column": key,
                    "dimension": dimension,
                    "name": columns[0].name(dimension),
                    "robot_type": robot_type,
                    "num_episodes": len(columns),
                    "low": float(low_D[dimension]),
                    "high": float(high_D[dimension]),
                    "centre": float(centre_D[dimension]),
                }
            )
    return JOINT_RANGES.frame(rows)
