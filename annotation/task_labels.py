"""The table `task_labels`: one row per kept episode of a normalised dataset, with the original text beside the label."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from annotation.annotator import Annotator, EpisodeToLabel, Label, failed
from data_contracts.catalogue import TASK_LABELS
from data_contracts.errors import DeftworksError
from data_contracts.manifests import NormalisedDataset, NormalisedEpisode

if TYPE_CHECKING:
    from data_contracts.lerobot import LeRobotDataset

MANIFEST = "meta/deftworks.json"


def label_tasks(normalised: Path, annotator: Annotator) -> pl.DataFrame:
    """Returns TASK_LABELS for every kept episode of the normalised dataset in the folder `normalised`.

    An episode that cannot be read or annotated gets a row without a label whose note begins with `failed:`, and the run goes
    on. Rows keep the order of the manifest; a rejected dataset has none.

    Raises:
        ContractError: the folder holds no valid meta/deftworks.json.
        NotADataset, DatasetUnreadable, UnknownVersion: it cannot be opened at all.
    """
    manifest = NormalisedDataset.read(normalised / MANIFEST)
    if not manifest.episodes:
        return TASK_LABELS.frame([])
    from data_contracts.lerobot import open_dataset

    dataset = open_dataset(normalised)
    return TASK_LABELS.frame(_row(dataset, manifest, episode, annotator) for episode in manifest.episodes)


def _row(
    dataset: LeRobotDataset, manifest: NormalisedDataset, kept: NormalisedEpisode, annotator: Annotator
) -> dict[str, Any]:
    original: str | None = None
    try:
        episode = episode_to_label(dataset, manifest, kept)
        original = episode.original
        label = annotator.annotate(episode)
    except DeftworksError as error:
        label = failed(str(error))
    return _values(manifest.dataset_id, kept.episode_index, original, label, annotator)


def _values(
    dataset_id: str, episode_index: int, original: str | None, label: Label, annotator: Annotator
) -> dict[str, Any]:
    return {
        "dataset_id": dataset_id,
        "episode_index": episode_index,
        "original": original,
        "label": label.text,
        "annotator": annotator.name,
        "prompt_hash": annotator.prompt_hash,
        "confidence": label.confidence,
        "note": label.note,
    }


def episode_to_label(dataset: LeRobotDataset, manifest: NormalisedDataset, kept: NormalisedEpisode) -> EpisodeToLabel:
    """Returns an episode of an opened dataset as annotators see it. Reads its rows; pictures and joints only on demand.

    Raises:
        ContractError, DatasetUnreadable: the episode is not there, or its rows cannot be read.
    """
    episode = dataset.episode(kept.normalised_index)

    def _decode(camera_key: str, indices: Sequence[int]) -> np.ndarray:
        return episode.frames(camera_key).decode(indices)

    def _read_gripper() -> np.ndarray:
        state = gripper_columns(manifest.state_names)
        if state:
            return episode.state_TS[:, state]
        return episode.action_TA[:, gripper_columns(manifest.action_names)]

    return EpisodeToLabel(
        dataset_id=manifest.dataset_id,
        episode_index=kept.episode_index,
        texts=_distinct([episode.task, *episode.tasks]),
        robot_type=manifest.robot_type,
        camera_keys=tuple(camera.key for camera in manifest.cameras if episode.has_video(camera.key)),
        num_frames=kept.num_frames,
        fps=dataset.fps,
        decode=_decode,
        read_gripper=functools.cache(_read_gripper),
    )


def gripper_columns(names: Sequence[str]) -> list[int]:
    """Returns which of the named joints are grippers, by the word in their names (`gripper.pos`, `right_hand_gripper`)."""
    return [number for number, name in enumerate(names) if "gripper" in name.lower()]


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
