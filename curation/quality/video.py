"""Videos as files: whether they can be decoded, are as many frames as rows, as declared, and show anything at all.

What the pictures show is judged in `stillness` (over time), `optics` (focus, light), `orientation` and `agreement` (joints).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from curation.quality.camera_facts import CameraFacts
from curation.quality.detector import Detector
from curation.quality.facts import DatasetFacts, EpisodeFacts
from data_contracts.findings import Finding

BLACK_LEVEL = 16
BLACK_SHARE = 0.99
"""Nearly every value of 0..255 below 16: a capped lens or an unplugged camera. A dark room stays above that somewhere."""
BLACK_PICTURES = 0.1
CANONICAL_CODECS = {
    "libsvtav1": "av1", "libaom-av1": "av1", "libdav1d": "av1", "av01": "av1", "svtav1": "av1",
    "libx264": "h264", "avc1": "h264", "avc": "h264", "x264": "h264", "h264_nvenc": "h264", "h264_videotoolbox": "h264",
    "libx265": "hevc", "h265": "hevc", "hvc1": "hevc", "hev1": "hevc", "hevc_nvenc": "hevc", "hevc_videotoolbox": "hevc",
    "mp4v": "mpeg4", "libvpx-vp9": "vp9",
}  # fmt: skip
"""Names of encoders and container tags that people declare, and the codec that each of them writes."""


def detect_undecodable(camera: CameraFacts) -> Finding | None:
    """The video cannot be opened, breaks off, or a frame that was looked at cannot be decoded."""
    if not camera.error:
        return None
    return camera.finding("video.undecodable", "gate", camera.error, file=camera.file)


def detect_black(camera: CameraFacts) -> Finding | None:
    """A tenth of the pictures or more are black."""
    share = black_share(camera.thumbs_NHW)
    if share < BLACK_PICTURES:
        return None
    how_long = "is black" if share == 1 else f"is black for {share:.0%} of the time"
    return camera.finding("video.black", "warn", f"{camera.file} {how_long}.", file=camera.file, share=round(share, 3))


def detect_has_audio(camera: CameraFacts) -> Finding | None:
    """The video carries sound, in which people may be heard."""
    if not camera.has_audio:
        return None
    return camera.finding("video.has_audio", "note", f"{camera.file} carries sound.", file=camera.file)


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


def black_share(thumbs_NHW: np.ndarray) -> float:
    """Returns the part of the pictures of which nearly every value is black; 0 where there are none."""
    if not thumbs_NHW.size:
        return 0.0
    return float(((thumbs_NHW < BLACK_LEVEL).mean(axis=(1, 2)) >= BLACK_SHARE).mean())


def _lengths(episode: EpisodeFacts, camera: CameraFacts) -> str:
    return f"{camera.file} has {camera.num_frames} frames for {episode.num_frames} rows."


def _size(size: tuple[int, int] | None) -> str:
    return f"{size[1]}x{size[0]}" if size else "unknown"


def _black_share(episode: EpisodeFacts) -> float:
    return max((black_share(camera.thumbs_NHW) for camera in episode.cameras), default=0.0)


DETECTORS = (
    Detector("video.undecodable", "camera", detect_undecodable),
    Detector("video.black", "camera", detect_black),
    Detector("video.has_audio", "camera", detect_has_audio),
    Detector("time.video_shorter", "episode", detect_video_shorter),
    Detector("time.video_longer", "episode", detect_video_longer),
    Detector("video.codec_mismatch", "dataset", detect_codec_mismatch),
    Detector("video.size_mismatch", "dataset", detect_size_mismatch),
)
SCORES = {"video.black": _black_share}
