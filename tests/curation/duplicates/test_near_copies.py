"""Near copies: each thing that can be done to an episode is met once, and honest demonstrations of one task stay apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from curation.duplicates import copy_findings, find_duplicates
from curation.duplicates.clusters import split_of
from curation.duplicates.joints import joint_digests, joint_path
from curation.duplicates.pictures import GRID, MAX_PICTURES
from curation.duplicates.signal import packed, unpacked
from data_contracts.catalogue import FINGERPRINTS
from data_contracts.identifiers import episode_hash

LENGTH = 160
NUM_HONEST = 26


def _demonstration(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns state, action and small pictures of one honest episode: a task's course, its way points moved a little."""
    task, own = np.random.default_rng(7), np.random.default_rng([8, seed])
    course = [_through(task.normal(size=(7, size)) + 0.15 * own.normal(size=(7, size))) for size in (6, GRID * GRID)]
    joints = course[0] * 30 + own.normal(size=course[0].shape) * 0.05
    return joints[:-1], joints[1:], course[1][:-1] * 10 + 100


def _through(points: np.ndarray) -> np.ndarray:
    places = np.linspace(0, len(points) - 1, LENGTH + 1)
    low = np.minimum(places.astype(int), len(points) - 2)
    weight = (1 - np.cos(np.pi * (places - low)))[:, None] / 2
    return points[low] * (1 - weight) + points[low + 1] * weight


def _row(dataset: str, episode: int, state: np.ndarray, action: np.ndarray, views: np.ndarray | None) -> dict:
    state, action = state.astype(np.float32), action.astype(np.float32)
    digest = episode_hash(state, action)
    signals = []
    if views is not None:
        signals = [packed(views[np.unique(np.linspace(0, len(views) - 1, MAX_PICTURES).round().astype(int))])]
    return {
        "dataset_id": dataset, "episode_index": episode, "normalised_index": episode, "num_frames": len(state),
        "episode_hash": digest, "written_hash": digest, "picture_digests": [], "state_size": state.shape[1],
        "joint_digests": joint_digests(state, action), "joint_path": joint_path(state, action), "picture_signals": signals,
    }  # fmt: skip


@pytest.fixture(scope="module")
def honest() -> list[dict]:
    return [_row("lab-a__task", number, *_demonstration(number)) for number in range(NUM_HONEST)]


RNG = np.random.default_rng(5)
PLACES = {"trim": np.arange(30, 142), "retime": np.linspace(0, LENGTH - 1, 110)}


def _at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(places, np.arange(len(values)), column) for column in values.T], axis=1)


def _noisy(values: np.ndarray) -> np.ndarray:
    return values + RNG.normal(size=values.shape) * 0.01 * np.ptp(values, axis=0)


def _turned(values: np.ndarray) -> np.ndarray:
    return values * np.array([-1, 1, 1, 1, 1, 1])


ATTACKS = {
    "trim": lambda s, a, v: (_at(s, PLACES["trim"]), _at(a, PLACES["trim"]), None),
    "retime": lambda s, a, v: (_at(s, PLACES["retime"]), _at(a, PLACES["retime"]), None),
    "noise": lambda s, a, v: (_noisy(s), _noisy(a), None),
    "mirror": lambda s, a, v: (_turned(s), _turned(a), None),
    "offset": lambda s, a, v: (s + 17.5, a + 17.5, None),
    "units": lambda s, a, v: (s * np.pi / 180, a * np.pi / 180, None),
    "reorder": lambda s, a, v: (s[:, ::-1], a[:, ::-1], None),
    "joined": lambda s, a, v: (
        np.concatenate([s, _demonstration(20)[0]]),
        np.concatenate([a, _demonstration(20)[1]]),
        None,
    ),
    "re-encoded, joints made up": lambda s, a, v: (
        RNG.normal(size=s.shape).cumsum(axis=0),
        RNG.normal(size=a.shape).cumsum(axis=0),
        v + 1.0 + RNG.normal(size=v.shape) * 0.2,
    ),
    "mirrored pictures, joints made up": lambda s, a, v: (
        RNG.normal(size=s.shape).cumsum(axis=0),
        RNG.normal(size=a.shape).cumsum(axis=0),
        v.reshape(-1, GRID, GRID)[:, :, ::-1].reshape(len(v), -1),
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_attack_is_credited_to_its_victim(honest, attack):
    copy = _row("thief__task", 0, *ATTACKS[attack](*_demonstration(3)))
    found = find_duplicates(FINGERPRINTS.frame([*honest, copy])).filter(dataset_id="thief__task").row(0, named=True)
    assert (found["is_original"], found["copy_kind"]) == (False, "near")
    assert (found["original_dataset_id"], found["original_episode_index"]) == ("lab-a__task", 3)


def test_honest_demonstrations_of_one_task_stay_apart(honest):
    assert len(list(combinations(honest, 2))) >= 300
    assert find_duplicates(FINGERPRINTS.frame(honest))["cluster_size"].to_list() == [1] * NUM_HONEST


def test_a_still_scene_is_no_evidence():
    still = np.full((LENGTH, GRID * GRID), 90.0)
    rows = [_row("lab-a__task", number, *_demonstration(number)[:2], still) for number in range(2)]
    assert find_duplicates(FINGERPRINTS.frame(rows))["cluster_size"].to_list() == [1, 1]


def test_what_joins_two_recordings_leaves_both_original_in_one_cluster(honest):
    copy = _row("thief__task", 0, *ATTACKS["joined"](*_demonstration(3)))
    found = find_duplicates(FINGERPRINTS.frame([*honest, copy]))
    together = found.filter(pl.col("cluster_size") == 3)
    assert together.select("dataset_id", "episode_index", "is_original").rows() == [
        ("lab-a__task", 3, True),
        ("lab-a__task", 20, True),
        ("thief__task", 0, False),
    ]
    assert together["split"].n_unique() == 1
    assert "lab-a__task/000020" in together["evidence"][2]


def test_order_of_rows_changes_nothing_and_the_order_given_decides_who_is_credited(honest):
    copy = _row("thief__task", 0, *ATTACKS["noise"](*_demonstration(3)))
    frame = FINGERPRINTS.frame([*honest, copy])
    found = find_duplicates(frame)
    assert find_duplicates(frame.sample(fraction=1, shuffle=True, seed=1)).equals(found)
    stolen = find_duplicates(frame, order=["thief__task"])
    assert stolen.filter(~pl.col("is_original")).select("dataset_id", "episode_index").rows() == [("lab-a__task", 3)]
    assert stolen["cluster_id"].to_list() == found["cluster_id"].to_list()


def test_split_is_decided_by_the_cluster_and_is_about_one_in_twenty():
    splits = [split_of(f"sha256:{number:064x}") for number in range(4000)]
    assert 0.03 < splits.count("evaluation") / len(splits) < 0.07
    assert splits == [split_of(f"sha256:{number:064x}") for number in range(4000)]


def test_copies_become_findings_of_the_dataset_that_holds_them(honest):
    copies = [_row("thief__task", n, *ATTACKS["noise"](*_demonstration(3 + n))) for n in range(2)]
    exact = {**honest[9], "dataset_id": "lab-a__again", "episode_index": 0}
    found = find_duplicates(FINGERPRINTS.frame([*honest, *copies, exact]), order=["lab-a__task"])
    findings = copy_findings(found, {"lab-a__task": "lab-a", "lab-a__again": "lab-a", "thief__task": "thief"})
    assert findings.select("dataset_id", "code", "severity", "episodes").rows() == [
        ("lab-a__again", "duplicate.exact_copy", "warn", [0]),
        ("thief__task", "duplicate.near_copy", "warn", [0, 1]),
        ("thief__task", "duplicate.cross_contributor", "note", [0, 1]),
    ]


def test_a_packed_signal_keeps_its_values_to_a_step_of_its_range():
    points = np.random.default_rng(0).normal(size=(50, 3)) * [1, 100, 1e-3] + [5, 0, 2]
    assert np.all(np.abs(unpacked(packed(points)) - points) <= np.ptp(points, axis=0) * 1e-4)
