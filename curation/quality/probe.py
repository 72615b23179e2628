"""Fills the camera facts: opens each video once and looks at some of its frames. Nothing that a video holds raises."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from curation.quality.camera_facts import CameraFacts
from data_contracts.errors import DatasetUnreadable

if TYPE_CHECKING:
    from data_contracts.lerobot import Episode, Frames, LeRobotDataset

SAMPLE_PX = 160
NUM_SAMPLES = 12
"""Sampled pictures are thinned to about this size: plenty for black and still, and 50 KB instead of 900 KB each."""


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
