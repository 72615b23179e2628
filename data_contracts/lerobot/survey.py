"""What is wrong with a dataset as a whole: cameras, files, columns, counts, splits, statistics.

Seen from metadata, file names and parquet footers. What takes reading rows is in `checks`; frames are the detectors'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_contracts.findings import Finding
from data_contracts.lerobot.info import DatasetInfo
from data_contracts.lerobot.survey_cameras import survey_cameras
from data_contracts.lerobot.survey_counts import survey_counts, survey_splits
from data_contracts.lerobot.survey_data import survey_data
from data_contracts.lerobot.survey_files import survey_files
from data_contracts.lerobot.survey_statistics import survey_statistics

if TYPE_CHECKING:
    from data_contracts.lerobot.reader import LeRobotDataset


def survey(info: DatasetInfo, dataset: LeRobotDataset) -> list[Finding]:
    """Returns the findings of every part, the gravest kinds (missing data and video) first."""
    return [
        *survey_data(dataset),
        *survey_cameras(dataset),
        *survey_files(dataset),
        *survey_counts(info, dataset),
        *survey_splits(dataset),
        *survey_statistics(dataset),
    ]
