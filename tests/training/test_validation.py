from __future__ import annotations

import json

import pytest

from training.mixture import open_mixture
from training.stopping import best_validation, has_stalled
from training.train import train

PATIENT = {"kind": "pretrain", "validate_every": 2, "patience": 2, "steps": 40, "save_every": 4, "log_every": 2}


class PowerCut(Exception):
    pass


@pytest.fixture
def begin(lake, skill_index, tiny_recipe):
    """Returns a function that trains over both robots with the episodes of the evaluation split held out."""

    def run(out, on_progress=None, max_steps=None, **changes):
        recipe = tiny_recipe(**PATIENT | changes)
        mixture = open_mixture(skill_index, lake, recipe, "c")
        return train(recipe, mixture, out, on_progress=on_progress, max_steps=max_steps)

    return run


def lines_of(out) -> list[dict]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def validations(*losses: float) -> list[dict]:
    return [{"step": i, "loss": 1.0, "validation_loss": loss} for i, loss in enumerate(losses, start=1)]


def test_a_run_has_stalled_when_its_last_validations_were_no_better(tiny_recipe):
    patient = tiny_recipe(validate_every=1, patience=2)
    assert not has_stalled(patient, validations(3, 2, 2.5))
    assert has_stalled(patient, validations(3, 2, 2.5, 2))
    assert not has_stalled(patient, validations(3, 2, 2.5, 1.9))
    assert not has_stalled(tiny_recipe(validate_every=1), validations(1, 2, 3, 4, 5))
    assert best_validation(validations(3, 2, 2))["step"] == 2
    assert best_validation([{"step": 1, "loss": 1.0}]) is None


def test_validation_is_the_same_number_for_the_same_weights_at_any_step_and_trains_nothing(begin, tmp_path):
    still = begin(tmp_path / "still", learning_rate=1e-30, patience=0, steps=6, save_every=6)
    assert {loss for _, loss in still.validation} == {still.validation[0][1]}
    assert [step for step, _ in still.validation] == [2, 4, 6]
    with_it = begin(tmp_path / "with", patience=0, steps=6, save_every=6)
    rarely = begin(tmp_path / "rarely", patience=0, steps=6, save_every=6, validate_every=6)
    assert with_it.weights_sha256 == rarely.weights_sha256
    assert with_it.validation[-1] == rarely.validation[-1]


def test_held_out_episodes_are_named_and_not_trained_on(begin, tmp_path):
    run = begin(tmp_path, steps=2, save_every=2)
    assert (len(run.episodes), len(run.held_out), run.num_frames) == (3, 2, 35)
    assert not set(run.episodes) & set(run.held_out)


@pytest.fixture
def stalled(begin, tmp_path):
    """A run whose rate is so high after a while that validation gets worse: it ends early."""
    run = begin(tmp_path / "whole", learning_rate=0.3, divergence_factor=0, schedule="constant")
    assert run.has_stalled
    assert run.num_steps < 40
    return run


def test_a_stalled_run_ends_with_its_best_weights_and_is_not_trained_again(stalled, begin, tmp_path):
    best_step, best_loss = min(stalled.validation, key=lambda item: (item[1], item[0]))
    assert stalled.num_steps == best_step + 4
    assert lines_of(tmp_path / "whole")[-1]["step"] == stalled.num_steps
    again = begin(
        tmp_path / "best", learning_rate=0.3, divergence_factor=0, schedule="constant", patience=0, max_steps=best_step
    )
    assert again.weights_sha256 == stalled.weights_sha256
    assert again.validation[-1] == (best_step, best_loss)
    calls = []
    options = {"learning_rate": 0.3, "divergence_factor": 0, "schedule": "constant"}
    assert begin(tmp_path / "whole", on_progress=calls.append, **options) == stalled
    assert calls == []


def test_a_patient_run_that_is_cut_off_anywhere_ends_alike(stalled, begin, tmp_path):
    options = {"learning_rate": 0.3, "divergence_factor": 0, "schedule": "constant"}
    for cut_at in range(1, stalled.num_steps + 1, 3):

        def cut(progress, cut_at=cut_at):
            if progress.stage == "training" and progress.done == cut_at:
                raise PowerCut

        out = tmp_path / f"cut{cut_at}"
        with pytest.raises(PowerCut):
            begin(out, on_progress=cut, **options)
        assert begin(out, **options) == stalled


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patience": 2}, "patience needs validate_every"),
        ({"validate_every": 3, "log_every": 2}, "multiple of log_every"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(tiny_recipe, change, message):
    with pytest.raises(ValueError, match=message):
        tiny_recipe(**change)
