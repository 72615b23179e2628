"""Values before and after the model, and what is refused without statistics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from data_contracts.errors import PolicyError
from policy.configuration import IMAGES
from policy.model import TOKENS, TOKENS_MASK
from policy.processors import Processors
from policy.statistics import flat, nested, normalise, statistics_of, unnormalise
from policy.tokenizer import train_tokenizer

TOP, WRIST = f"{IMAGES}.top", f"{IMAGES}.wrist"


def test_one_observation_becomes_a_batch_of_one(processors, make_observation):
    seen = make_observation()
    batch = processors.preprocess(seen | {"task": "press the button"})
    assert batch[TOP].shape == (1, 3, 12, 20)
    assert batch[TOP].max() <= 1.0
    assert batch["observation.state"].shape == (1, 5)
    expected = (torch.tensor(seen["observation.state"]) - torch.tensor([1.0, 2, 3, 4, 5])) / torch.tensor(
        [1.0, 2, 1, 2, 1]
    )
    torch.testing.assert_close(batch["observation.state"][0], expected)
    assert "task" not in batch


def test_training_and_acting_see_the_same_numbers(processors, make_observation):
    seen = [make_observation(i) for i in range(3)]
    together = processors.preprocess(
        {key: np.stack([one[key] for one in seen]) for key in seen[0]} | {"task": ["open the drawer"] * 3}
    )
    for index, one in enumerate(seen):
        alone = processors.preprocess(one | {"task": "open the drawer"})
        for key in alone:
            assert together[key][index].equal(alone[key][0]), key


def test_a_newline_ends_every_task_once(processors):
    tokens, mask = processors.tokenize(["press the button", "press the button\n", "open"])
    assert tokens[0].equal(tokens[1])
    assert mask.dtype == torch.bool
    assert mask.sum(dim=1).tolist() == [4, 4, 2]
    newline = processors.tokenizer.convert_tokens_to_ids("Ċ")
    assert tokens[0, 3] == newline
    assert tokens[2].tolist()[1:] == [newline, 0, 0]


def test_long_tasks_are_cut_and_short_ones_padded(make_policy):
    _, processors = make_policy(pad_language_to="max_length", tokenizer_max_length=10)
    tokens, mask = processors.tokenize(["press the button", "reach the red goal " * 10])
    assert tokens.shape == (2, 10)
    assert mask.sum(dim=1).tolist() == [4, 10]


def test_words_that_are_there_are_not_made_again(processors, batch):
    words = {TOKENS: torch.ones(3, 2, dtype=torch.long), TOKENS_MASK: torch.ones(3, 2, dtype=torch.bool)}
    again = processors.preprocess({"observation.state": np.zeros((3, 5), np.float32)} | words)
    assert again[TOKENS].equal(words[TOKENS])


def test_no_task_is_refused(processors, make_observation):
    for task in ({}, {"task": ""}):
        with pytest.raises(PolicyError, match="task"):
            processors.preprocess(make_observation() | task)


def test_cameras_are_renamed(processors, make_observation):
    renaming = replace(processors, rename_map={"observation.images.up": TOP})
    seen = make_observation()
    renamed = {("observation.images.up" if key == TOP else key): value for key, value in seen.items()}
    expected = processors.preprocess(seen | {"task": "open"})[TOP]
    assert renaming.preprocess(renamed | {"task": "open"})[TOP].equal(expected)


def test_epsilon_counts_in_the_forward_only():
    entries = {"mean": torch.tensor([1.0]), "std": torch.tensor([0.0])}
    assert normalise(torch.tensor([1.5]), entries).item() == pytest.approx(0.5 / 1e-8)
    assert unnormalise(torch.tensor([7.0]), entries).item() == 1.0
    entries["std"] = torch.tensor([1e-8], dtype=torch.float64)
    there = normalise(torch.tensor([2.0], dtype=torch.float64), entries)
    assert unnormalise(there, entries).item() == pytest.approx(1.5)


def test_actions_return_to_the_robots_units(processors):
    actions = processors.postprocess(torch.tensor([[[0.0, 1.0, -1.0]]]))
    torch.testing.assert_close(actions, torch.tensor([[[10.0, -15.0, 0.4]]]))


@pytest.mark.parametrize(
    "statistics",
    [
        {},
        {"action": {"mean": [0.0] * 3, "std": [1.0] * 3}},
        {"observation.state": {"mean": [0.0] * 5, "std": [1.0] * 5}},
        {"so100.buffer.action": {"mean": [0.0] * 3, "std": [1.0] * 3}, "observation.state": {"mean": [0.0] * 5}},
        {"action": {"mean": [0.0] * 3}, "observation.state": {"mean": [0.0] * 5, "std": [1.0] * 5}},
        {"action": {"mean": [0.0] * 4, "std": [1.0] * 4}, "observation.state": {"mean": [0.0] * 5, "std": [1.0] * 5}},
        {
            "action": {"mean": [0.0] * 3, "std": [float("nan")] * 3},
            "observation.state": {"mean": [0.0] * 5, "std": [1.0] * 5},
        },
    ],
)
def test_nothing_is_processed_without_exactly_named_statistics(processors, make_observation, statistics):
    bare = processors.with_statistics(statistics_of(statistics))
    with pytest.raises(PolicyError, match=r"action|observation\.state"):
        bare.preprocess(make_observation() | {"task": "open"})
    with pytest.raises(PolicyError, match=r"action|observation\.state"):
        bare.postprocess(torch.zeros(1, 6, 3))


def test_other_normalisation_is_refused(processors):
    other = replace(processors.config, normalization_mapping={"ACTION": "MIN_MAX"})
    with pytest.raises(PolicyError, match="MIN_MAX"):
        Processors(other, processors.tokenizer)


def test_statistics_survive_flattening():
    statistics = statistics_of({"observation.images.top": {"mean": [[[1.0]]]}, "action": {"std": [1.0, 2.0]}})
    assert set(flat(statistics)) == {"observation.images.top.mean", "action.std"}
    back = nested(flat(statistics))
    assert back["observation.images.top"]["mean"].equal(statistics["observation.images.top"]["mean"])
    assert back["action"]["std"].equal(statistics["action"]["std"])


def test_the_small_tokenizer_knows_its_sentences_and_spells_the_rest():
    tokenizer = train_tokenizer(["press the button"])
    assert tokenizer.convert_ids_to_tokens(tokenizer("Press the button")["input_ids"]) == ["press", "Ġthe", "Ġbutton"]
    other = tokenizer("grasp the Würfel")["input_ids"]
    assert tokenizer.decode(other).strip() == "grasp the würfel"
    assert (
        tokenizer("press the button")["input_ids"]
        == train_tokenizer(["press the button"])("press the button")["input_ids"]
    )
