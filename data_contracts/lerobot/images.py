"""Frames that are stored as images: embedded in the parquet (`bytes`), or beside it where only a `path` is stored."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from data_contracts.errors import VideoUnreadable
from data_contracts.lerobot.episode import FULL_RANGE, Luma
from data_contracts.lerobot.files import DatasetFiles
from data_contracts.lerobot.json_files import brief

CODEC = "image"
MAX_PIXELS = 2**24
"""Of one frame, video or image: twice what a 4K camera gives. A file of some kilobytes can declare thousands of times more."""


class ImageFrames:
    """The frames of one episode from an image column. Height and width are those of the first image."""

    codec = CODEC

    def __init__(self, column: pa.ChunkedArray, label: str, files: DatasetFiles) -> None:
        self._column = column
        self._label = label
        self._files = files
        first = self._image(0) if len(column) else np.zeros((0, 0, 3), np.uint8)
        self.height, self.width = first.shape[:2]

    def __len__(self) -> int:
        return len(self._column)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yields every frame in order, uint8 (H, W, 3). Raises VideoUnreadable where one cannot be decoded."""
        for number in range(len(self)):
            yield self._checked(number)

    def decode(self, indices: Sequence[int]) -> np.ndarray:
        """Returns the frames of these numbers, uint8 (N, H, W, 3), in the order asked for; each is decoded once.

        Raises:
            IndexError: a number is not in 0 .. len - 1.
            VideoUnreadable: an image cannot be decoded, or differs in size from the first.
        """
        numbers = [int(number) for number in indices]
        for number in numbers:
            if not 0 <= number < len(self):
                raise IndexError(f"Frame {number} of {len(self)} was asked for in {self._label}.")
        wanted = {number: place for place, number in enumerate(sorted(set(numbers)))}
        frames = np.empty((len(wanted), self.height, self.width, 3), dtype=np.uint8)
        for number, place in wanted.items():
            frames[place] = self._checked(number)
        return frames[[wanted[number] for number in numbers]]

    def luma(self, indices: Sequence[int]) -> Iterator[Luma]:
        """Yields the brightness of the frames of these numbers, each decoded once. Raises as `decode` does."""
        for number in indices:
            if not 0 <= number < len(self):
                raise IndexError(f"Frame {number} of {len(self)} was asked for in {self._label}.")
            rgb_HWC = self._checked(number)
            luma_HW = rgb_HWC @ np.array([77, 150, 29], np.uint16) >> 8  # ITU-R BT.601
            yield Luma(number, luma_HW.astype(np.uint8), *FULL_RANGE)

    def encoded(self, number: int) -> bytes:
        """Returns the image file of a frame as it is stored. Raises VideoUnreadable where there is none."""
        cell = self._column[number].as_py()
        content, path = (cell.get("bytes"), cell.get("path")) if isinstance(cell, dict) else (cell, None)
        if content:
            return content
        if isinstance(path, str) and self._files.has_content(path):
            return self._files.path(path).read_bytes()
        raise self._unreadable(number, "no image is stored")

    def _checked(self, number: int) -> np.ndarray:
        image = self._image(number)
        if image.shape[:2] != (self.height, self.width):
            size = f"{image.shape[1]}x{image.shape[0]}"
            raise self._unreadable(number, f"it is {size}, the first frame {self.width}x{self.height}")
        return image

    def _image(self, number: int) -> np.ndarray:
        return decode_image(self.encoded(number), f"Frame {number} of {self._label}")

    def _unreadable(self, number: int, why: str) -> VideoUnreadable:
        return VideoUnreadable(f"Frame {number} of {self._label}: {why}.", hint="Fetch the dataset again.")


def decode_image(content: bytes, label: str) -> np.ndarray:
    """Returns an encoded image as uint8 (H, W, 3). Raises VideoUnreadable, naming `label`."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"it has {image.width}x{image.height} pixels, which no camera has")
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise VideoUnreadable(
            f"{label} is not a readable image: {brief(error)}.", hint="Fetch the dataset again."
        ) from error


def is_image_column(kind: Any) -> bool:
    """Returns True for a column that can hold images: HF's struct of bytes and path, or plain bytes."""
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
