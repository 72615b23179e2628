"""One picture of many frames, each with its camera and time burned in: what a model is shown of one camera."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

TILE_WIDTH_PX = 224
NUM_COLUMNS = 4
_GAP_PX = 2
_TEXT_PX = 18


def contact_sheet(frames_NHWC: np.ndarray, captions: Sequence[str]) -> Image:
    """Returns an RGB picture of the frames in reading order, NUM_COLUMNS a row, each TILE_WIDTH_PX wide.

    Args:
        frames_NHWC: uint8 (N, H, W, 3), N at least 1; proportions are kept.
        captions: one per frame, drawn in its upper left corner, white on black.
    """
    from PIL import Image, ImageDraw, ImageFont

    num_frames, height, width, _ = frames_NHWC.shape
    tile = (TILE_WIDTH_PX, max(1, round(height * TILE_WIDTH_PX / width)))
    columns = min(NUM_COLUMNS, num_frames)
    rows = -(-num_frames // columns)
    sheet = Image.new("RGB", (columns * (tile[0] + _GAP_PX) - _GAP_PX, rows * (tile[1] + _GAP_PX) - _GAP_PX), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=_TEXT_PX)
    for number, (frame_HWC, caption) in enumerate(zip(frames_NHWC, captions, strict=True)):
        row, column = divmod(number, columns)
        corner = (column * (tile[0] + _GAP_PX), row * (tile[1] + _GAP_PX))
        sheet.paste(Image.fromarray(frame_HWC).resize(tile, Image.Resampling.BICUBIC), corner)
        at = (corner[0] + 3, corner[1] + 2)
        draw.rectangle(draw.textbbox(at, caption, font=font), fill="black")
        draw.text(at, caption, fill="white", font=font)
    return sheet
