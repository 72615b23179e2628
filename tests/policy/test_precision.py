"""bfloat16: near float32, the same checkpoint, and gradients where there were some."""

from __future__ import annotations

import copy

import pytest
import torch

from policy.checkpoint import load_checkpoint, save_checkpoint
from policy.packing import pack_linears
from policy.precision import is_bfloat16_fast, lower_frozen, lower_towers, mixed

CPU = torch.device("cpu")
TIME = torch.tensor([0.2, 0.5, 0.9])


@pytest.fixture
def expert_only(make_policy, make_batch):
    policy, processors = make_policy(train_expert_only=True)
    return policy, processors, make_batch(processors)


def test_acting_in_bfloat16_is_near_float32(expert_only, noise):
    policy, _, batch = expert_only
    exact = policy.sample_actions(batch, noise)
    lower_towers(policy)
    lowered = policy.sample_actions(batch, noise)
    assert not lowered.equal(exact)
    assert (lowered - exact).abs().max() < 0.1 * exact.std()
    assert policy.model.state_proj.weight.dtype == torch.float32


def test_training_beside_a_frozen_bfloat16_vlm_has_nearly_the_same_gradients(expert_only, noise):
    policy, _, batch = expert_only
    exact = _gradients(policy, batch, noise, is_mixed=False)
    lowered = _gradients(lower_frozen(copy.deepcopy(policy)), batch, noise, is_mixed=True)
    assert set(lowered) == set(exact)
    assert "model.state_proj.weight" in exact
    for name, gradient in exact.items():
        assert lowered[name].dtype == torch.float32
        assert (lowered[name] - gradient).norm() < 0.1 * gradient.norm() + 1e-6, name


def test_what_is_trained_is_not_lowered_with_the_frozen(make_policy):
    policy, _ = make_policy(train_expert_only=False)
    assert {p.dtype for p in lower_frozen(policy).parameters()} == {torch.float32}


def test_a_lowered_policy_is_saved_and_loaded_as_it_is(expert_only, noise, tmp_path):
    policy, processors, batch = expert_only
    lower_frozen(policy)
    save_checkpoint(tmp_path / "saved", policy, processors)
    loaded, _ = load_checkpoint(tmp_path / "saved")
    for name, tensor in policy.state_dict().items():
        assert loaded.state_dict()[name].equal(tensor.float()), name
    assert lower_towers(loaded).sample_actions(batch, noise).equal(lower_towers(policy).sample_actions(batch, noise))


@pytest.mark.skipif(not is_bfloat16_fast(CPU), reason="this CPU multiplies bfloat16 no faster")
def test_packed_layers_multiply_as_before(expert_only):
    policy, *_ = expert_only
    towers = policy.model.vlm_with_expert.requires_grad_(False).to(torch.bfloat16)
    packed = copy.deepcopy(towers)
    pack_linears(packed)
    assert packed.state_dict().keys() == towers.state_dict().keys()
    pixels = torch.rand(2, 3, 16, 16).bfloat16()
    plain, fast = (t.vlm.model.vision_model(pixel_values=pixels).last_hidden_state for t in (towers, packed))
    torch.testing.assert_close(fast, plain, rtol=0.02, atol=0.02)
    hidden = torch.rand(1, 3, 32).bfloat16().requires_grad_()
    packed.vlm.model.text_model.layers[0].mlp(hidden).sum().backward()
    assert hidden.grad is not None


def _gradients(policy, batch, noise, *, is_mixed):
    policy.train()
    with mixed(CPU, is_mixed):
        loss = policy(batch, noise, TIME).mean
    loss.backward()
    return {name: p.grad for name, p in policy.named_parameters() if p.grad is not None}
