"""What the model computes: against the slow joint reference, and the properties that its masks promise."""

from __future__ import annotations

import pytest
import torch

from data_contracts.errors import PolicyError
from policy.configuration import IMAGES
from policy.flow_matching import draw_time
from policy.model import ACTION_IS_PAD, TOKENS, TOKENS_MASK, reduce_losses
from tests.policy.joint_reference import velocity

TOP, WRIST = f"{IMAGES}.top", f"{IMAGES}.wrist"
TIME = torch.tensor([0.2, 0.5, 0.9])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attention_mode": "self_attn"},
        {"self_attn_every_n_layers": 3},
        {"num_vlm_layers": 3},
        {"prefix_length": 40},
    ],
)
def test_losses_are_those_of_the_joint_reference(make_policy, make_batch, noise, changes):
    policy, processors = make_policy(**changes)
    batch = make_batch(processors)
    time = TIME[:, None, None]
    actions = torch.nn.functional.pad(batch["action"], (0, 5))
    predicted = velocity(policy, batch, time * noise + (1 - time) * actions, TIME)
    expected = ((noise - actions) - predicted)[..., :3] ** 2
    torch.testing.assert_close(policy(batch, noise, TIME).elementwise, expected, rtol=1e-4, atol=1e-5)


def test_sampling_from_memory_equals_recomputing_everything_at_every_step(policy, batch, noise):
    batch[f"{WRIST}_padding_mask"] = torch.tensor([True, False, True])
    actions = noise
    with torch.no_grad():
        for step in range(4):
            time = torch.full((3,), 1.0 - step / 4)
            actions = actions - velocity(policy, batch, actions, time) / 4
    torch.testing.assert_close(policy.sample_actions(batch, noise), actions[..., :3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("is_vlm_frozen", "width"), [(False, 24 * 4), (True, 32)])
def test_cached_features_stand_for_pixels(make_policy, make_batch, noise, is_vlm_frozen, width):
    policy, processors = make_policy(train_expert_only=is_vlm_frozen)
    batch = make_batch(processors)
    cached = {key: value for key, value in batch.items() if key not in (TOP, WRIST)}
    for key in (TOP, WRIST):
        cached[f"{key}.features"] = policy.embed_images(batch[key])
    assert cached[f"{TOP}.features"].shape == (3, 4, width)
    assert policy(cached, noise, TIME).elementwise.equal(policy(batch, noise, TIME).elementwise)


@pytest.mark.parametrize("is_vlm_frozen", [False, True])
def test_gradients_are_those_of_the_joint_reference(make_policy, make_batch, noise, is_vlm_frozen):
    policy, processors = make_policy(train_expert_only=is_vlm_frozen)
    batch, time = make_batch(processors), TIME[:, None, None]
    actions = torch.nn.functional.pad(batch["action"], (0, 5))
    predicted = velocity(policy, batch, time * noise + (1 - time) * actions, TIME)
    trained = {name: p for name, p in policy.named_parameters() if p.requires_grad}
    expected = torch.autograd.grad(
        ((noise - actions) - predicted)[..., :3].square().mean(), list(trained.values()), allow_unused=True
    )
    loss = policy(batch, noise, TIME).elementwise.mean()
    found = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
    for name, ours, theirs in zip(trained, found, expected, strict=True):
        if theirs is None:
            assert ours is None, name
        else:
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5, msg=lambda text, n=name: f"{n}: {text}")


def test_an_action_depends_on_no_later_one(policy, batch, noise):
    memory = policy.remember(batch)
    changed = noise.clone()
    changed[:, 4] += 1.0
    before, after = (policy.model.velocity(x, TIME, memory) for x in (noise, changed))
    assert before[:, :4].equal(after[:, :4])
    assert not torch.allclose(before[:, 5], after[:, 5])


def test_images_and_words_do_not_see_the_state_but_actions_do(policy, batch, noise):
    other = batch | {"observation.state": batch["observation.state"] + 1}
    before, after = policy.remember(batch), policy.remember(other)
    observed = before.valid[:, :-1]
    for ours, theirs in zip(before.keys, after.keys, strict=True):
        assert ours[:, :-1][observed].equal(theirs[:, :-1][observed])
        assert not torch.allclose(ours[:, -1], theirs[:, -1])
    assert not torch.allclose(policy.sample_actions(batch, noise), policy.sample_actions(other, noise))


def test_the_state_sees_images_and_words(policy, batch):
    for key, other in ((TOP, 1 - batch[TOP]), (TOKENS, batch[TOKENS].roll(1, dims=0))):
        before, after = policy.remember(batch), policy.remember(batch | {key: other})
        assert not torch.allclose(before.keys[2][:, -1], after.keys[2][:, -1])


def test_a_masked_camera_changes_nothing(policy, batch, noise):
    masked = batch | {f"{WRIST}_padding_mask": torch.zeros(3, dtype=torch.bool)}
    other = masked | {WRIST: torch.rand_like(batch[WRIST])}
    without = {key: value for key, value in batch.items() if key != WRIST}
    expected = policy.sample_actions(without, noise)
    assert policy.sample_actions(masked, noise).equal(policy.sample_actions(other, noise))
    torch.testing.assert_close(policy.sample_actions(masked, noise), expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(policy.sample_actions(batch, noise), expected)


def test_empty_cameras_are_masked_fillers(make_policy, make_batch, noise):
    policy, processors = make_policy(empty_cameras=1)
    bare, _ = make_policy()
    batch = make_batch(processors)
    assert policy.remember(batch).valid.shape[1] == bare.remember(batch).valid.shape[1] + 4
    torch.testing.assert_close(
        policy.sample_actions(batch, noise), bare.sample_actions(batch, noise), rtol=1e-4, atol=1e-5
    )


def test_padding_words_change_nothing(policy, batch, noise):
    longer = batch | {
        TOKENS: torch.nn.functional.pad(batch[TOKENS], (0, 3), value=7),
        TOKENS_MASK: torch.nn.functional.pad(batch[TOKENS_MASK], (0, 3)),
    }
    torch.testing.assert_close(
        policy.sample_actions(batch, noise), policy.sample_actions(longer, noise), rtol=1e-4, atol=1e-5
    )


def test_camera_slots_are_positional(policy, batch, noise):
    swapped = batch | {TOP: batch[WRIST], WRIST: batch[TOP]}
    assert not torch.allclose(policy.sample_actions(batch, noise), policy.sample_actions(swapped, noise))


def test_several_flow_samples_are_the_mean_of_single_ones(policy, batch):
    noise, time = torch.randn(6, 6, 8), draw_time(6, torch.device("cpu"))
    both = policy(batch, noise, time, flow_samples=2).elementwise
    single = [policy(batch, noise[i::2], time[i::2]).elementwise for i in range(2)]
    torch.testing.assert_close(both, (single[0] + single[1]) / 2, rtol=1e-4, atol=1e-6)


def test_loss_counts_real_actions_only():
    losses = torch.rand(2, 3, 4)
    is_pad = torch.tensor([[False, False, True], [False, True, True]])
    kept = [losses[0, 0], losses[0, 1], losses[1, 0]]
    assert reduce_losses(losses, is_pad).item() == pytest.approx(float(sum(x.sum() for x in kept)) / (3 * 4))
    assert reduce_losses(losses, None).item() == pytest.approx(losses.mean().item())
    assert reduce_losses(losses, torch.ones(2, 3, dtype=torch.bool)).item() == 0


def test_padded_actions_do_not_count(policy, batch, noise):
    is_pad = torch.zeros(3, 6, dtype=torch.bool)
    is_pad[:, 4:] = True
    padded = batch | {ACTION_IS_PAD: is_pad}
    losses = policy(padded, noise, TIME)
    assert losses.mean.item() == pytest.approx(losses.elementwise[:, :4].mean().item(), rel=1e-5)


def test_times_follow_the_reference_distribution():
    torch.manual_seed(0)
    times = draw_time(20_000, torch.device("cpu"))
    assert times.min() >= 0.001
    assert times.max() <= 1.0
    assert times.mean().item() == pytest.approx(0.6 * 0.999 + 0.001, abs=0.01)  # Beta(1.5, 1) has mean 0.6


def test_what_a_batch_lacks_is_named(policy, batch):
    for key in ("observation.state", TOKENS, "action"):
        with pytest.raises(PolicyError, match=key):
            policy({name: value for name, value in batch.items() if name != key})
    with pytest.raises(PolicyError, match=r"none of the cameras"):
        policy({name: value for name, value in batch.items() if name not in (TOP, WRIST)})
    with pytest.raises(PolicyError, match="5 steps"):
        policy(batch | {"action": batch["action"][:, :5]})


def test_bfloat16_towers_stay_close(policy, batch, noise):
    exact = policy.sample_actions(batch, noise)
    policy.model.vlm_with_expert.bfloat16()
    rough = policy.sample_actions(batch, noise)
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().max() < 0.1
    assert not rough.equal(exact)
