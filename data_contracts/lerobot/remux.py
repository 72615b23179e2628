"""Taking frames out of a video file without touching them: link the whole file, or copy packets of a part.

Time stamps are made anew from frame numbers: frame k of a written file is shown at k / fps, whatever clock the source had,
because LeRobot looks frames up by time. Packets are copied only where decoding can start at the first and needs none that
is left out; everything else must be encoded again.
"""

from __future__ import annotations

import errno
import os
import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from data_contracts.errors import VideoUnreadable
from data_contracts.lerobot.json_files import brief
from data_contracts.lerobot.video import OPENED_AS, VideoIndex

STEADY_WITHIN_S = 2e-5
"""A fifth of LeRobot's tolerance of 1e-4 s, so that rounding to float32 has room."""

_LINK_REFUSED = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.EROFS)


def is_steady(video: VideoIndex, fps: int) -> bool:
    """Returns True where frame k is shown at k / fps, so that the file can be used as it is."""
    shown_at = video.pts * float(video.time_base)
    return bool(np.all(np.abs(shown_at - np.arange(video.num_frames) / fps) <= STEADY_WITHIN_S))


def link_or_copy(source: Path, target: Path) -> None:
    """Puts the content of `source` at `target`: a hard link, or a copy where the file system refuses one.

    Never a symbolic link: a dataset stays whole when its source moves, and a reader need not follow it out of the folder.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source.resolve() if source.is_symlink() else source, target)
    except OSError as error:
        if error.errno not in _LINK_REFUSED:
            raise
        shutil.copyfile(source, target)


def is_copyable(video: VideoIndex, first_frame: int, num_frames: int) -> bool:
    """Returns True where packets of these frames can be decoded without any other."""
    return _packet_range(video, first_frame, num_frames) is not None


def copy_frames(video: VideoIndex, first_frame: int, num_frames: int, target: Path, fps: int) -> None:
    """Writes the packets of these frames to an mp4 at `target`, unchanged but for their time stamps.

    Raises:
        VideoUnreadable: the packets cannot be copied (ask `is_copyable` first), or the container refuses the codec.
    """
    packets = _packet_range(video, first_frame, num_frames)
    if packets is None:
        raise VideoUnreadable(f"Frames of {video.path} cannot be copied from frame {first_frame}.", hint="Encode them.")
    ranks = video.decode_order[packets.start : packets.stop] - first_frame
    delay = int(np.max(np.arange(num_frames) - ranks))
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            av.open(str(video.path), options=OPENED_AS, metadata_errors="replace") as source,
            av.open(str(target), "w", options={"movflags": "faststart"}) as output,
        ):
            stream = source.streams.video[0]
            copy = output.add_stream_from_template(stream, opaque=True)
            copy.time_base = Fraction(1, fps)
            wanted = (p for p in source.demux(stream) if p.pts is not None and not p.is_discard and not p.is_corrupt)
            for position, packet in enumerate(wanted):
                if position >= packets.stop:
                    break
                if position >= packets.start:
                    number = position - packets.start
                    packet.stream = copy
                    packet.time_base = Fraction(1, fps)
                    packet.pts, packet.dts, packet.duration = int(ranks[number]), number - delay, 1
                    output.mux(packet)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoUnreadable(f"{video.path} cannot be copied: {brief(error)}.", hint="Encode it again.") from error


def _packet_range(video: VideoIndex, first_frame: int, num_frames: int) -> range | None:
    """Returns which packets hold the frames, where those follow one another and begin with the key frame shown first."""
    places = np.flatnonzero((video.decode_order >= first_frame) & (video.decode_order < first_frame + num_frames))
    if len(places) != num_frames or num_frames == 0 or places[-1] - places[0] != num_frames - 1:
        return None
    starts_at_key = video.decode_order[places[0]] == first_frame and first_frame in video.key_frames
    return range(int(places[0]), int(places[-1]) + 1) if starts_at_key else None
