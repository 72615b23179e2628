"""Pictures: whether they can be decoded, are as many as the rows, and show something. One pass over each episode's cameras.

Sampled frames are the first, the middle and the last; a picture in between that cannot be decoded is met by normalising.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from curation.quality.camera_facts import CameraFacts
from curation.quality.detector import Detector
from curation.quality.facts import DatasetFacts, EpisodeFacts
from curation.quality.movement import net_travel
from data_contracts.findings import Finding

BLACK_LEVEL = 16
BLACK_SHARE = 0.99
"""Nearly every value of 0..255 below 16: a capped lens or an unplugged camera. A dark room stays above that somewhere."""
CHANGED_LEVEL = 16
"""Encoding the same picture again moves values by less."""
CHANGED_SHARE = 0.001
CANONICAL_CODECS = {
    "libsvtav1": "av1", "libaom-av1": "av1", "libdav1d": "av1", "av01": "av1", "svtav1": "av1",
    "libx264": "h264", "avc1": "h264", "avc": "h264", "x264": "h264", "h264_nvenc": "h264", "h264_videotoolbox": "h264",
    "libx265": "hevc", "h265": "hevc", "hvc1": "hevc", "hev1": "hevc", "hevc_nvenc": "hevc", "hevc_videotoolbox": "hevc",
    "mp4v": "mpeg4", "libvpx-vp9": "vp9",
}  # fmt: skip
"""Names of encoders and container tags that people declare, and the codec that each of them writes."""


def detect_undecodable(camera: CameraFacts) -> Finding | None:
    """The video cannot be opened, or its first, middle or last frame cannot be decoded."""
    if not camera.error:
        return None
    return camera.finding("video.undecodable", "gate", camera.error, file=camera.file)


def detect_black(camera: CameraFacts) -> Finding | None:
    """The first, middle and last picture are all black."""
    if not is_black(camera.thumbs_NHW):
        return None
    return camera.finding("video.black", "warn", f"{camera.file} is black.", file=camera.file)


def detect_has_audio(camera: CameraFacts) -> Finding | None:
    """The video carries sound, in which people may be heard."""
    if not camera.has_audio:
        return None
    return camera.finding("video.has_audio", "note", f"{camera.file} carries sound.", file=camera.file)


def detect_frozen(episode: EpisodeFacts) -> list[Finding]:
    """The robot moves, and the first, middle and last picture are the same."""
    is_finite = np.isfinite(episode.state_TS).all()
    if not is_finite or not episode.num_frames or not net_travel(episode.state_TS, episode.fps).any():
        return []
    return [
        camera.finding("video.frozen", "warn", f"{camera.file} shows one still picture.", file=camera.file)
        for camera in episode.cameras
        if is_still(camera.thumbs_NHW) and not is_black(camera.thumbs_NHW)
    ]


def detect_video_shorter(episode: EpisodeFacts) -> list[Finding]:
    """A video has fewer frames than the episode has rows: the last rows have no picture."""
    return [
        camera.finding("time.video_shorter", "gate", _lengths(episode, camera), num_frames=camera.num_frames)
        for camera in episode.cameras
        if not camera.error and camera.num_frames < episode.num_frames
    ]


def detect_video_longer(episode: EpisodeFacts) -> list[Finding]:
    """A video has more frames than the episode has rows, as when a discarded take was not cleared."""
    return [
        camera.finding("time.video_longer", "warn", _lengths(episode, camera), num_frames=camera.num_frames)
        for camera in episode.cameras
        if not camera.error and camera.num_frames > episode.num_frames
    ]


def detect_codec_mismatch(dataset: DatasetFacts) -> list[Finding]:
    """A video is encoded otherwise than meta/info.json declares. Decoding does not care; concatenating does."""
    return _differing(
        dataset,
        "video.codec_mismatch",
        declared=lambda camera: canonical_codec(camera.declared_codec) if camera.declared_codec else None,
        found=lambda camera: camera.codec,
        written=lambda camera: f"{camera.key} is {camera.codec}, meta/info.json declares {camera.declared_codec}.",
    )


def detect_size_mismatch(dataset: DatasetFacts) -> list[Finding]:
    """The pictures have another size than meta/info.json declares."""
    return _differing(
        dataset,
        "video.size_mismatch",
        declared=lambda camera: camera.declared_size,
        found=lambda camera: camera.size,
        written=lambda camera: (
            f"{camera.key} is {_size(camera.size)}, meta/info.json declares {_size(camera.declared_size)}."
        ),
    )


def _differing(
    dataset: DatasetFacts,
    code: str,
    *,
    declared: Callable[[CameraFacts], object],
    found: Callable[[CameraFacts], object],
    written: Callable[[CameraFacts], str],
) -> list[Finding]:
    """Returns a finding per camera whose frames differ from its declaration; for the dataset where all of them do."""
    findings = []
    for key in dataset.declared_cameras:
        videos = [video for video in dataset.videos if video.key == key and not video.error and declared(video)]
        differing = [video for video in videos if declared(video) != found(video)]
        if differing:
            is_all = len(differing) == len(videos)
            episodes = None if is_all else [video.episode for video in differing]
            findings.append(dataset.finding(code, "warn", written(differing[0]), episodes=episodes, camera=key))
    return findings


def canonical_codec(declared: str) -> str:
    """Returns FFmpeg's name of the codec that was declared by the name of an encoder or a container tag."""
    name = declared.strip().lower()
    return CANONICAL_CODECS.get(name, name)


def is_black(thumbs_NHW: np.ndarray) -> bool:
    """True where there are pictures and nearly every value of them is black."""
    return bool(thumbs_NHW.size) and float((thumbs_NHW < BLACK_LEVEL).mean()) >= BLACK_SHARE


def is_still(thumbs_NHW: np.ndarray) -> bool:
    """True where there are at least three pictures and less than 0.1% of the pixels of any differ from the first."""
    if len(thumbs_NHW) < 3:
        return False
    difference = np.abs(thumbs_NHW[1:].astype(np.int16) - thumbs_NHW[:1])
    return bool(((difference > CHANGED_LEVEL).mean(axis=(1, 2)) < CHANGED_SHARE).all())


def _lengths(episode: EpisodeFacts, camera: CameraFacts) -> str:
    return f"{camera.file} has {camera.num_frames} frames for {episode.num_frames} rows."


def _size(size: tuple[int, int] | None) -> str:
    return f"{size[1]}x{size[0]}" if size else "unknown"


DETECTORS = (
    Detector("video.undecodable", "camera", detect_undecodable),
    Detector("video.black", "camera", detect_black),
    Detector("video.has_audio", "camera", detect_has_audio),
    Detector("video.frozen", "episode", detect_frozen),
    Detector("time.video_shorter", "episode", detect_video_shorter),
    Detector("time.video_longer", "episode", detect_video_longer),
    Detector("video.codec_mismatch", "dataset", detect_codec_mismatch),
    Detector("video.size_mismatch", "dataset", detect_size_mismatch),
)
