"""Gradients reach what they should and nothing else, and a batch can be learnt by heart."""

from __future__ import annotations

import pytest
import torch


def test_overfitting_one_batch_lowers_the_loss(policy, batch):
    torch.manual_seed(0)
    policy.train()
    optimiser = torch.optim.AdamW([p for p in policy.parameters() if p.requires_grad], lr=3e-3)
    noise, time = torch.randn(3, 6, 8), torch.tensor([0.3, 0.6, 0.9])
    losses = []
    for _ in range(60):
        loss = policy(batch, noise, time).mean
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize("freeze_vision", [True, False])
def test_every_trainable_tensor_gets_a_gradient_and_no_other(make_policy, make_batch, freeze_vision):
    policy, processors = make_policy(freeze_vision_encoder=freeze_vision)
    policy.train()
    policy(make_batch(processors)).mean.backward()
    for name, parameter in policy.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
    vision = policy.model.vlm_with_expert.vlm.model.vision_model
    assert all(parameter.requires_grad != freeze_vision for parameter in vision.parameters())
    assert vision.training != freeze_vision


def test_expert_only_leaves_the_vlm_alone(make_policy, make_batch):
    policy, processors = make_policy(train_expert_only=True)
    policy.train()
    policy(make_batch(processors)).mean.backward()
    trained = {name for name, parameter in policy.named_parameters() if parameter.grad is not None}
    assert trained
    assert not any(".vlm." in name for name in trained)
    assert {"model.state_proj.weight", "model.vlm_with_expert.lm_expert.layers.1.self_attn.k_proj.weight"} <= trained
    assert not policy.model.vlm_with_expert.vlm.training
