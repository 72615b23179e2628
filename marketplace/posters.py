"""A still of a recording, for the shelf: one decoded frame, set into a picture of one shape for all packs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import VideoUnreadable

if TYPE_CHECKING:
    from PIL.Image import Image

SIZE_PX = (800, 600)
MOMENT = 0.6
"""Where in the recording: late enough for the robot to be at work, before it stands still at the end."""


def write_poster(video: Path, target: Path) -> None:
    """Writes a frame of `video` as a JPEG of 800 x 600 px.

    The whole frame is shown, because recordings carry a mark in a corner that says where they come from; what it leaves
    empty is filled with a blurred copy of itself.

    Raises:
        VideoUnreadable: the file holds no picture that can be decoded.
    """
    import av

    try:
        with av.open(str(video), format="mp4") as container:
            stream = container.streams.video[0]
            wanted = int((stream.frames or 1) * MOMENT)
            picture = _nth(container.decode(stream), wanted)
    except (av.FFmpegError, IndexError, StopIteration) as error:
        raise VideoUnreadable(
            f"{video} shows no picture.", hint="Evaluate the skill and build its pack again."
        ) from error
    target.parent.mkdir(parents=True, exist_ok=True)
    _framed(picture).save(target, format="JPEG", quality=88)


def _framed(picture: Image) -> Image:
    from PIL import ImageEnhance, ImageFilter, ImageOps

    backdrop = ImageOps.fit(picture, SIZE_PX).filter(ImageFilter.GaussianBlur(24))
    backdrop = ImageEnhance.Brightness(backdrop).enhance(0.82)
    front = ImageOps.contain(picture, SIZE_PX)
    backdrop.paste(front, ((SIZE_PX[0] - front.width) // 2, (SIZE_PX[1] - front.height) // 2))
    return backdrop


def _nth(frames: Iterator, wanted: int) -> Image:
    """Returns the wanted frame, or the last one where the container promised more than it holds."""
    frame = next(frames)
    for index, later in enumerate(frames, start=1):
        if index > wanted:
            break
        frame = later
    return frame.to_image()
