from __future__ import annotations

import numpy as np
import pytest
import torch

from data_contracts.errors import TrainingError
from policy.images import letterbox, unit_pixels
from policy.precision import mixed
from policy.small import new_small_policy
from training.camera_cache import FOLDER, fill_cache
from training.frame_encoders import pixel_encoder, token_encoder
from training.mixture import open_mixture


@pytest.fixture
def mixture(lake, skill_index, tiny_recipe):
    return open_mixture(skill_index, lake, tiny_recipe(), "c")


def small_policy(seed: int = 0, **changes):
    return new_small_policy({"observation.images.camera1": (3, 64, 64)}, 3, 2, ["Press"], seed=seed, **changes)[0]


def stored_files(lake) -> dict:
    return {path: path.stat().st_mtime_ns for path in (lake.home / FOLDER).rglob("*.npy")}


def test_frames_are_stored_once_and_only_once(mixture, lake):
    fill_cache(mixture, pixel_encoder((32, 32)))
    before = stored_files(lake)
    fill_cache(mixture, pixel_encoder((32, 32)))
    assert stored_files(lake) == before
    assert sum("pixels" in str(path) for path in before) >= 3 * 2 + 2


def test_pixels_are_letterboxed_to_the_policy(mixture):
    cache = fill_cache(mixture, pixel_encoder((32, 16)))
    stored, is_present = cache.gather(np.array([1, 3]), np.array([2, 4]), 0)
    assert stored.shape == (2, 16, 32, 3)
    assert is_present.all()
    assert not stored[:, :, :16].any()  # padding lies on the left
    np.testing.assert_array_equal(stored[1, 0, 20], [0, 20, 0])


@pytest.mark.parametrize("size", [(512, 512), (96, 64), (640, 480), (700, 500)])
def test_stored_pixels_are_the_policy_s_to_one_grey_level_whatever_is_seen(size):
    frames = np.random.default_rng(0).integers(0, 256, (3, 480, 640, 3), np.uint8)
    encoder = pixel_encoder(size)
    stored = encoder.encode(frames)
    exact = letterbox(unit_pixels(frames, "frame"), *size).mul(255).round().to(torch.uint8).movedim(1, -1).numpy()
    assert stored.shape[1:] == encoder.stored_shape(480, 640)
    height, width = stored.shape[1:3]
    assert np.abs(stored.astype(int) - exact[:, -height:, -width:]).max() <= 1
    assert not exact[:, :-height].any()
    assert not exact[:, :, :-width].any()


@pytest.mark.parametrize("bf16", [True, False])
def test_cached_tokens_are_what_the_tower_gives_for_the_recorded_frame(mixture, bf16):
    policy = small_policy()
    cache = fill_cache(mixture, token_encoder(policy, bf16=bf16))
    stored, is_present = cache.gather(np.array([2, 3]), np.array([6, 0]), 1)
    frame = np.zeros((1, 64, 64, 3), np.uint8)
    frame[..., 0], frame[..., 1], frame[..., 2] = 20, 30, 100
    with torch.no_grad(), mixed(policy.device, bf16):
        expected = policy.embed_images(unit_pixels(frame, "frame"))
    assert is_present.tolist() == [True, False]
    assert stored.dtype == (torch.bfloat16 if bf16 else torch.float32)
    exact = {"rtol": 0.01, "atol": 0.02} if bf16 else {"rtol": 1e-5, "atol": 1e-5}
    torch.testing.assert_close(stored[0].float(), expected[0].float(), **exact)
    assert not stored[1].any()


def test_a_connector_that_is_frozen_too_is_part_of_what_is_kept(mixture):
    policy = small_policy(0, train_expert_only=True)
    key = token_encoder(policy, bf16=True).key
    with torch.no_grad():
        policy.model.vlm_with_expert.vlm.model.connector.modality_projection.proj.weight[0, 0] += 1
    assert token_encoder(policy, bf16=True).key != key
    assert token_encoder(small_policy(0), bf16=True).key != key


def test_another_tower_does_not_read_this_ones_tokens(mixture):
    same, other = (token_encoder(small_policy(seed), bf16=True) for seed in (0, 1))
    assert token_encoder(small_policy(0), bf16=True).key == same.key != other.key


def test_a_mixture_over_the_budget_is_refused_before_anything_is_decoded(mixture, lake):
    before = stored_files(lake)
    with pytest.raises(TrainingError, match="budget"):
        fill_cache(mixture, pixel_encoder((48, 48)), budget_bytes=1000)
    assert stored_files(lake) == before


def test_room_is_made_by_removing_what_other_mixtures_left(mixture, lake):
    fill_cache(mixture, pixel_encoder((40, 40)))
    others = set(stored_files(lake))
    needed = 48 * 48 * 3 * (2 * 22 + 31)
    fill_cache(mixture, pixel_encoder((48, 48)), budget_bytes=int(needed * 1.1))
    assert {np.load(path, mmap_mode="r").shape[1:3] for path in set(stored_files(lake)) - others} == {(48, 48)}
    assert sum(path.stat().st_size for path in stored_files(lake)) < needed * 1.2
    assert others - set(stored_files(lake))
