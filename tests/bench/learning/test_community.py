"""No defect is more frequent in the measurement of learning than others counted it in the wild."""

from __future__ import annotations

from tests.bench.learning.community import TUTORIAL, learning_community

ROWS = learning_community().dataset
NUM_EPISODES = sum(row.num_episodes for row in ROWS)


def test_copies_jumps_and_foreign_texts_are_as_rare_as_in_the_wild():
    assert sum(row.num_episodes for row in ROWS if row.copies) / NUM_EPISODES <= 6935 / 52507
    jumps = [defect for row in ROWS for defect in row.defect if defect.kind == "jump"]
    assert sum(len(defect.episodes) for defect in jumps) / NUM_EPISODES <= 123 / 52507
    assert sum(TUTORIAL in row.tasks for row in ROWS) / len(ROWS) <= 36 / 451


def test_tiny_datasets_and_swapped_cameras_are_as_rare_as_in_the_wild():
    assert sum(row.num_episodes < 5 for row in ROWS) / len(ROWS) <= 482 / 1215
    of_size = [row for row in ROWS if row.num_episodes >= 5]
    assert sum(row.cameras[0].view == "wrist" for row in of_size) / len(of_size) <= 7 / 19


def test_nothing_else_is_wrong_with_it():
    assert {defect.kind for row in ROWS for defect in row.defect} == {"jump", "static", "stub"}
    assert len({row.first_seed for row in ROWS if not row.copies}) == sum(not row.copies for row in ROWS)
