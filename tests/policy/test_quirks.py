"""Each peculiarity of the reference that float32 shows, switched off one at a time, must show: else the parity tests could not fail.

`test_peer` holds our numbers within 1e-4 of LeRobot's. Here a switched-off peculiarity moves them by more than ten times that.
"""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from policy import attention, flow_matching, images, model, vlm_with_expert
from policy.configuration import IMAGES
from policy.processors import Processors
from policy.statistics import normalise
from tests.policy.conftest import tiny_batch, tiny_policy

TOLERANCE = 1e-4
TIME = torch.tensor([0.05, 0.5, 0.95])
TOP, WRIST = f"{IMAGES}.top", f"{IMAGES}.wrist"


def answer(policy, processors, noise):
    batch = tiny_batch(processors)
    batch[f"{WRIST}_padding_mask"] = torch.tensor([True, False, True])
    batch[TOP] = torch.rand(3, 3, 12, 20, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        return policy(batch, noise, TIME).elementwise, policy.sample_actions(batch, noise)


@pytest.fixture
def pair():
    return tiny_policy(train_expert_only=True)


def other_rope_base(patch):
    patch.setattr(attention, "ROPE_BASE", 100_000)


def interleaved_rope(patch):
    def rotate(x, by):
        first, second = x[..., 0::2], x[..., 1::2]
        return torch.stack([first * by.cos - second * by.sin, second * by.cos + first * by.sin], dim=-1).flatten(-2)

    patch.setattr(vlm_with_expert, "rotate", rotate)


def unscaled_embeddings(patch):
    patch.setattr(vlm_with_expert.VLMWithExpert, "text_width", property(lambda _: 1))


def scaled_state(patch):
    plain = vlm_with_expert.VLMWithExpert.remember
    patch.setattr(
        vlm_with_expert.VLMWithExpert,
        "remember",
        lambda self, seen, valid, state: plain(self, seen, valid, state * math.sqrt(self.text_width)),
    )


def padding_right_and_below(patch):
    def letterbox(pixels, width, height):
        fitted = images.letterbox(pixels, width, height)
        return torch.roll(fitted, shifts=-(height - int(pixels.shape[-2] / (pixels.shape[-1] / width))), dims=-2)

    patch.setattr(images, "tower_pixels", lambda pixels, size: letterbox(pixels, *size) * 2 - 1)
    patch.setattr(model, "tower_pixels", images.tower_pixels)


def grey_padding(patch):
    plain = images.letterbox

    def letterbox(pixels, width, height):
        covered = plain(torch.ones_like(pixels), width, height)
        return plain(pixels, width, height) + 0.5 * (1 - covered)

    patch.setattr(images, "letterbox", letterbox)


def rounded_sizes(patch):
    def letterbox(pixels, width, height):
        ratio = max(pixels.shape[-1] / width, pixels.shape[-2] / height)
        fitted = F.interpolate(
            pixels, (math.ceil(pixels.shape[-2] / ratio), math.ceil(pixels.shape[-1] / ratio)), mode="bilinear"
        )
        return F.pad(fitted, (width - fitted.shape[-1], 0, height - fitted.shape[-2], 0))

    patch.setattr(images, "letterbox", letterbox)


def antialiased(patch):
    plain = F.interpolate
    patch.setattr(images.F, "interpolate", lambda *args, **kwargs: plain(*args, **kwargs, antialias=True))


def pixels_from_zero_to_one(patch):
    patch.setattr(model, "tower_pixels", lambda pixels, size: images.letterbox(pixels, *size))


def actions_that_see_later_ones(patch):
    patch.setattr(torch.Tensor, "tril", lambda self: self)


def crossing_positions_that_count_on(patch):
    plain, calls = vlm_with_expert.rotation, []

    def rotation(positions, head_dim):
        calls.append(positions)
        offset = 14 if len(calls) % 3 == 2 else 0  # the second of three in a pass is the crossing one
        return plain(positions + offset, head_dim)

    patch.setattr(vlm_with_expert, "rotation", rotation)


def crossed_keys_without_their_projection(patch):
    plain = vlm_with_expert.VLMWithExpert._as_expert_reads
    patch.setattr(
        vlm_with_expert.VLMWithExpert,
        "_as_expert_reads",
        lambda self, index, key, value: (key, plain(self, index, key, value)[1]),
    )


def masked_tokens_that_use_up_positions(patch):
    patch.setattr(vlm_with_expert, "positions_of", lambda valid: torch.arange(valid.shape[1]).expand(len(valid), -1))


def cameras_in_another_order(patch):
    plain = model.SmolVLAPolicy._cameras

    def cameras(self, batch):
        features, masks = plain(self, batch)
        return features[::-1], masks[::-1]

    patch.setattr(model.SmolVLAPolicy, "_cameras", cameras)


def times_in_half_precision(patch):
    plain = flow_matching.time_embedding
    patch.setattr(flow_matching, "time_embedding", lambda time, *rest: plain(time.half().float(), *rest))


def noise_in_scored_dimensions_only(patch):
    plain = flow_matching.FlowMatching.velocity

    def velocity(self, noisy, time, memory):
        return plain(self, torch.cat([noisy[..., :3], torch.zeros_like(noisy[..., 3:])], dim=-1), time, memory)

    patch.setattr(flow_matching.FlowMatching, "velocity", velocity)


SWITCHED_OFF = (
    other_rope_base, interleaved_rope, unscaled_embeddings, scaled_state, padding_right_and_below, grey_padding, rounded_sizes,
    antialiased, pixels_from_zero_to_one, actions_that_see_later_ones, crossing_positions_that_count_on,
    crossed_keys_without_their_projection, masked_tokens_that_use_up_positions, cameras_in_another_order,
    times_in_half_precision, noise_in_scored_dimensions_only,
)  # fmt: skip


@pytest.mark.parametrize("switch_off", SWITCHED_OFF, ids=lambda quirk: quirk.__name__)
def test_a_peculiarity_shows_when_it_is_switched_off(pair, noise, monkeypatch, switch_off):
    before = answer(*pair, noise)
    switch_off(monkeypatch)
    after = answer(*pair, noise)
    moved = max((ours - theirs).abs().max().item() for ours, theirs in zip(after, before, strict=True))
    assert moved > 10 * TOLERANCE, f"moved by {moved:.2e}"


def test_epsilon_is_added_when_normalising(pair):
    _, processors = pair
    small = {"mean": torch.tensor([1.0]), "std": torch.tensor([1e-9])}
    assert abs(normalise(torch.tensor([2.0]), small).item() - 1 / 1.1e-8) < 1e6
    assert processors.postprocess(torch.zeros(1, 3)).tolist() == [[10.0, -20.0, 0.5]]


def test_a_newline_is_appended_once_and_words_are_padded_on_the_right(pair):
    _, processors = pair
    with_it, without = (processors.tokenize(text)[0].tolist() for text in ("open the drawer\n", "open the drawer"))
    assert with_it == without
    assert processors.tokenizer("open the drawer")["input_ids"] != without[0]
    padded = Processors(processors.config, processors.tokenizer, processors.statistics).tokenize(
        ["open the drawer", "an instruction that is spelt out because nobody learnt it"]
    )[1]
    assert padded[0].tolist() == sorted(padded[0].tolist(), reverse=True)


def test_losses_are_reduced_by_the_formula():
    losses, is_pad = torch.rand(2, 4, 3), torch.tensor([[0, 0, 1, 1], [0, 0, 0, 0]]).bool()
    valid = [losses[0, :2], losses[1]]
    expected = sum(part.sum() for part in valid) / (6 * 3)
    assert model.reduce_losses(losses, is_pad).item() == pytest.approx(expected.item())
    assert model.reduce_losses(losses, torch.ones(2, 4, dtype=torch.bool)).item() == 0  # clamped at one
