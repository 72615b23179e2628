"""Units and zero of joints are told from ranges and names, and doubtful ones are left in doubt."""

from __future__ import annotations

import numpy as np
import pytest

from curation.quality.convention import detect_unit_convention, detect_zero_convention
from curation.quality.facts import DatasetFacts, EpisodeFacts
from curation.quality.movement import summarise
from data_contracts.joint_conventions import NEW_GRID_DEG, OLD_GRID_DEG, JointRanges, odd_episodes, recognise, settled

NEW = ("shoulder_pan.pos", "shoulder_lift.pos", "elbow_flex.pos", "wrist_flex.pos", "wrist_roll.pos", "gripper.pos")
OLD = tuple(f"main_{name.removesuffix('.pos')}" for name in NEW)
REST, REACH = np.array([0, -100, 95, 60, 0, 2.0]), np.array([60, 40, -60, 105, 70, 55.0])
TO_OLD = (np.array([1, -1, 1, 1, 1, 1.0]), np.array([0, 90, 90, 0, 0, 0.0]))


def degrees(rng: np.random.Generator, num_frames: int = 60) -> np.ndarray:
    """A way from rest to reach and back, in degrees from the middle, (T, 6)."""
    share = np.sin(np.linspace(0, np.pi, num_frames))[:, None]
    return REST + share * (REACH - REST) * rng.uniform(0.8, 1.0, 6) + rng.normal(0, 0.05, (num_frames, 6))


def old_zero(path: np.ndarray) -> np.ndarray:
    return (path - 0) * TO_OLD[0] + TO_OLD[1]


def normalised(path: np.ndarray) -> np.ndarray:
    scaled = np.clip(path / [110, 100, 96, 100, 160, 50] * 100, -100, 100)
    return np.column_stack([scaled[:, :5], np.clip(path[:, 5], 0, 100)])


def ranges(paths: list[np.ndarray], names: tuple[str, ...]) -> JointRanges:
    return JointRanges(names, np.array([p.min(axis=0) for p in paths]), np.array([p.max(axis=0) for p in paths]))


def paths(convert, num: int = 6, seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [convert(degrees(rng)) for _ in range(num)]


CASES = {
    "degrees": (lambda p: p, NEW, ("degrees", "middle")),
    "old": (old_zero, OLD, ("degrees", "stretched")),
    "old under new names": (old_zero, NEW, ("degrees", "stretched")),
    "normalised": (normalised, NEW, ("normalised", "middle")),
    "radians": (np.deg2rad, NEW, ("radians", None)),
    "counts": (lambda p: np.round(2048 + p / 360 * 4096), NEW, ("counts", None)),
}


@pytest.mark.parametrize("robot_type", ["so100", None, "koch_follower"])
@pytest.mark.parametrize("case", CASES, ids=CASES.keys())
def test_each_convention_is_told_whatever_the_robot_type_says(case, robot_type):
    convert, names, expected = CASES[case]
    found = recognise(ranges(paths(convert), names), robot_type)
    assert (found.unit, found.zero) == expected
    assert found.is_sure
    assert found.family.key == "so"
    assert found.joints[1] == "shoulder_lift"


def test_what_fits_two_conventions_is_left_in_doubt():
    found = recognise(ranges(paths(lambda p: p * 0.4), NEW), "so100")
    assert found.unit == "unknown"
    assert not found.is_sure
    far = recognise(ranges(paths(lambda p: p * [2.5, 0.3, 0.3, 1, 1, 1] + [0, 50, 50, 0, 0, 0]), NEW), "so100")
    assert (far.unit, far.zero) == ("degrees", None)


@pytest.mark.parametrize(
    ("step", "names", "convert", "zero"),
    [(OLD_GRID_DEG, OLD, lambda p: p * 0.4 + [0, 60, 60, 0, 0, 0], "stretched"), (NEW_GRID_DEG, NEW, lambda p: p * 0.4, "middle")],
)  # fmt: skip
def test_encoder_steps_tell_degrees_where_ranges_do_not(step, names, convert, zero):
    found = recognise(ranges([np.round(p / step) * step for p in paths(convert)], names), "so100")
    assert (found.unit, found.zero) == ("degrees", zero)
    assert recognise(ranges(paths(convert), NEW), "so100").unit == "unknown"


def test_two_arms_and_nameless_motors():
    two = tuple(f"{side}_{name}" for side in ("left", "right") for name in NEW)
    found = recognise(ranges([np.hstack([p, p]) for p in paths(lambda p: p)], two), "bi_so100_follower")
    assert (found.unit, found.joints[7]) == ("degrees", "right_shoulder_lift")
    motors = tuple(f"motor_{k}" for k in range(6))
    assert recognise(ranges(paths(lambda p: p), motors), "so101_follower").joints == found.joints[:0] + tuple(
        name.removesuffix(".pos") for name in NEW
    )
    assert recognise(ranges(paths(lambda p: p), motors), "ur5").family is None


def test_other_robots_get_what_can_be_said():
    arm = paths(np.deg2rad)
    assert recognise(ranges(arm, tuple(f"joint_{k}" for k in range(6))), "cr5").unit == "radians"
    flat = paths(lambda p: p[:, :4] * 0.001)
    assert recognise(ranges(flat, ("x", "y", "z", "gripper")), "sawyer").unit == "metres"
    assert recognise(ranges(paths(lambda p: p), ("a", "b", "c", "d", "e", "f")), None).unit == "unknown"


def test_episodes_of_another_convention_are_named():
    mixed = paths(old_zero, 4) + paths(lambda p: p, 2) + paths(np.deg2rad, 1)
    assert odd_episodes(ranges(mixed, NEW), "so100") == [4, 5, 6]
    assert odd_episodes(ranges(paths(old_zero), NEW), "so100") == []


def facts(states: list[np.ndarray], actions: list[np.ndarray], names: tuple[str, ...]) -> DatasetFacts:
    episodes = [
        summarise(
            EpisodeFacts(
                index=10 + number, fps=30.0, timestamps_s=np.arange(len(state)) / 30, state_TS=state, action_TA=action,
                state_names=names, action_names=names,
            )
        )
        for number, (state, action) in enumerate(zip(states, actions, strict=True))
    ]  # fmt: skip
    return DatasetFacts("lab__set", robot_type="so100", num_episodes=len(episodes), episodes=tuple(episodes))


def test_findings_say_the_unit_and_warn_of_disagreement():
    state = paths(lambda p: p)
    notes = detect_unit_convention(facts(state, state, NEW))
    assert {finding.severity for finding in notes} == {"note"}
    assert notes[0].evidence["unit"] == "degrees"
    assert set(notes[0].evidence["joints"]) == {name.removesuffix(".pos") for name in NEW}
    split = detect_unit_convention(facts(state, [np.deg2rad(p) for p in state], NEW))
    assert any(f.severity == "warn" and "differently" in f.message for f in split)
    odd = detect_unit_convention(facts([*state[:4], *[old_zero(p) for p in state[4:]]], state, NEW))
    assert [f.episodes for f in odd if f.episodes] == [(14, 15)]


def test_old_zero_is_a_note_and_under_new_names_a_warning():
    old = paths(old_zero)
    (note,) = detect_zero_convention(facts(old, old, OLD))
    (warn,) = detect_zero_convention(facts(old, old, NEW))
    assert (note.severity, warn.severity) == ("note", "warn")
    assert detect_zero_convention(facts(paths(lambda p: p), paths(lambda p: p), NEW)) == []


def test_a_vector_in_doubt_follows_the_other_of_the_same_joints():
    rng = np.random.default_rng(4)
    action = [normalised(degrees(rng)) for _ in range(4)]
    columns = {"observation.state": ranges([p * 0.95 for p in action], NEW), "action": ranges(action, NEW)}
    assert recognise(columns["observation.state"], "so100").unit == "unknown"
    assert {c.unit for c in settled(columns, "so100").values()} == {"normalised"}
    columns["observation.state"] = ranges([np.deg2rad(p) for p in action], NEW)
    assert [c.unit for c in settled(columns, "so100").values()] == ["radians", "normalised"]
