"""What is kept of a decoded frame: pixels of the policy's size, or what the frozen vision tower makes of them.

Where it is kept is `training.camera_cache`'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from data_contracts.stages import digest_of
from policy.images import letterbox, unit_pixels
from policy.model import SmolVLAPolicy
from policy.precision import mixed

VERSION = 2

Encode = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Encoder:
    """How frames are stored: `encode` turns uint8 (N, H, W, 3) into (N, *shape) of `dtype`; `key` names all that decides it.

    numpy knows no bfloat16: tokens of `dtype` int16 are its bits.
    """

    kind: str
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype
    encode: Encode

    @property
    def frame_bytes(self) -> int:
        return int(np.prod(self.shape)) * self.dtype.itemsize


def pixel_encoder(size: tuple[int, int]) -> Encoder:
    """Returns the encoder that letterboxes to `size` (width, height)."""

    width, height = size

    def encode(frames_NHWC: np.ndarray) -> np.ndarray:
        if frames_NHWC.shape[1:3] == (height, width):
            return frames_NHWC
        fitted = np.empty((len(frames_NHWC), height, width, 3), np.uint8)
        for frame_HWC, out_HWC in zip(
            frames_NHWC, fitted, strict=True
        ):  # one fits the processor's cache: six times faster
            pixels = letterbox(unit_pixels(frame_HWC[None], "frame"), width, height)
            out_HWC[:] = pixels.mul_(255).round_().to(torch.uint8)[0].movedim(0, -1).numpy()
        return fitted

    key = digest_of({"version": VERSION, "size": list(size)})
    return Encoder("pixels", key, (height, width, 3), np.dtype(np.uint8), encode)


@torch.no_grad()
def token_encoder(policy: SmolVLAPolicy, *, bf16: bool) -> Encoder:
    """Returns the encoder that runs the policy's frozen `camera_weights` as the step would: in bfloat16, or in float32. What is kept
    is what the step would compute, and these weights are part of the key."""

    def tokens(pixels: Tensor) -> Tensor:
        with mixed(policy.device, bf16):
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
        "version": VERSION,
        "size": list(size) if size else None,
        "bf16": bf16,
        "weights": _weights_digest(policy),
    }
    return Encoder("tokens", digest_of(decides), shape, np.dtype(np.int16 if bf16 else np.float32), encode)


def _weights_digest(policy: SmolVLAPolicy) -> str:
    digest = hashlib.sha256()
    for name, tensor in policy.camera_weights().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
