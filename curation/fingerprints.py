"""What each kept episode is: its canonical hash, taken again from what was written.

What does not belong here: comparing episodes with each other (`curation.duplicates`).
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data_contracts.catalogue import FINGERPRINTS
from data_contracts.errors import ContractError
from data_contracts.identifiers import episode_hash, episode_id
from data_contracts.lerobot import open_dataset
from data_contracts.manifests import NormalisedDataset


def fingerprint(normalised: Path) -> pl.DataFrame:
    """Returns one row per episode of a normalised dataset (table FINGERPRINTS); no rows for a rejected one.

    The hash is recomputed from the parquet that was written, so that equal rows here mean equal data on disk.

    Raises:
        ContractError: an episode on disk is not the one that the manifest names.
        DatasetUnreadable: the normalised dataset cannot be read back.
    """
    manifest = NormalisedDataset.read(normalised / "meta" / "deftworks.json")
    if not manifest.episodes:
        return FINGERPRINTS.frame([])
    dataset = open_dataset(normalised)
    rows = []
    for kept in manifest.episodes:
        episode = dataset.episode(kept.normalised_index)
        found = episode_hash(episode.state_TS, episode.action_TA)
        if (found, episode.num_frames) != (kept.written_hash, kept.num_frames):
            raise ContractError(
                f"{episode_id(manifest.dataset_id, kept.episode_index)} holds {episode.num_frames} frames with hash {found} in "
                f"{normalised}; its manifest says {kept.num_frames} frames with hash {kept.written_hash}.",
                hint="The folder was changed after it was written: normalise the dataset again.",
            )
        rows.append(
            {
                "dataset_id": manifest.dataset_id,
                "episode_index": kept.episode_index,
                "normalised_index": kept.normalised_index,
                "num_frames": kept.num_frames,
                "episode_hash": found,
            }
        )
    return FINGERPRINTS.check(FINGERPRINTS.frame(rows))
