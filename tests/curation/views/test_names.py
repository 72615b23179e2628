"""Camera names: whole words only, and a prior that leaves room for doubt."""

from __future__ import annotations

import pytest

from curation.views.names import name_prior, named_arm, named_role, words_of


@pytest.mark.parametrize(
    ("key", "role"),
    [
        ("observation.images.top", "top"),
        ("observation.images.cam_high", "top"),
        ("observation.images.topCamera2", "top"),
        ("observation.images.laptop", None),
        ("observation.images.stopwatch", None),
        ("observation.images.phone", None),
        ("observation.image", None),
        ("observation.image.wrist", "wrist"),
        ("observation.images.gripperPOV", "wrist"),
        ("observation.images.behindGripper", "wrist"),
        ("observation.images.robot0_eye_in_hand", "wrist"),
        ("observation.images.side_view", "side"),
        ("observation.images.front_depth", "other"),
        ("observation.images.ego_view", "other"),
        ("observation.images.top_front", None),
        ("observation.images.front_wrist", "wrist"),
    ],
)
def test_role_is_named_by_whole_words(key, role):
    assert named_role(key) == role


def test_words_are_split_at_marks_digits_and_capitals():
    assert words_of("observation.images.leftWrist_cam2-RGB") == ("left", "wrist", "cam", "rgb")


@pytest.mark.parametrize(
    ("key", "arm"), [("cam_left_wrist", "left"), ("wrist_right", "right"), ("left_to_right", None)]
)
def test_arm_is_named_when_one_is(key, arm):
    assert named_arm(f"observation.images.{key}") == arm


@pytest.mark.parametrize("name", ["top", "front", "side", "wrist", "ego", "laptop"])
def test_prior_is_a_distribution_that_never_is_certain(name):
    prior = name_prior(f"observation.images.{name}")
    assert sum(prior.values()) == pytest.approx(1)
    assert max(prior.values()) < 0.97
    assert prior["wrist"] > 0
