"""Paths of joints: planted teleports, wraps, counts, trembling and limits are found, and their near misses are not."""

from __future__ import annotations

import numpy as np
import pytest

from curation.quality.paths import detect_jump, detect_raw_counts, detect_wrap
from curation.quality.registry import DATASET_SCORES, SCORES
from curation.quality.unusual import detect_saturation, detect_tremor


def reaches(num_episodes: int = 6, num_frames: int = 240, joints: int = 4) -> list[np.ndarray]:
    """Smooth reaches in degrees with an encoder's noise, each different."""
    rng = np.random.default_rng(11)
    time = np.linspace(0, 2 * np.pi, num_frames)[:, None]
    paths = []
    for _ in range(num_episodes):
        phase, speed = rng.uniform(0, 2 * np.pi, joints), rng.uniform(0.5, 1.5, joints)
        paths.append(45 * np.sin(speed * time + phase) + 0.05 * rng.standard_normal((num_frames, joints)))
    return paths


def dataset_of(paths: list[np.ndarray], make_episode, make_dataset):
    return make_dataset(*(make_episode(path, index=index) for index, path in enumerate(paths)))


def named(findings) -> list[int]:
    return sorted({index for finding in findings for index in finding.episodes})


def test_clean_reaches_have_nothing(make_episode, make_dataset) -> None:
    dataset = dataset_of(reaches(), make_episode, make_dataset)
    for detect in (detect_jump, detect_wrap, detect_tremor, detect_saturation):
        assert detect(dataset) == []


@pytest.mark.parametrize("share", [0.15, 0.45])
@pytest.mark.parametrize("is_spike", [False, True])
@pytest.mark.parametrize("frame", [2, 100, 230])
def test_teleports_are_jumps_with_their_frame(make_episode, make_dataset, share, is_spike: bool, frame: int) -> None:
    paths = reaches()
    paths[3][frame : frame + 1 if is_spike else None, 1] += share * 90
    (finding,) = detect_jump(dataset_of(paths, make_episode, make_dataset))
    assert (finding.episodes, finding.evidence["frame"], finding.evidence["dimension"]) == ((3,), frame, 1)
    assert finding.evidence["score"] > 0.08


@pytest.mark.parametrize("num_frames", [2, 3, 4, 8])
def test_a_joint_that_is_elsewhere_for_some_frames_jumps(make_episode, make_dataset, num_frames: int) -> None:
    paths = reaches()
    paths[3][100 : 100 + num_frames, 1] += 0.15 * 90
    dataset = dataset_of(paths, make_episode, make_dataset)
    (finding,) = detect_jump(dataset)
    assert (finding.episodes, finding.evidence["frame"], finding.evidence["dimension"]) == ((3,), 100, 1)
    scores = DATASET_SCORES["motion.jump"](dataset)
    assert max(scores, key=scores.__getitem__) == 3
    assert scores[3] > 1 > max(score for episode, score in scores.items() if episode != 3)


def test_a_brisk_motion_is_no_jump(make_episode, make_dataset) -> None:
    paths = reaches()
    paths[3][:, 1] += 60 / (1 + np.exp(-(np.arange(240) - 120) / 2.0))
    assert detect_jump(dataset_of(paths, make_episode, make_dataset)) == []


def test_hands_that_report_every_third_frame_do_not_jump(make_episode, make_dataset) -> None:
    paths = [np.repeat(path[::12], 3, axis=0) for path in reaches(num_frames=960)]
    assert detect_jump(dataset_of(paths, make_episode, make_dataset)) == []


def test_where_all_episodes_jump_all_are_named(make_episode, make_dataset) -> None:
    paths = reaches()
    for path in paths:
        path[120:, 0] += 20
    assert named(detect_jump(dataset_of(paths, make_episode, make_dataset))) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("turn", "unit"), [(360.0, "degrees"), (2 * np.pi, "radians"), (4096.0, "encoder counts")])
def test_a_turn_is_a_wrap_and_no_jump(make_episode, make_dataset, turn: float, unit: str) -> None:
    paths = [path * turn / 360 for path in reaches()]
    beyond = paths[2][:, 3] + turn * 0.45
    paths[2][:, 3] = (beyond + turn / 2) % turn - turn / 2
    dataset = dataset_of(paths, make_episode, make_dataset)
    (finding,) = detect_wrap(dataset)[:1]
    assert (finding.episodes, finding.evidence["unit"], finding.evidence["fix"]) == ((2,), unit, "unwrap")
    assert abs(np.diff(paths[2][:, 3])[finding.evidence["frames"][0] - 1]) > 0.9 * turn
    assert finding.evidence["largest_step_after"] < 0.02 * turn
    assert detect_jump(dataset) == []


def test_a_normalised_joint_wraps_between_its_ends(make_episode, make_dataset) -> None:
    paths = reaches()
    paths[0][:, 0] = (paths[0][:, 0] * 2 + 80 + 100) % 200 - 100
    assert named(detect_wrap(dataset_of(paths, make_episode, make_dataset))) == [0]


def test_a_gripper_that_snaps_from_end_to_end_is_no_wrap(make_episode, make_dataset) -> None:
    paths = reaches()
    for path in paths:
        path[:, 3] = np.where(np.arange(240) // 60 % 2, 100.0, 0.0) + 0.1 * path[:, 0] / 45
    assert detect_wrap(dataset_of(paths, make_episode, make_dataset)) == []


def test_encoder_counts_are_raw(make_episode) -> None:
    counts = np.round(reaches(1)[0] * 4096 / 360 + 2048)
    state, action = detect_raw_counts(make_episode(counts))
    assert state.severity == "warn"
    assert state.evidence["dimensions"] == [0, 1, 2, 3]
    assert action.evidence["column"] == "action"
    assert detect_raw_counts(make_episode(reaches(1)[0])) == []
    assert detect_raw_counts(make_episode(np.round(reaches(1)[0]))) == []
    assert detect_raw_counts(make_episode(counts + 0.25)) == []


@pytest.mark.parametrize("fps", [10, 30, 80])
def test_trembling_is_told_from_motion(make_episode, make_dataset, fps: int) -> None:
    paths = reaches()
    paths[4][:, 2] += 0.04 * 90 * np.random.default_rng(0).standard_normal(240)
    episodes = [make_episode(path, index=index, fps=fps) for index, path in enumerate(paths)]
    (finding,) = detect_tremor(make_dataset(*episodes))
    assert (finding.episodes, finding.evidence["dimension"]) == ((4,), 2)


def test_a_path_cut_off_at_a_limit_is_saturated_and_an_arm_at_rest_is_not(make_episode, make_dataset) -> None:
    paths = reaches()
    paths[1][:, 0] = np.minimum(paths[1][:, 0], np.quantile(paths[1][:, 0], 0.6))
    at_rest = paths[5]
    at_rest[150:] = at_rest[150]
    findings = detect_saturation(dataset_of(paths, make_episode, make_dataset))
    assert named(findings) == [1]
    assert 0.2 < findings[0].evidence["share"] <= 0.41


def test_a_gripper_that_is_mostly_open_is_not_cut_off_there(make_episode, make_dataset) -> None:
    paths = reaches()
    closing = np.maximum(0, 250 * (np.sin(np.linspace(-6, 3, 240)) - 0.6))
    for index, path in enumerate(paths):
        noise = 0.0 if index == 2 else np.random.default_rng(index).uniform(0, 0.5, 240)
        path[:, 3] = 100 - closing - noise
    assert detect_saturation(dataset_of(paths, make_episode, make_dataset)) == []


def test_a_live_joint_that_drifts_to_a_limit_and_stays_there_is_saturated(make_episode, make_dataset) -> None:
    paths = reaches()
    path = paths[1][:, 0]
    slower = 1 - (1 - np.linspace(0, 0.9, 60)) ** 2
    path[100:160] = path[100] + slower * (path.max() + 5 - path[100])
    path[160:220] = path[159]
    findings = detect_saturation(dataset_of(paths, make_episode, make_dataset))
    assert named(findings) == [1]
    assert findings[0].evidence["share"] == pytest.approx(61 / 240, abs=0.01)


@pytest.mark.parametrize("code", sorted(SCORES))
@pytest.mark.parametrize(
    "values",
    [np.zeros((0, 3)), np.zeros((1, 3)), np.zeros((3, 3)), np.zeros((40, 0)), np.full((40, 3), np.nan), np.ones((40, 3))],
    ids=["no frames", "one frame", "three frames", "no joints", "not finite", "at rest"],
)  # fmt: skip
def test_every_score_is_a_number_for_odd_episodes(make_episode, code: str, values: np.ndarray) -> None:
    assert not np.isnan(SCORES[code](make_episode(values)))


@pytest.mark.parametrize(
    "values", [np.zeros((1, 3)), np.zeros((12, 0)), np.ones((12, 3)), np.arange(36.0).reshape(12, 3)]
)
def test_short_and_empty_episodes_are_summarised(make_episode, make_dataset, values: np.ndarray) -> None:
    dataset = make_dataset(make_episode(values))
    for detect in (detect_jump, detect_wrap, detect_tremor, detect_saturation):
        assert detect(dataset) == []
