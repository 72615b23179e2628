"""Joints of the SO family come out in one vocabulary, unit and zero, or as they were with the reason said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curation.fingerprints import fingerprint
from curation.joint_conversion import unwrapped
from curation.normalise import normalise
from data_contracts.identifiers import episode_hash
from data_contracts.lerobot import open_dataset
from data_contracts.manifests import NormalisedDataset
from simulation.legacy_formats import LegacyEpisode, vector_feature, write_v2
from tests.curation.kept_episodes import episode_table, raw_dataset

NAMES = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
NEW = tuple(f"{name}.pos" for name in NAMES)
OLD = tuple(f"main_{name}" for name in NAMES)
STATE, ACTION = "observation.state", "action"


def reach(seed: int, num_frames: int = 60) -> np.ndarray:
    """From rest to reach and back, degrees from the middle of each range, (T, 6)."""
    rng = np.random.default_rng(seed)
    rest, far = np.array([0, -100, 95, 60, 0, 2.0]), np.array([60, 40, -60, 105, 70, 55.0])
    return rest + np.sin(np.linspace(0, np.pi, num_frames))[:, None] * (far - rest) * rng.uniform(0.8, 1.0, 6)


def to_old(path: np.ndarray) -> np.ndarray:
    return path * [1, -1, 1, 1, 1, 1] + [0, 90, 90, 0, 0, 0]


def write(folder: Path, states: list[np.ndarray], names, *, robot_type="so100", actions=None, **options) -> Path:
    features = {key: vector_feature(names or NEW) for key in (STATE, ACTION)}
    if names is None:
        features = {key: feature | {"names": None} for key, feature in features.items()}
    episodes = [
        LegacyEpisode({STATE: s.astype(np.float32), ACTION: a.astype(np.float32)}, "Push the cube")
        for s, a in zip(states, actions or states, strict=True)
    ]
    settings = {"version": "v2.1", "fps": 30, "robot_type": robot_type} | options
    write_v2(folder, features=features, episodes=episodes, **settings)
    return folder


def run(source: Path, out: Path) -> NormalisedDataset:
    return normalise(source, episode_table(source), raw_dataset(source), out)


def written(out: Path, episode: int = 0) -> np.ndarray:
    return open_dataset(out).episode(episode).state_TS


@pytest.mark.parametrize(
    "names", [OLD, NEW, tuple(f"motor_{k}" for k in range(6)), None], ids=["main", "pos", "motor", "none"]
)
def test_old_zero_is_converted_with_proof(tmp_path, names):
    paths = [reach(seed) for seed in (1, 2, 3)]
    source = write(tmp_path / "lab-a__old", [to_old(path) for path in paths], names)
    manifest = run(source, tmp_path / "out")
    assert (manifest.joint_unit, manifest.joint_zero) == ("degrees", "middle")
    assert manifest.state_names == manifest.action_names == NEW
    for number, path in enumerate(paths):
        np.testing.assert_allclose(written(tmp_path / "out", number), path, atol=1e-4)
    assert [(c.column, c.joint) for c in manifest.conversions] == [
        (key, joint) for key in (STATE, ACTION) for joint in NEW[1:3]
    ]
    lift = manifest.conversions[0]
    assert lift.before == pytest.approx((float(to_old(np.vstack(paths))[:, 1].min()), 190.0), abs=1e-3)
    assert lift.after == pytest.approx((-100.0, 90 - lift.before[0]), abs=1e-3)
    assert any(
        "shoulder_lift.pos of observation.state from degrees from the arm stretched out" in c for c in manifest.changes
    )
    assert any("main_shoulder_pan to shoulder_pan.pos" in c for c in manifest.changes) == (names == OLD)


def test_published_and_written_values_have_their_own_hashes(tmp_path):
    source = write(tmp_path / "lab-a__old", [to_old(reach(1)), to_old(reach(2))], OLD)
    manifest = run(source, tmp_path / "out")
    published = open_dataset(source).episode(1)
    assert manifest.episodes[1].episode_hash == episode_hash(published.state_TS, published.action_TA)
    assert manifest.episodes[1].written_hash == episode_hash(written(tmp_path / "out", 1), written(tmp_path / "out", 1))
    assert manifest.episodes[1].written_hash != manifest.episodes[1].episode_hash
    assert fingerprint(tmp_path / "out").height == 2
    low = np.array(open_dataset(tmp_path / "out").statistics.dataset[STATE]["min"])
    np.testing.assert_allclose(low, np.vstack([reach(1), reach(2)]).min(axis=0), atol=1e-4)


def test_normalising_again_changes_nothing(tmp_path):
    run(write(tmp_path / "lab-a__old", [to_old(reach(1)), to_old(reach(2))], OLD), tmp_path / "lab-a__out")
    again = run(tmp_path / "lab-a__out", tmp_path / "again")
    assert (again.changes, again.conversions) == ((), ())
    assert (again.joint_unit, again.joint_zero) == ("degrees", "middle")


def test_radians_become_degrees(tmp_path):
    paths = [reach(seed) for seed in (1, 2)]
    manifest = run(write(tmp_path / "lab-a__rad", [np.deg2rad(p) for p in paths], NEW), tmp_path / "out")
    assert (manifest.joint_unit, manifest.joint_zero) == ("degrees", None)
    np.testing.assert_allclose(written(tmp_path / "out"), paths[0], atol=1e-3)
    assert {c.from_unit for c in manifest.conversions} == {"radians"}


def as_is(path: np.ndarray) -> np.ndarray:
    return path


def clipped(path: np.ndarray) -> np.ndarray:
    return np.clip(path / [110, 99, 94, 100, 160, 60] * 100, -100, 100)


def beyond(path: np.ndarray) -> np.ndarray:
    return np.add(to_old(path), [0, 40, 0, 0, 0, 0])


NOT_CONVERTED = {
    "another arm": ("koch_follower", OLD, to_old, to_old),
    "no arm named": (None, OLD, to_old, to_old),
    "normalised": ("so100", NEW, clipped, clipped),
    "counts": ("so100", NEW, lambda p: np.round(2048 + p * 11.4), lambda p: np.round(2048 + p * 11.4)),
    "action otherwise": ("so100", OLD, to_old, as_is),
    "beyond the limits": ("so100", OLD, beyond, beyond),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_CONVERTED, ids=NOT_CONVERTED.keys())
def test_what_is_not_certain_stays_as_it_was(tmp_path, case):
    robot_type, names, state_of, action_of = NOT_CONVERTED[case]
    paths = [reach(1), reach(2)]
    states, actions = [state_of(p) for p in paths], [action_of(p) for p in paths]
    manifest = run(
        write(tmp_path / "lab-a__set", states, names, robot_type=robot_type, actions=actions), tmp_path / "out"
    )
    assert manifest.conversions == ()
    assert manifest.state_names == names
    np.testing.assert_array_equal(written(tmp_path / "out"), states[0].astype(np.float32))
    assert [e.episode_hash for e in manifest.episodes] == [e.written_hash for e in manifest.episodes]


def test_doubt_is_said_and_the_unit_tells_it(tmp_path):
    mixed = [to_old(reach(1)), to_old(reach(2)), reach(3)]
    manifest = run(write(tmp_path / "lab-a__mixed", mixed, OLD), tmp_path / "out")
    assert manifest.conversions == ()
    assert manifest.joint_zero is None
    split = run(write(tmp_path / "lab-a__split", [to_old(reach(1))], OLD, actions=[reach(1)]), tmp_path / "split")
    assert (split.joint_unit, split.joint_zero) == ("unknown", None)
    assert "units of joints left as they are: state and action count differently" in split.changes
    normal = run(write(tmp_path / "lab-a__b", [clipped(reach(1)), clipped(reach(2))], NEW), tmp_path / "b")
    assert (normal.joint_unit, normal.joint_zero) == ("normalised", "middle")
    assert "cannot be turned into degrees" in (tmp_path / "b" / "README.md").read_text()


def test_wraps_are_undone_where_the_joint_turned_on(tmp_path):
    turning = reach(1)
    turning[:, 4] = np.linspace(120, 240, 60)
    wrapped = turning.copy()
    wrapped[:, 4] = (turning[:, 4] + 180) % 360 - 180
    command = wrapped.copy()
    command[:, 4] = (turning[:, 4] + 1 + 180) % 360 - 180
    source = write(tmp_path / "lab-a__wrap", [wrapped, reach(2)], NEW, actions=[command, reach(2)])
    manifest = run(source, tmp_path / "out")
    np.testing.assert_allclose(written(tmp_path / "out"), turning, atol=1e-3)
    np.testing.assert_allclose(open_dataset(tmp_path / "out").episode(0).action_TA[:, 4], turning[:, 4] + 1, atol=1e-3)
    state, action = manifest.conversions
    assert (state.joint, state.to_unit) == ("wrist_roll.pos", "degrees, continuous")
    assert state.frames == {0: (int(np.argmax(turning[:, 4] > 180)),)}
    assert (state.before[0], state.after[1]) == (pytest.approx(-179, abs=2.1), pytest.approx(240, abs=0.1))
    assert action.column == ACTION
    assert manifest.episodes[1].written_hash == manifest.episodes[1].episode_hash


def test_a_jump_is_no_wrap():
    jumping = np.array([0, 10, 20, 230, 240, 250], np.float32)
    path, frames = unwrapped(jumping)
    assert frames == ()
    assert path is jumping
