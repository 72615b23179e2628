"""Fingerprints of an episode's pictures: a digest of the encoded bytes, and small grey pictures over time.

The digest is over the content of the packets, so that it stays when a video is only copied into another file. The small
pictures survive another encoding, size and container; a mirrored copy is met by mirroring one side when two are compared.

What does not belong here: judging the pictures (`curation.quality`), and comparing them (`alignment`).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from curation.duplicates.signal import packed, unpacked

if TYPE_CHECKING:
    from data_contracts.lerobot import Episode

GRID = 8
"""Small pictures are GRID by GRID: coarse enough for any encoding, fine enough to tell where an arm and an object are."""
MAX_PICTURES = 32
ROUNDED_TO = 16
"""Grey values are rounded to this part of a level, which hides in which order they were summed."""


def picture_digest(episode: Episode, camera_key: str) -> str:
    """Returns sha256 over the encoded frames of a camera (packets or image files). Raises VideoUnreadable."""
    digest = hashlib.sha256()
    segment = episode.video_segment(camera_key)
    if segment is None:
        for number in range(episode.num_frames):
            digest.update(hashlib.sha256(episode.frames(camera_key).encoded(number)).digest())
    else:
        packets = _packet_digests(segment.path, segment.path.stat().st_mtime_ns)
        last = segment.first_frame + min(segment.num_frames, episode.num_frames)
        digest.update(b"".join(packets[segment.first_frame : last]))
    return f"sha256:{digest.hexdigest()}"


def picture_signal(episode: Episode, camera_key: str) -> bytes:
    """Returns the packed small pictures of a camera, GRID * GRID values each. Raises VideoUnreadable."""
    frames = episode.frames(camera_key)
    length = min(len(frames), episode.num_frames)
    numbers = np.unique(np.linspace(0, length - 1, min(MAX_PICTURES, length)).round().astype(int))
    pictures = [_small(frame) for frame in frames.decode(numbers.tolist())]
    return packed(np.stack(pictures).reshape(len(pictures), GRID * GRID))


def contrasts(content: bytes) -> np.ndarray:
    """Returns the packed small pictures, each less its mean: another encoding or exposure shifts all of a picture by a level."""
    pictures = unpacked(content)
    return pictures - pictures.mean(axis=1, keepdims=True)


def mirrored(pictures_NP: np.ndarray) -> np.ndarray:
    """Returns small pictures with left and right exchanged."""
    return pictures_NP.reshape(-1, GRID, GRID)[:, :, ::-1].reshape(len(pictures_NP), -1)


def _small(frame_HWC: np.ndarray) -> np.ndarray:
    grey = (frame_HWC.astype(np.int32) * (77, 150, 29)).sum(axis=2)  # BT.601 in 256ths, whole numbers
    rows = _area_means(grey)
    return np.round(_area_means(rows.T).T * (ROUNDED_TO / 256)) / ROUNDED_TO


def _area_means(values: np.ndarray) -> np.ndarray:
    """Returns the means over GRID equal parts of the first axis; parts may divide a row, so that mirroring commutes."""
    length = len(values)
    edges = np.linspace(0, length, GRID + 1)
    whole = np.minimum(edges.astype(np.int64), length - 1)
    sums = np.concatenate([np.zeros((1, values.shape[1]), values.dtype), np.cumsum(values, axis=0)])
    return np.diff(sums[whole] + (edges - whole)[:, None] * values[whole], axis=0) / (length / GRID)


@lru_cache(maxsize=4)
def _packet_digests(path: Path, _changed_ns: int) -> list[bytes]:
    """Returns sha256 of the packet of each frame of a file, in the order shown. Its episodes are read one after the other."""
    import av

    from data_contracts.errors import VideoUnreadable
    from data_contracts.lerobot.video import OPENED_AS

    try:
        with av.open(str(path), options=OPENED_AS, metadata_errors="replace") as container:
            packets = [
                (packet.pts, hashlib.sha256(bytes(packet)).digest())
                for packet in container.demux(container.streams.video[0])
                if packet.pts is not None and not packet.is_discard and not packet.is_corrupt
            ]
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoUnreadable(f"{path} cannot be read: {error}.", hint="Normalise the dataset again.") from error
    return [digest for _, digest in sorted(packets, key=lambda packet: packet[0])]
