"""What pictures show, over time, against the dataset's other episodes and against the joints: each with its near misses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from curation.quality.agreement import (
    detect_motion_without_video,
    detect_video_joint_mismatch,
    detect_video_without_motion,
)
from curation.quality.camera_facts import CameraFacts
from curation.quality.facts import DatasetFacts, EpisodeFacts
from curation.quality.optics import detect_blurred, detect_over_exposed, detect_under_exposed
from curation.quality.orientation import detect_mirrored, detect_upside_down
from curation.quality.probe import _largest_changes
from curation.quality.stillness import detect_frozen, detect_repeated_frames

TOP = "observation.images.top"
FRAMES = 80
HEIGHT, WIDTH = 48, 64
NUM_EPISODES = 10
ROOM_HW = np.random.default_rng(1).integers(40, 160, (6, 8)).repeat(8, axis=0).repeat(8, axis=1)
OTHER_ROOM_HW = np.random.default_rng(2).integers(40, 160, (6, 8)).repeat(8, axis=0).repeat(8, axis=1)


def joints(index: int) -> np.ndarray:
    """Two joints in degrees that swing differently in each episode, float32 (T, 2)."""
    random = np.random.default_rng(index)
    time = np.linspace(0, 1, FRAMES)
    pan = 40 * np.sin(2 * np.pi * (random.uniform(0.6, 1.2) * time + random.uniform()))
    lift = 30 * np.sin(2 * np.pi * (random.uniform(0.6, 1.2) * time + random.uniform()))
    return np.stack([pan, lift], axis=1).astype(np.float32)


def filmed(state_TS: np.ndarray, room_HW: np.ndarray = ROOM_HW, seed: int = 0) -> np.ndarray:
    """The room with a soft bright arm where the joints put it, uint8 (T, 48, 64)."""
    row, column = np.mgrid[:HEIGHT, :WIDTH]
    noise = np.random.default_rng(seed).normal(0, 1.5, (len(state_TS), HEIGHT, WIDTH))
    pan, lift = state_TS[:, :1, None], state_TS[:, 1:2, None]
    distance = ((column - 32 - pan / 2) ** 2 + (row - 24 - lift / 2) ** 2) / (2 * 6.0**2)
    return np.clip(room_HW + 120 * np.exp(-distance) + noise, 0, 255).astype(np.uint8)


def camera(index: int, pictures_THW: np.ndarray, **fields: object) -> CameraFacts:
    plain = CameraFacts(
        episode=index, key=TOP, file=f"videos/{index}.mp4", size=(480, 640), num_frames=len(pictures_THW),
        numbers_N=np.arange(len(pictures_THW)), thumbs_NHW=pictures_THW, change_N=_largest_changes(pictures_THW),
        sharpness_K=np.full(3, 0.4, np.float32),
    )  # fmt: skip
    return replace(plain, **fields)


def episode(index: int, pictures_THW: np.ndarray, state_TS: np.ndarray | None = None, **fields: object) -> EpisodeFacts:
    state_TS = joints(index) if state_TS is None else state_TS
    return EpisodeFacts(
        index=index, fps=30, timestamps_s=np.arange(len(state_TS)) / 30, state_TS=state_TS, action_TA=state_TS,
        cameras=(camera(index, pictures_THW, **fields),),
    )  # fmt: skip


def dataset(change: Callable[[int, np.ndarray], np.ndarray] | None = None, changed: tuple[int, ...] = (4,), **fields):
    """Ten episodes of one camera; `change` alters the pictures of those in `changed`, `fields` their camera's facts."""
    videos = []
    for index in range(NUM_EPISODES):
        pictures_THW = filmed(joints(index), seed=index)
        is_changed = index in changed
        facts = episode(index, change(index, pictures_THW) if change and is_changed else pictures_THW)
        camera_facts = replace(facts.cameras[0], **fields) if is_changed else facts.cameras[0]
        videos.append(camera_facts.thinned(facts))
    return DatasetFacts(dataset_id="ann__cubes", videos=tuple(videos))


def named(findings: list) -> tuple[int, ...]:
    return tuple(index for finding in findings for index in finding.episodes)


DATASET_DETECTORS = (
    detect_blurred, detect_over_exposed, detect_under_exposed, detect_upside_down, detect_mirrored,
    detect_video_joint_mismatch,
)  # fmt: skip


def test_a_clean_dataset_has_no_findings() -> None:
    for detect in DATASET_DETECTORS:
        assert detect(dataset()) == []
    for index in range(NUM_EPISODES):
        clean = episode(index, filmed(joints(index)))
        assert detect_frozen(clean) + detect_repeated_frames(clean) == []
        assert detect_video_without_motion(clean) + detect_motion_without_video(clean) == []


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_a_picture_that_stands_still_while_joints_move_is_frozen(share: float) -> None:
    frozen_THW = filmed(joints(3))
    frozen_THW[20 : 20 + int(share * FRAMES)] = frozen_THW[20]
    (finding,) = detect_frozen(episode(3, frozen_THW))
    assert finding.severity == "warn"
    assert finding.evidence["first_frame"] == 20
    assert finding.evidence["share"] == pytest.approx(share, abs=0.03)
    assert detect_repeated_frames(episode(3, frozen_THW)) == []


def test_a_picture_that_stands_still_while_joints_rest_is_not() -> None:
    state_TS = joints(3)
    state_TS[50:] = state_TS[50]
    pictures_THW = filmed(state_TS)
    pictures_THW[50:] = pictures_THW[50]
    assert detect_frozen(episode(3, pictures_THW, state_TS)) == []
    assert detect_repeated_frames(episode(3, pictures_THW, state_TS)) == []


def test_every_second_frame_repeated() -> None:
    slow_THW = filmed(joints(3))[np.arange(FRAMES) // 2 * 2]
    (finding,) = detect_repeated_frames(episode(3, slow_THW))
    assert finding.evidence["share"] == pytest.approx(0.5, abs=0.1)
    assert detect_frozen(episode(3, slow_THW)) == []
    once_THW = filmed(joints(3))
    once_THW[30] = once_THW[29]
    assert detect_repeated_frames(episode(3, once_THW)) == []


def test_small_motion_that_an_encoder_left_out_between_its_key_frames_is_not_repeated() -> None:
    slow_THW = np.repeat(filmed(joints(3))[::2], 2, axis=0)
    film = episode(3, slow_THW)
    (camera,) = film.cameras
    even_N = camera.numbers_N % 2 == 0
    assert detect_repeated_frames(replace(film, cameras=(replace(camera, is_key_N=even_N),))) == []
    assert detect_repeated_frames(replace(film, cameras=(replace(camera, is_key_N=~even_N),))) != []


@pytest.mark.parametrize("frames", [15, -15, 30])
def test_a_video_that_is_shifted_against_its_joints(frames: int) -> None:
    def shift(_: int, pictures_THW: np.ndarray) -> np.ndarray:
        return pictures_THW[np.clip(np.arange(FRAMES) - frames, 0, FRAMES - 1)]

    (finding,) = detect_video_joint_mismatch(dataset(shift))
    assert (finding.episodes, finding.severity, finding.evidence["kind"]) == ((4,), "warn", "shifted")
    assert finding.evidence["lag"] == pytest.approx(frames, abs=4)


def test_the_video_of_another_episode() -> None:
    (finding,) = detect_video_joint_mismatch(dataset(lambda index, _: filmed(joints(index + 3), seed=99)))
    assert finding.episodes == (4,)
    assert (finding.evidence["kind"], finding.evidence["other"]) == ("copied", 7)


def test_the_videos_of_two_episodes_that_are_exchanged() -> None:
    def exchange(index: int, _: np.ndarray) -> np.ndarray:
        return filmed(joints({4: 7, 7: 4}[index]), seed=index)

    findings = detect_video_joint_mismatch(dataset(exchange, changed=(4, 7)))
    said = {(finding.episodes, finding.evidence["kind"], finding.evidence["other"]) for finding in findings}
    assert said == {((4,), "exchanged", 7), ((7,), "exchanged", 4)}


def test_a_video_that_belongs_to_no_episode() -> None:
    (finding,) = detect_video_joint_mismatch(dataset(lambda *_: filmed(joints(50), seed=99)))
    assert (finding.episodes, finding.evidence["kind"]) == ((4,), "unexplained")
    assert finding.evidence["fit"] < 0.3 < 0.6 < finding.evidence["usual"]


def test_two_episodes_with_one_video_are_both_named_where_it_is_not_sure_whose_it_is() -> None:
    between = (joints(4) + joints(7)) / 2

    def one_video(_: int, __: np.ndarray) -> np.ndarray:
        return filmed(between, seed=99)

    findings = detect_video_joint_mismatch(dataset(one_video, changed=(4, 7)))
    assert {(finding.episodes, finding.evidence["kind"]) for finding in findings} == {
        ((4,), "doubled"),
        ((7,), "doubled"),
    }


def test_pictures_of_another_size_do_not_hide_what_is_wrong_with_others() -> None:
    def change(index: int, pictures_THW: np.ndarray) -> np.ndarray:
        return filmed(joints(7), seed=99) if index == 4 else pictures_THW[:, ::2]

    assert named(detect_video_joint_mismatch(dataset(change, changed=(2, 4)))) == (4,)
    larger = dataset(lambda _, pictures_THW: pictures_THW.repeat(2, axis=1).repeat(2, axis=2))
    assert detect_video_joint_mismatch(larger) == []


def test_the_video_of_another_room() -> None:
    (finding,) = detect_video_joint_mismatch(dataset(lambda index, _: filmed(joints(index), OTHER_ROOM_HW)))
    assert (finding.episodes, finding.evidence["kind"]) == ((4,), "elsewhere")


def test_pictures_that_stand_on_their_head_or_are_mirrored_are_not_from_elsewhere() -> None:
    upside_down = dataset(lambda _, pictures_THW: pictures_THW[:, ::-1, ::-1])
    assert named(detect_upside_down(upside_down)) == (4,)
    assert detect_mirrored(upside_down) == []
    assert "elsewhere" not in {finding.evidence["kind"] for finding in detect_video_joint_mismatch(upside_down)}
    mirrored = dataset(lambda _, pictures_THW: pictures_THW[:, :, ::-1])
    assert named(detect_mirrored(mirrored)) == (4,)
    assert detect_upside_down(mirrored) == []


def test_focus_is_seen_against_the_other_episodes_and_by_itself() -> None:
    assert named(detect_blurred(dataset(sharpness_K=np.full(3, 0.25)))) == (4,)
    assert detect_blurred(dataset(sharpness_K=np.full(3, 0.35))) == []
    everyone = tuple(range(NUM_EPISODES))
    assert named(detect_blurred(dataset(changed=everyone, sharpness_K=np.full(3, 0.15)))) == everyone
    assert (
        detect_blurred(dataset(changed=everyone, sharpness_K=np.zeros(3))) == []
    )  # a picture of nothing is not blurred


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_too_bright(factor: int) -> None:
    bright = dataset(lambda _, pictures_THW: np.clip(pictures_THW.astype(np.int64) * factor, 0, 255).astype(np.uint8))
    assert named(detect_over_exposed(bright)) == (4,)
    assert detect_under_exposed(bright) == []


@pytest.mark.parametrize("factor", [0.5, 0.25, 0.1])
def test_too_dark(factor: float) -> None:
    dark = dataset(lambda _, pictures_THW: (pictures_THW * factor).astype(np.uint8))
    assert named(detect_under_exposed(dark)) == (4,)
    assert detect_over_exposed(dark) == []


def test_pictures_that_move_while_joints_rest_and_the_other_way_round() -> None:
    resting = episode(3, filmed(joints(3)), np.zeros((FRAMES, 2), np.float32))
    (finding,) = detect_video_without_motion(resting)
    assert (finding.code, finding.severity) == ("agreement.video_without_motion", "warn")
    grain = np.random.default_rng(0).integers(-4, 5, (FRAMES, HEIGHT, WIDTH))
    wall = episode(3, (ROOM_HW + grain).astype(np.uint8))
    (finding,) = detect_motion_without_video(wall)
    assert finding.code == "agreement.motion_without_video"
    assert detect_frozen(wall) == []


def test_what_is_kept_of_an_episode_is_small() -> None:
    kept = dataset().videos[0]
    arrays = [value for value in vars(kept.digest).values() if isinstance(value, np.ndarray)]
    assert sum(array.nbytes for array in arrays) < 12_000
    assert not len(kept.thumbs_NHW)
