"""Letterboxing against a pixel-by-pixel definition, and what counts as an image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from data_contracts.errors import PolicyError
from policy.images import letterbox, tower_pixels, unit_pixels
from policy.torchvision_on_cpu import let_torchvision_import

let_torchvision_import()
from transformers.models.smolvlm.modeling_smolvlm import SmolVLMVisionConfig, SmolVLMVisionEmbeddings  # noqa: E402


def letterbox_one_pixel_at_a_time(image: np.ndarray, width: int, height: int) -> np.ndarray:
    channels, have_height, have_width = image.shape
    ratio = max(have_width / width, have_height / height)
    fit_height, fit_width = int(have_height / ratio), int(have_width / ratio)
    canvas = np.zeros((channels, height, width))
    for y in range(fit_height):
        for x in range(fit_width):
            source_y = max((y + 0.5) * have_height / fit_height - 0.5, 0)
            source_x = max((x + 0.5) * have_width / fit_width - 0.5, 0)
            y0, x0 = math.floor(source_y), math.floor(source_x)
            y1, x1 = min(y0 + 1, have_height - 1), min(x0 + 1, have_width - 1)
            dy, dx = source_y - y0, source_x - x0
            value = (1 - dy) * ((1 - dx) * image[:, y0, x0] + dx * image[:, y0, x1])
            value = value + dy * ((1 - dx) * image[:, y1, x0] + dx * image[:, y1, x1])
            canvas[:, height - fit_height + y, width - fit_width + x] = value
    return canvas


@pytest.mark.parametrize("size", [(9, 16), (16, 9), (31, 7), (8, 8), (5, 3)])
def test_letterbox_matches_its_definition(size):
    image = np.random.default_rng(0).random((3, *size))
    got = letterbox(torch.tensor(image, dtype=torch.float32)[None], width=12, height=10)[0].numpy()
    np.testing.assert_allclose(got, letterbox_one_pixel_at_a_time(image, 12, 10), atol=1e-5)


def test_padding_is_left_and_above_and_becomes_minus_one():
    wide = tower_pixels(torch.ones(1, 3, 8, 16), (16, 16))
    assert (wide[:, :, :8] == -1).all()
    assert (wide[:, :, 8:] == 1).all()
    tall = tower_pixels(torch.ones(1, 3, 16, 8), (16, 16))
    assert (tall[..., :8] == -1).all()
    assert (tall[..., 8:] == 1).all()


def test_an_image_of_the_target_size_is_untouched():
    image = torch.rand(1, 3, 10, 12)
    assert letterbox(image, width=12, height=10).equal(image)


def test_bytes_and_floats_give_the_same_pixels():
    frame = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    as_float = torch.tensor(frame).permute(2, 0, 1).float() / 255.0
    assert unit_pixels(frame, "top").equal(unit_pixels(as_float, "top"))
    assert unit_pixels(frame[None], "top").shape == (1, 3, 4, 5)


@pytest.mark.parametrize("per_side", [4, 8, 32])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_tower_places_patch_k_at_position_k(per_side, dtype):
    """transformers 4.55 to 4.57 did not in float32 (its issue 41190): policies trained with one would not run on another."""
    config = SmolVLMVisionConfig(image_size=per_side * 2, patch_size=2, hidden_size=1)
    embeddings = SmolVLMVisionEmbeddings(config).to(dtype)
    with torch.no_grad():
        embeddings.patch_embedding.weight.zero_()
        embeddings.patch_embedding.bias.zero_()
    embeddings.position_embedding = torch.nn.Embedding.from_pretrained(torch.arange(per_side**2.0)[:, None])
    seen = torch.ones(1, per_side, per_side, dtype=torch.bool)
    placed = embeddings(torch.zeros(1, 3, per_side * 2, per_side * 2, dtype=dtype), seen)
    assert placed.flatten().tolist() == list(range(per_side**2))


@pytest.mark.parametrize("image", [np.zeros((3, 4, 5), np.uint8), torch.zeros(4, 5, 3), np.zeros((4, 5), np.uint8)])
def test_what_is_not_an_image_is_refused_with_its_key(image):
    with pytest.raises(PolicyError, match=r"images\.top"):
        unit_pixels(image, "observation.images.top")
