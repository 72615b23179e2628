"""Fills the camera facts: opens each video once and looks at some of its frames. Nothing that a video holds raises."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from curation.quality.camera_facts import CameraFacts
from curation.quality.sampling import sampled_frames
from curation.quality.thumbnail import FINE_PX, HALVED_FROM_PX, factor_to, levels, reduced, sharpness
from data_contracts.errors import DatasetUnreadable

if TYPE_CHECKING:
    from data_contracts.lerobot import Episode, Frames, LeRobotDataset

NUM_DETAILED = 12
"""Pictures whose sharpness is measured."""


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
        seen = look(frames, dataset.fps)
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
        **seen,
    )


def look(frames: Frames, fps: float) -> dict[str, np.ndarray]:
    """Returns what the sampled frames show, under the names of the arrays of `CameraFacts`. Raises VideoUnreadable."""
    keys = key_frames(frames)
    numbers = sampled_frames(len(frames), fps, keys)
    if not len(numbers):
        return {}
    detailed = set(numbers[np.linspace(0, len(numbers) - 1, min(NUM_DETAILED, len(numbers))).astype(int)].tolist())
    size = (frames.height, frames.width)
    factor, seen, sharp = factor_to(size, FINE_PX), {}, []
    for number, luma_HW, black, white in frames.luma(numbers):
        seen[number] = levels(reduced(luma_HW, factor), black, white)
        if number in detailed:
            sharp.append(sharpness(luma_HW))
    fine_NHW = np.stack([seen[number] for number in sorted(seen)])
    return {
        "numbers_N": numbers,
        "thumbs_NHW": _halved(fine_NHW) if max(fine_NHW.shape[1:]) > HALVED_FROM_PX else fine_NHW,
        "is_key_N": np.isin(numbers, keys),
        "change_N": _largest_changes(fine_NHW),
        "sharpness_K": np.array(sharp, np.float32),
    }


def key_frames(frames: Frames) -> np.ndarray:
    """Returns the numbers within the episode at which decoding can start: all of them for images."""
    from data_contracts.lerobot.video import VideoFrames

    if not isinstance(frames, VideoFrames):
        return np.arange(len(frames))
    numbers = frames.index.key_frames - frames.first_frame
    return numbers[(numbers >= 0) & (numbers < len(frames))]


def _video(dataset: LeRobotDataset, index: int, key: str) -> tuple[Frames, bool]:
    from data_contracts.lerobot.video import VideoFrames, video_index

    segment = dataset.video_segment(key, index)
    if segment is None:
        raise DatasetUnreadable(f"Episode {index} has no frames of {key!r}.")
    video = video_index(segment.path)
    if video.num_lost and segment.first_frame + segment.num_frames >= video.num_frames:
        raise DatasetUnreadable(f"{segment.path} breaks off: {video.num_lost} of its frames are lost.")
    return VideoFrames(video, segment.first_frame, segment.num_frames), video.has_audio


def _halved(fine_NHW: np.ndarray) -> np.ndarray:
    height, width = fine_NHW.shape[1] // 2 * 2, fine_NHW.shape[2] // 2 * 2
    quarters = [fine_NHW[:, row:height:2, column:width:2].astype(np.uint16) for row in (0, 1) for column in (0, 1)]
    return ((sum(quarters) + 2) // 4).astype(np.uint8)


def _largest_changes(fine_NHW: np.ndarray) -> np.ndarray:
    change_N = np.zeros(len(fine_NHW), np.float32)
    for number in range(1, len(fine_NHW)):
        difference_HW = np.abs(fine_NHW[number].astype(np.int16) - fine_NHW[number - 1])
        change_N[number] = difference_HW.max()
    return change_N


def _declared_codec(info: dict[str, Any]) -> str | None:
    codec = info.get("video.codec")
    return codec if isinstance(codec, str) and codec else None
