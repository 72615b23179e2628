"""A picture made small at once, and what only its full size tells: sharpness. Plain arithmetic on luma; no files, no verdicts."""

from __future__ import annotations

import numpy as np

FINE_PX = 128
"""Blocks of about a 128th of the longer side: noise of sensor and encoder averages out, a gripper still covers dozens."""
HALVED_FROM_PX = 80
"""Reduced pictures that are larger than this are kept at half their size."""
LINES = 480
"""Sharpness is measured on pictures of up to about this many lines: what is finer no policy sees."""


def reduced(luma_HW: np.ndarray, factor: int) -> np.ndarray:
    """Returns the means of blocks of `factor` x `factor` pixels, float32; what is left over at the edges is left out."""
    height, width = (luma_HW.shape[0] // factor) * factor, (luma_HW.shape[1] // factor) * factor
    whole_HW = luma_HW[:height, :width]
    rows_HW = whole_HW[0::factor].astype(np.uint32 if factor > 16 else np.uint16)
    for offset in range(1, factor):
        rows_HW += whole_HW[offset::factor]
    blocks_HW = rows_HW[:, 0::factor].astype(np.float32)
    for offset in range(1, factor):
        blocks_HW += rows_HW[:, offset::factor]
    return blocks_HW / np.float32(factor * factor)


def factor_to(size: tuple[int, int], pixels: int) -> int:
    """Returns the whole number by which a picture of (height, width) is reduced so that its longer side is about `pixels`."""
    return max(1, round(max(size) / pixels))


def levels(values: np.ndarray, black: int, white: int) -> np.ndarray:
    """Returns luma as uint8 with 0 for black and 255 for white."""
    scaled = (np.asarray(values, np.float32) - black) * np.float32(255 / (white - black))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def sharpness(luma_HW: np.ndarray) -> float:
    """Returns how much of a picture's contrast between neighbouring blocks of 8 pixels is found between neighbouring pixels.

    About 0.5 and more for a picture in focus, whatever it shows and however bright it is; 0 for one without any contrast.
    A Gaussian blur of 2 pixels halves it. Pixels are those of a picture of about 480 lines.
    """
    factor = max(1, round(luma_HW.shape[0] / LINES))
    fine_HW = reduced(luma_HW, factor) if factor > 1 else luma_HW.astype(np.float32)
    coarse_HW = reduced(fine_HW.astype(np.uint8), 8) if min(fine_HW.shape) >= 32 else fine_HW
    coarse = _contrast(coarse_HW)
    return _contrast(fine_HW) / coarse if coarse > 0 else 0.0


def _contrast(values_HW: np.ndarray) -> float:
    """Returns the root mean square difference of neighbours."""
    down, right = np.diff(values_HW, axis=0), np.diff(values_HW, axis=1)
    return float(np.sqrt((np.square(down).mean() + np.square(right).mean()) / 2))
