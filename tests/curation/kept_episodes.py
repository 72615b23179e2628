"""The table and the manifest that normalising starts from, for a dataset that no detector was asked about."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl

from data_contracts.catalogue import EPISODES
from data_contracts.lerobot import open_dataset
from data_contracts.manifests import RawDataset


def episode_table(root: Path, rejected: Collection[int] = ()) -> pl.DataFrame:
    dataset = open_dataset(root)
    return EPISODES.frame(
        {
            "dataset_id": root.name,
            "episode_index": number,
            "num_frames": dataset.episode(number).num_frames,
            "duration_s": dataset.episode(number).num_frames / dataset.fps,
            "is_kept": number not in rejected,
            "reasons": ["motion.static"] if number in rejected else [],
        }
        for number in dataset.episode_indices
    )


def raw_dataset(root: Path) -> RawDataset:
    return RawDataset(
        dataset_id=root.name, source="folder:x", path=str(root), revision="sha256:" + "1" * 64, contributor="lab-a",
        size_bytes=1, num_files=1,
    )  # fmt: skip
