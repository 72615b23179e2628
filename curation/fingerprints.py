"""What each kept episode is, in tiers: its values, its encoded pictures, its joints under another calibration, its likeness.

What does not belong here: comparing episodes with each other (`curation.duplicates`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from curation.duplicates.joints import MAX_SIZE, joint_digests, joint_path
from data_contracts.catalogue import FINGERPRINTS
from data_contracts.errors import ContractError
from data_contracts.identifiers import episode_hash, episode_id
from data_contracts.lerobot import open_dataset
from data_contracts.manifests import NormalisedDataset, NormalisedEpisode

if TYPE_CHECKING:
    from data_contracts.lerobot import Episode


def fingerprint(normalised: Path) -> pl.DataFrame:
    """Returns one row per episode of a normalised dataset (table FINGERPRINTS); no rows for a rejected one.

    `episode_hash` is that of the values as published. The hash of what was written is recomputed from the parquet, so that
    equal rows mean equal data on disk. Of each camera at most `pictures.MAX_PICTURES` frames are decoded.

    Raises:
        ContractError: an episode on disk is not the one that the manifest names.
        DatasetUnreadable: the normalised dataset, or a video of it, cannot be read back.
    """
    manifest = NormalisedDataset.read(normalised / "meta" / "deftworks.json")
    if not manifest.episodes:
        return FINGERPRINTS.frame([])
    dataset = open_dataset(normalised)
    rows = []
    for kept in manifest.episodes:
        episode = dataset.episode(kept.normalised_index)
        _check(episode, kept, manifest.dataset_id, normalised)
        rows.append(
            {
                "dataset_id": manifest.dataset_id,
                "episode_index": kept.episode_index,
                "normalised_index": kept.normalised_index,
                "num_frames": kept.num_frames,
                "episode_hash": kept.episode_hash,
                "written_hash": kept.written_hash,
                **episode_tiers(episode, [camera.key for camera in manifest.cameras]),
            }
        )
    return FINGERPRINTS.check(FINGERPRINTS.frame(rows))


def episode_tiers(episode: Episode, cameras: list[str]) -> dict[str, Any]:
    """Returns the columns of FINGERPRINTS that are measured on an episode, of any version of the format.

    Raises:
        VideoUnreadable: the frames of a camera are missing or broken.
    """
    from curation.duplicates.pictures import picture_digest, picture_signal

    state, action = episode.state_TS, episode.action_TA
    return {
        "picture_digests": sorted(picture_digest(episode, key) for key in cameras),
        "joint_digests": joint_digests(state, action),
        "state_size": min(state.shape[1], MAX_SIZE),
        "joint_path": joint_path(state, action),
        "picture_signals": [picture_signal(episode, key) for key in cameras],
    }


def _check(episode: Episode, kept: NormalisedEpisode, dataset_id: str, folder: Path) -> None:
    found = episode_hash(episode.state_TS, episode.action_TA)
    if (found, episode.num_frames) != (kept.written_hash, kept.num_frames):
        raise ContractError(
            f"{episode_id(dataset_id, kept.episode_index)} holds {episode.num_frames} frames with hash {found} in "
            f"{folder}; its manifest says {kept.num_frames} frames with hash {kept.written_hash}.",
            hint="The folder was changed after it was written: normalise the dataset again.",
        )
