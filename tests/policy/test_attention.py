"""Positions, masks and attention against their definitions, written out one element at a time."""

from __future__ import annotations

import math

import pytest
import torch

from policy.attention import additive, attend, positions_of, rotate, rotation


def test_masked_tokens_use_up_no_position():
    valid = torch.tensor([[True, False, True, True, False, True]])
    assert positions_of(valid)[valid].tolist() == [0, 1, 2, 3]


def test_rotation_turns_halves_by_position_over_base_10000():
    x = torch.randn(1, 3, 2, 8, generator=torch.Generator().manual_seed(0))
    turned = rotate(x, rotation(torch.tensor([[0, 1, 7]]), 8))
    for token, position in enumerate((0, 1, 7)):
        for head in range(2):
            for i in range(4):
                angle = position * 10_000 ** (-2 * i / 8)
                a, b = x[0, token, head, i].item(), x[0, token, head, i + 4].item()
                assert turned[0, token, head, i].item() == pytest.approx(
                    a * math.cos(angle) - b * math.sin(angle), abs=1e-5
                )
                assert turned[0, token, head, i + 4].item() == pytest.approx(
                    b * math.cos(angle) + a * math.sin(angle), abs=1e-5
                )


def test_rotation_keeps_the_dtype():
    x = torch.randn(1, 2, 1, 4).bfloat16()
    assert rotate(x, rotation(torch.tensor([[0, 5]]), 4)).dtype == torch.bfloat16


def test_attention_is_the_weighted_mean_of_values():
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(2, 3, 6, 4, generator=generator)
    key, value = torch.randn(2, 2, 5, 2, 4, generator=generator)
    allowed = torch.rand(2, 3, 5, generator=generator) > 0.4
    allowed[:, :, 0] = True
    got = attend(query, key, value, additive(allowed)).view(2, 3, 6, 4)
    for sample in range(2):
        for token in range(3):
            for head in range(6):
                seen = [s for s in range(5) if allowed[sample, token, s]]
                scores = torch.stack([query[sample, token, head] @ key[sample, s, head // 3] / 2 for s in seen])
                expected = torch.softmax(scores, dim=0) @ torch.stack([value[sample, s, head // 3] for s in seen])
                torch.testing.assert_close(got[sample, token, head], expected)


def test_a_row_that_sees_nothing_stays_finite():
    query, key = torch.randn(1, 2, 2, 4), torch.randn(1, 3, 2, 4)
    assert torch.isfinite(attend(query, key, key, additive(torch.zeros(1, 2, 3, dtype=torch.bool)))).all()
