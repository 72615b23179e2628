"""The LeRobot dataset format: read v2.0, v2.1 and v3.0 through one view, write v3.0.

    from data_contracts.lerobot import open_dataset
    dataset = open_dataset(folder)
    episode = dataset.episode(0)
    episode.state_TS, episode.action_TA, episode.frames("observation.images.top").decode([0, 10])

What may be odd about a dataset that somebody published is collected as findings; only what nothing can work without raises.
Judging the content (motion, images, texts) belongs to `curation.quality`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.lerobot.episode import Episode, Frames, VideoSegment
from data_contracts.lerobot.features import Feature
from data_contracts.lerobot.reader import LeRobotDataset, open_dataset

if TYPE_CHECKING:
    from data_contracts.lerobot.writer import DatasetWriter

__all__ = ["DatasetWriter", "Episode", "Feature", "Frames", "LeRobotDataset", "VideoSegment", "open_dataset"]


def __getattr__(name: str) -> Any:
    """Imports the writer when it is asked for: it needs PyAV, which reading metadata and rows does not."""
    if name == "DatasetWriter":
        from data_contracts.lerobot.writer import DatasetWriter

        return DatasetWriter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
