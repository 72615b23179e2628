"""Fills the facts from a dataset: reads each episode's rows, opens each video once, decodes three frames of it.

What is broken becomes part of the facts or a finding here; nothing that a dataset holds raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from curation.quality.card import read_card
from curation.quality.facts import ACTION, STATE, CameraFacts, DatasetFacts, EpisodeFacts, EpisodeSummary
from data_contracts.errors import DatasetUnreadable
from data_contracts.findings import Finding, gated_episodes
from data_contracts.lerobot.checks import check_rows

if TYPE_CHECKING:
    from data_contracts.lerobot import Episode, Frames, LeRobotDataset

SAMPLE_PX = 160
NUM_SAMPLES = 12
"""Sampled pictures are thinned to about this size: plenty for black and still, and 50 KB instead of 900 KB each."""


def read_episode(dataset: LeRobotDataset, index: int) -> tuple[EpisodeFacts | None, Episode | None, list[Finding]]:
    """Returns an episode's facts without cameras, the opened episode, and what the reader found in its rows.

    Both are None where the rows cannot be used; a finding that gates the episode says why, unless `dataset.findings` does.
    """
    findings: list[Finding] = []
    try:
        episode = dataset.episode(index)
        findings = check_rows(episode.columns, dataset.record(index), dataset.features, dataset.tasks)
        facts = EpisodeFacts(
            index=index,
            fps=dataset.fps,
            timestamps_s=episode.timestamps_s,
            state_TS=episode.state_TS,
            action_TA=episode.action_TA,
            state_names=_names(dataset, STATE),
            action_names=_names(dataset, ACTION),
            task=episode.task,
        )
    except DatasetUnreadable as error:
        return None, None, _with_gate(dataset, index, findings, error.message)
    except (ValueError, TypeError) as error:  # a column holds another type than its name promises
        return None, None, _with_gate(dataset, index, findings, f"The rows cannot be used: {error}.")
    return (facts if facts.num_frames else None), episode, findings


def probe_cameras(
    dataset: LeRobotDataset, index: int, episode: Episode | None, pool: Executor
) -> tuple[CameraFacts, ...]:
    """Returns what is known of each camera that has frames for the episode. Images in lost rows are left out."""
    keys = [
        key
        for key in dataset.camera_keys
        if dataset.has_frames(key, index) and (episode is not None or key not in dataset.image_keys)
    ]
    return tuple(pool.map(partial(_probe, dataset, index, episode), keys))


def _probe(dataset: LeRobotDataset, index: int, episode: Episode | None, key: str) -> CameraFacts:
    file = dataset.locations.videos.get((key, index)) or f"the images of {key}"
    feature = dataset.features[key]
    is_video = key not in dataset.image_keys
    try:
        frames, has_audio = _video(dataset, index, key) if is_video else (episode.frames(key), False)
        samples_NHWC = frames.decode(_spread(len(frames)))
    except DatasetUnreadable as error:
        return CameraFacts(index, key, file, error=error.message)
    except (
        Exception
    ) as error:  # damaged bytes make the decoder's bindings raise anything: it is this video that is broken
        return CameraFacts(index, key, file, error=f"{file} cannot be decoded: {type(error).__name__}: {error}.")
    return CameraFacts(
        episode=index,
        key=key,
        file=file,
        declared_codec=_declared_codec(feature.info) if is_video else None,
        declared_size=feature.shape[:2] if len(feature.shape) == 3 and all(feature.shape) else None,
        codec=frames.codec,
        size=(frames.height, frames.width),
        num_frames=len(frames),
        has_audio=has_audio,
        samples_NHWC=_thinned(samples_NHWC),
    )


def describe_dataset(
    dataset: LeRobotDataset, dataset_id: str, episodes: Iterable[EpisodeSummary], videos: Iterable[CameraFacts]
) -> DatasetFacts:
    """Returns the dataset as the detectors see it."""
    card = read_card(dataset.files)
    return DatasetFacts(
        dataset_id=dataset_id,
        robot_type=dataset.robot_type,
        licence=dataset.licence,
        tags=card.tags,
        card=card.prose,
        tasks=dataset.tasks,
        num_episodes=len(dataset.episode_indices),
        columns=frozenset(dataset.features),
        declared_cameras=dataset.declared_camera_keys,
        episodes=tuple(episodes),
        videos=tuple(videos),
    )


def _video(dataset: LeRobotDataset, index: int, key: str) -> tuple[Frames, bool]:
    from data_contracts.lerobot.video import VideoFrames, video_index

    segment = dataset.video_segment(key, index)
    if segment is None:
        raise DatasetUnreadable(f"Episode {index} has no frames of {key!r}.")
    video = video_index(segment.path)
    return VideoFrames(video, segment.first_frame, segment.num_frames), video.has_audio


def _spread(num_frames: int) -> list[int]:
    """Returns up to NUM_SAMPLES frames from the first to the last: damage in the middle of a file must not pass."""
    return sorted({round(place) for place in np.linspace(0, num_frames - 1, min(NUM_SAMPLES, num_frames))})


def _thinned(samples_NHWC: np.ndarray) -> np.ndarray:
    step = max(1, max(samples_NHWC.shape[1:3]) // SAMPLE_PX)
    return np.ascontiguousarray(samples_NHWC[:, ::step, ::step])


def _declared_codec(info: dict[str, Any]) -> str | None:
    codec = info.get("video.codec")
    return codec if isinstance(codec, str) and codec else None


def _names(dataset: LeRobotDataset, key: str) -> tuple[str, ...]:
    feature = dataset.features.get(key)
    return (feature.names if feature else None) or ()


def _with_gate(dataset: LeRobotDataset, index: int, findings: list[Finding], message: str) -> list[Finding]:
    """Returns findings that gate the episode: those there are, with one more where none of them does."""
    if gated_episodes([*dataset.findings, *findings], [index]):
        return findings
    unreadable = Finding(code="structure.undecodable_parquet", severity="gate", episodes=(index,), message=message)
    return [*findings, unreadable]
