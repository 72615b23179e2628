from __future__ import annotations

import math

import pytest
import torch

from policy.model import ACTION_IS_PAD
from training.batches import ACTION_DIM_IS_PAD, TRAINING, Share, flow_draws
from training.mixture import open_mixture
from training.processes import Processes
from training.run import prepare
from training.step import take_step


@pytest.fixture
def new_run(lake, skill_index, tiny_recipe):
    """Returns a function that prepares a run over both robots, whose vectors differ in size."""

    def make(**changes):
        recipe = tiny_recipe(kind="pretrain", batch_size=8, clip_norm=1e9, **changes)
        mixture = open_mixture(skill_index, lake, recipe, "c")
        return prepare(recipe, mixture, None, "cpu", 2**30, lambda progress: None, Processes())

    return make


def test_the_loss_counts_neither_padding_in_time_nor_in_dimensions(new_run):
    run = new_run()
    batch = run.batches.at(3)
    noise, times = flow_draws(0, 3, 16, 5, run.policy.config.max_action_dim, TRAINING)
    losses = run.policy(batch, noise, times, 2).elementwise.detach()
    total, number = 0.0, 0
    for sample in range(8):
        for when in range(5):
            for value in range(4):
                if not batch[ACTION_IS_PAD][sample, when] and not batch[ACTION_DIM_IS_PAD][sample, value]:
                    total, number = total + losses[sample, when, value].item(), number + 1
    assert 0 < number < losses.numel()
    [part] = run.batches.parts(3)
    assert part.num_counted == number
    assert take_step(run, 3, [part])[0] == pytest.approx(total / number, rel=1e-5)


def test_a_step_in_parts_is_the_step_as_a_whole(new_run):
    whole, parts = new_run(), new_run(accumulate=4)
    results = []
    for run in (whole, parts):
        share = Share(num_parts=run.recipe.accumulate)
        results.append([take_step(run, step, run.batches.parts(step, share)) for step in range(3)])
    torch.testing.assert_close(torch.tensor(results[0]), torch.tensor(results[1]), rtol=1e-4, atol=1e-6)
    for name, weight in whole.parameters.items():
        torch.testing.assert_close(weight, parts.parameters[name], rtol=0, atol=2e-5, msg=name)


def test_shares_of_processes_and_parts_are_the_rows_of_the_step_once_each(new_run):
    run = new_run()
    shared = [run.batches.parts(5, Share(process, 2, 2)) for process in range(2)]
    parts = [part for of_process in shared for part in of_process]
    assert [part.first for part in parts] == [0, 2, 4, 6]
    for name, value in run.batches.at(5).items():
        assert torch.equal(torch.cat([part.batch[name] for part in parts]), value)


def test_a_gradient_that_is_no_number_moves_nothing(new_run):
    run = new_run()
    before = {name: weight.detach().clone() for name, weight in run.parameters.items()}
    next(iter(run.parameters.values())).register_hook(lambda gradient: gradient * float("inf"))
    loss, norm = take_step(run, 0, run.batches.parts(0))
    assert (math.isfinite(loss), math.isfinite(norm)) == (True, False)
    for name, weight in run.parameters.items():
        assert torch.equal(weight, before[name])
