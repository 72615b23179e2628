"""What is kept of a decoded frame: pixels that fit the policy's size, or what the frozen vision tower makes of them.

Where it is kept is `training.camera_cache`'.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from data_contracts.stages import digest_of
from policy.images import fitted_size, unit_pixels
from policy.model import SmolVLAPolicy
from policy.precision import mixed

PIXELS, TOKENS = 3, 2
"""Versions: raised when the same frames would be stored otherwise."""

Encode = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Encoder:
    """How frames are stored: `encode` turns uint8 (N, H, W, 3) into (N, *stored_shape(H, W)) of `dtype`; `key` names all that decides it.

    What is read has `shape`: where less is stored, zeros come before it along that axis. numpy knows no bfloat16: tokens of `dtype` int16 are its bits.
    """

    kind: str
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype
    encode: Encode
    stored_shape: Callable[[int, int], tuple[int, ...]]

    def frame_bytes(self, height: int, width: int) -> int:
        """Returns what a frame of this size takes when it is stored."""
        return math.prod(self.stored_shape(height, width)) * self.dtype.itemsize


def pixel_encoder(size: tuple[int, int]) -> Encoder:
    """Returns the encoder that resizes to fit `size` (width, height), as `policy.images.letterbox` does, and leaves its black out.

    On whole grey levels throughout: at most one level from rounding what `letterbox` makes of floats, and much faster.
    """

    width, height = size

    def encode(frames_NHWC: np.ndarray) -> np.ndarray:
        fitted = fitted_size(*frames_NHWC.shape[1:3], width, height)
        if frames_NHWC.shape[1:3] == fitted:
            return frames_NHWC
        pixels = torch.from_numpy(frames_NHWC).movedim(-1, 1)
        resized = F.interpolate(pixels, size=fitted, mode="bilinear", align_corners=False)
        return resized.movedim(1, -1).numpy()

    key = digest_of({"version": PIXELS, "size": list(size)})
    stored = lambda have_height, have_width: (*fitted_size(have_height, have_width, width, height), 3)  # noqa: E731
    return Encoder("pixels", key, (height, width, 3), np.dtype(np.uint8), encode, stored)


@torch.no_grad()
def token_encoder(policy: SmolVLAPolicy, *, bf16: bool) -> Encoder:
    """Returns the encoder that runs the policy's frozen `camera_weights` as the step would: in bfloat16, or in float32. What is kept
    is what the step would compute, and these weights are part of the key."""

    one_at_a_time = Lock()  # files are decoded side by side, and one tower keeps the device busy

    def tokens(pixels: Tensor) -> Tensor:
        with one_at_a_time, mixed(policy.device, bf16):
            seen = policy.embed_images(pixels.to(policy.device))
        return seen.to(torch.bfloat16 if bf16 else torch.float32).cpu().contiguous()

    @torch.no_grad()
    def encode(frames_NHWC: np.ndarray) -> np.ndarray:
        seen = tokens(unit_pixels(frames_NHWC, "frame"))
        return (seen.view(torch.int16) if bf16 else seen).numpy()

    size = policy.config.resize_imgs_with_padding
    width, height = size or (policy.architecture.vision_config.image_size,) * 2
    shape = tuple(tokens(torch.zeros(1, 3, height, width)).shape[1:])
    decides = {
        "version": TOKENS,
        "size": list(size) if size else None,
        "bf16": bf16,
        "weights": _weights_digest(policy),
    }
    return Encoder(
        "tokens",
        digest_of(decides),
        shape,
        np.dtype(np.int16 if bf16 else np.float32),
        encode,
        lambda _height, _width: shape,
    )


def _weights_digest(policy: SmolVLAPolicy) -> str:
    digest = hashlib.sha256()
    for name, tensor in policy.camera_weights().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
