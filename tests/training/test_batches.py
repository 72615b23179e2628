from __future__ import annotations

import numpy as np
import pytest
import torch

from data_contracts.errors import TrainingError
from policy.configuration import ACTION, STATE
from policy.model import ACTION_IS_PAD
from training.batches import ACTION_DIM_IS_PAD, Batches, camera_key, flow_draws, row_chances
from training.camera_cache import fill_cache
from training.frame_encoders import pixel_encoder
from training.frame_table import read_frame_table
from training.mixture import open_mixture


@pytest.fixture
def mixture(lake, skill_index, tiny_recipe):
    return open_mixture(skill_index, lake, tiny_recipe(), "c")


@pytest.fixture
def batches(mixture):
    frames = read_frame_table(mixture)
    words = torch.arange(5)[:, None], torch.ones(5, 1, dtype=torch.bool)
    cameras = fill_cache(mixture, pixel_encoder((64, 64)))
    return Batches(frames, cameras, row_chances(mixture, frames), words, mixture.used_slots, 3, 32, 5)


def test_each_embodiment_is_normalised_by_its_own_statistics_and_padded(mixture):
    frames = read_frame_table(mixture)
    assert (frames.state_NS.shape, frames.action_NA.shape) == ((53, 3), (53, 4))
    for rows, state, action in ((slice(0, 22), 3, 2), (slice(22, 53), 2, 4)):
        np.testing.assert_allclose(frames.state_NS[rows, :state].mean(0), 0, atol=1e-4)
        np.testing.assert_allclose(frames.action_NA[rows, :action].std(0), 1, atol=1e-4)
        assert not frames.state_NS[rows, state:].any()
        assert not frames.action_NA[rows, action:].any()


def test_chunks_stop_at_the_end_of_their_episode(batches):
    frames = batches.frames
    rows = np.array([0, 4, 5, 6, 52])  # the first episode has 6 frames
    actions, is_pad = frames.chunks(rows, 4)
    np.testing.assert_array_equal(is_pad.sum(1), [0, 2, 3, 0, 3])
    np.testing.assert_array_equal(actions[1], frames.action_NA[[4, 5, 5, 5]])
    np.testing.assert_array_equal(actions[3], frames.action_NA[6:10])
    np.testing.assert_array_equal(frames.episode_of(rows), [0, 0, 0, 1, 4])


def test_a_batch_masks_what_a_sample_does_not_have(batches):
    batch = batches.at(0)
    is_arm = batch["observation.language.tokens"][:, 0] < 3
    assert 0 < is_arm.sum() < 32
    np.testing.assert_array_equal(batch[ACTION_DIM_IS_PAD].numpy(), [[False, False, arm, arm] for arm in is_arm])
    assert batch[f"{camera_key(0)}_padding_mask"].all()
    assert torch.equal(batch[f"{camera_key(1)}_padding_mask"], is_arm)
    assert not batch[camera_key(1)][~is_arm].any()
    assert camera_key(2) not in batch


def test_pictures_values_and_words_belong_to_the_same_frame(batches):
    batch, rows = batches.at(4), batches.rows(4)
    episodes = batches.frames.episode_of(rows)
    numbers = np.array([0, 1, 2, 0, 1])[episodes]
    pixel = batch[camera_key(0)][:, 9, 9].numpy()
    np.testing.assert_array_equal(pixel[:, 0], 10 * numbers)
    np.testing.assert_array_equal(pixel[:, 1], 5 * (rows - batches.frames.start_E[episodes]))
    np.testing.assert_array_equal(batch[STATE].numpy(), batches.frames.state_NS[rows])
    np.testing.assert_array_equal(batch[ACTION][:, 0].numpy(), batches.frames.action_NA[rows])
    np.testing.assert_array_equal(batch["observation.language.tokens"][:, 0].numpy(), episodes)
    assert not batch[ACTION_IS_PAD][:, 0].any()


def test_a_batch_depends_on_seed_and_step_alone(batches):
    again = batches.at(7)
    for step in range(7):
        assert not torch.equal(batches.at(step)[STATE], again[STATE])
    assert all(torch.equal(value, again[name]) for name, value in batches.at(7).items())


def test_datasets_are_drawn_by_their_weights(lake, skill_index, tiny_recipe):
    mixture = open_mixture(skill_index, lake, tiny_recipe(dataset_temperature=1e9), "c")
    frames = read_frame_table(mixture)
    batches = Batches(frames, None, row_chances(mixture, frames), None, (), 0, 4000, 5)
    rows = batches.rows(0)
    assert (rows < 22).mean() == pytest.approx(0.5, abs=0.04)
    assert set(rows) == set(range(53))


def test_flow_draws_follow_their_distributions():
    noise, time = flow_draws(0, 1, 4000, 3, 2)
    assert noise.shape == (4000, 3, 2)
    assert (noise.mean().item(), noise.std().item()) == pytest.approx((0, 1), abs=0.03)
    assert time.mean().item() == pytest.approx(1.5 / 2.5, abs=0.02)
    assert time.min() >= 0.001
    assert time.max() <= 1
    assert torch.equal(flow_draws(0, 1, 8, 3, 2)[0], flow_draws(0, 1, 8, 3, 2)[0])
    assert not torch.equal(flow_draws(0, 1, 8, 3, 2)[0], flow_draws(0, 2, 8, 3, 2)[0])


def test_an_episode_of_another_length_than_the_index_says_is_refused(lake, skill_index, tiny_recipe):
    wrong = skill_index.with_columns(num_frames=skill_index["num_frames"] + 1)
    with pytest.raises(TrainingError, match="maker__arm/000007"):
        read_frame_table(open_mixture(wrong, lake, tiny_recipe(), "c"))
