"""Reads honest recordings, publishes attacked ones as LeRobot datasets, and fingerprints both as the pipeline does."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from attacks import Recording

from curation.fingerprints import episode_tiers
from data_contracts.errors import DeftworksError
from data_contracts.identifiers import episode_hash
from data_contracts.lerobot import DatasetWriter, open_dataset

STATE, ACTION = "observation.state", "action"


def dataset_folders(roots: list[Path]) -> list[Path]:
    """Returns the folders of all datasets below the roots, sorted by name."""
    found = {info.parent.parent for root in roots for info in root.glob("*/meta/info.json")}
    return sorted((folder for folder in found if not folder.name.startswith(".")), key=lambda folder: folder.name)


def task_of(dataset: str) -> str:
    """Returns what the episodes of a dataset show: its name without the contributor and the running number."""
    return re.sub(r"-\d+$", "", dataset.partition("__")[2])


def part_of(dataset: str) -> str:
    """Returns tuning or reported: the running number of the dataset decides; without one it counts as tuning."""
    number = re.search(r"-(\d+)$", dataset)
    return "reported" if number and int(number[1]) % 3 else "tuning"


def honest_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Yields a FINGERPRINTS row per readable episode; says on stderr what cannot be read."""
    try:
        dataset = open_dataset(folder)
    except DeftworksError as error:
        sys.stderr.write(f"{folder.name}: {error}\n")
        return
    for number in dataset.episode_indices:
        try:
            yield _row(dataset, number, folder.name, number)
        except DeftworksError as error:
            sys.stderr.write(f"{folder.name} {number}: {error}\n")


def read_recording(folder: Path, number: int) -> Recording:
    """Returns an episode with all its frames."""
    dataset = open_dataset(folder)
    episode = dataset.episode(number)
    keys = [key for key in dataset.camera_keys if episode.has_video(key)]
    return Recording(
        dataset=folder.name,
        episode=number,
        task=episode.task,
        fps=round(dataset.fps),
        state=episode.state_TS.astype(np.float64),
        action=episode.action_TA.astype(np.float64),
        cameras={key: np.stack(list(episode.frames(key)))[: episode.num_frames] for key in keys},
    )


def published_row(recording: Recording, folder: Path, dataset_id: str, number: int, codec: str) -> dict[str, Any]:
    """Writes the recording as a dataset of one episode into `folder` and returns its FINGERPRINTS row."""
    features: dict[str, Any] = {
        STATE: {"dtype": "float32", "shape": [recording.state.shape[1]], "names": None},
        ACTION: {"dtype": "float32", "shape": [recording.action.shape[1]], "names": None},
    }
    for key, frames in recording.cameras.items():
        features[key] = {"dtype": "video", "shape": list(frames.shape[1:]), "names": ["height", "width", "channel"]}
    with DatasetWriter(folder, fps=recording.fps, robot_type=None, features=features, video_codec=codec) as writer:
        writer.add_episode(
            columns={STATE: recording.state.astype(np.float32), ACTION: recording.action.astype(np.float32)},
            task=recording.task or "a task",
            videos=recording.cameras,
        )
    return _row(open_dataset(folder), 0, dataset_id, number)


def _row(dataset: Any, number: int, dataset_id: str, published_number: int) -> dict[str, Any]:
    episode = dataset.episode(number)
    digest = episode_hash(episode.state_TS, episode.action_TA)
    return {
        "dataset_id": dataset_id,
        "episode_index": published_number,
        "normalised_index": published_number,
        "num_frames": episode.num_frames,
        "episode_hash": digest,
        "written_hash": digest,
        **episode_tiers(episode, [key for key in dataset.camera_keys if episode.has_video(key)]),
    }
