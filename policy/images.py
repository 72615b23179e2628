"""Pixels for SmolVLA: from a camera's uint8 frame to what the vision tower takes. The same for training and acting."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from data_contracts.errors import PolicyError


def unit_pixels(image: np.ndarray | Tensor, key: str) -> Tensor:
    """Returns an image as float32 in [0, 1], channels first: (3, H, W), or (batch, 3, H, W).

    Args:
        image: uint8 (H, W, 3) or (batch, H, W, 3), as cameras give it; or already float, channels first, in [0, 1].
        key: the camera, for the error.
    """
    pixels = torch.as_tensor(image)
    if pixels.dtype == torch.uint8 and pixels.ndim in (3, 4) and pixels.shape[-1] == 3:
        return torch.true_divide(pixels.movedim(-1, -3), 255.0)
    if pixels.is_floating_point() and pixels.ndim in (3, 4) and pixels.shape[-3] == 3:
        return pixels.float()
    raise PolicyError(
        f"{key} is {pixels.dtype} of shape {tuple(pixels.shape)}.",
        hint="Give uint8 (height, width, 3), or float (3, height, width) between 0 and 1.",
    )


def letterbox(pixels_B3HW: Tensor, width: int, height: int) -> Tensor:
    """Returns the images resized to fit, their ratio kept, with zeros to the left and above.

    Bilinear without antialiasing, sizes truncated: LeRobot's `resize_with_pad`, which training and weights depend on.
    """
    have_height, have_width = pixels_B3HW.shape[-2:]
    if (have_height, have_width) == (height, width):
        return pixels_B3HW
    fit_height, fit_width = fitted_size(have_height, have_width, width, height)
    fitted = F.interpolate(pixels_B3HW, size=(fit_height, fit_width), mode="bilinear", align_corners=False)
    return F.pad(fitted, (max(0, width - fit_width), 0, max(0, height - fit_height), 0), value=0.0)


def fitted_size(have_height: int, have_width: int, width: int, height: int) -> tuple[int, int]:
    """Returns the largest (height, width) of the same ratio that fits, truncated."""
    ratio = max(have_width / width, have_height / height)
    return int(have_height / ratio), int(have_width / ratio)


def tower_pixels(pixels_B3HW: Tensor, size: tuple[int, int] | None) -> Tensor:
    """Returns the vision tower's input: letterboxed to `size` (width, height), then mapped from [0, 1] to [-1, 1]."""
    fitted = letterbox(pixels_B3HW, *size) if size is not None else pixels_B3HW
    return fitted * 2.0 - 1.0
