from __future__ import annotations

import math

import pytest
import torch

from training.optimiser import Average, learning_rate


def test_the_rate_warms_up_peaks_and_falls_to_its_end(tiny_recipe):
    recipe = tiny_recipe(steps=100, warmup_steps=10, learning_rate=1.0, final_learning_rate=0.1, save_every=100)
    rates = [learning_rate(recipe, step) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 11)
    assert rates[10] == max(rates) == pytest.approx(0.1 + 0.45 * (1 + math.cos(0.1 * math.pi)))
    assert rates[50] == pytest.approx(0.55)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert learning_rate(recipe, 100) == pytest.approx(0.1)
    short = recipe.model_copy(update={"decay_steps": 50})
    assert learning_rate(short, 25) == pytest.approx(0.55)
    assert [learning_rate(short, step) for step in (50, 99)] == pytest.approx([0.1, 0.1])
    longer = recipe.model_copy(update={"decay_steps": 500})
    assert [learning_rate(longer, step) for step in range(100)] == rates
    constant = recipe.model_copy(update={"schedule": "constant"})
    assert {learning_rate(constant, step) for step in range(10, 100)} == {1.0}


def test_the_average_trails_the_weights_and_is_not_held_back_by_the_first_ones():
    weight = torch.zeros(1)
    average, none = Average([weight], 0.9), Average([weight], 0.0)
    for step in range(400):
        weight += 1
        average.update([weight], step)
        none.update([weight], step)
    assert none.weights[0].item() == 400
    assert average.weights[0].item() == pytest.approx(400 - 9, abs=0.5)
