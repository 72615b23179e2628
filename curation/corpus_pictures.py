"""What a dataset looks like, in a few small frames per camera, as JPEG.

What does not belong here: the page that shows them (`curation.corpus_page`).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_contracts.errors import DeftworksError
from data_contracts.layout import Lake
from data_contracts.manifests import RawDataset

if TYPE_CHECKING:
    from data_contracts.lerobot.reader import LeRobotDataset

NUM_FRAMES = 4
MOST_CAMERAS = 3
TILE_HW = (90, 120)
QUALITY = 55


def contact_strips(lake: Lake, dataset_id: str) -> dict[str, bytes]:
    """Returns a strip of evenly spaced frames of one episode for each camera that can be decoded: camera key to JPEG.

    As normalised where it was; as the source published it where it was not.
    """
    for root in _roots(lake, dataset_id):
        strips = dict(_strips(root))
        if strips:
            return strips
    return {}


def _roots(lake: Lake, dataset_id: str) -> Iterator[Path]:
    yield lake.normalised(dataset_id)
    try:
        yield Path(RawDataset.read(lake.raw(dataset_id) / "raw.json").path)
    except DeftworksError:
        return  # never had: there is nothing to look at


def _strips(root: Path) -> Iterator[tuple[str, bytes]]:
    from data_contracts.lerobot import open_dataset

    try:
        dataset = open_dataset(root)
        cameras = dataset.camera_keys[:MOST_CAMERAS] if dataset.episode_indices else []
    except DeftworksError:
        return  # its findings say why
    for camera in cameras:
        try:
            strip = _strip(dataset, camera)
        except DeftworksError:
            continue  # its findings say why
        if strip is not None:
            yield camera, strip


def _strip(dataset: LeRobotDataset, camera: str) -> bytes | None:
    from PIL import Image, ImageOps

    episode = dataset.episode(dataset.episode_indices[0])
    if not episode.has_video(camera) or not episode.num_frames:
        return None
    height, width = TILE_HW
    wanted = np.linspace(0, episode.num_frames - 1, NUM_FRAMES).round().astype(int)
    frames_NHWC = episode.frames(camera).decode(sorted(set(wanted.tolist())))
    strip = Image.new("RGB", (NUM_FRAMES * width, height))
    for place, frame_HWC in enumerate(frames_NHWC):
        tile = ImageOps.pad(Image.fromarray(frame_HWC), (width, height))
        strip.paste(tile, (place * width, 0))
    buffer = io.BytesIO()
    strip.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return buffer.getvalue()
