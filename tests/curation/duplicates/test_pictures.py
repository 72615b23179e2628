"""What the fingerprints of pictures keep: the bytes through another container, the look through another encoding."""

from __future__ import annotations

import numpy as np
import pytest

from curation.duplicates.pictures import contrasts, mirrored, picture_digest, picture_signal
from curation.fingerprints import episode_tiers
from data_contracts.lerobot import open_dataset
from data_contracts.lerobot.remux import copy_frames
from data_contracts.lerobot.video import video_index

CAMERA = "observation.images.wrist"


@pytest.fixture
def folder(write_dataset, tmp_path):
    return write_dataset(tmp_path / "lab-a__pick-cube", [1, 2])


def test_digest_stays_in_another_container_and_tells_episodes_apart(folder):
    dataset = open_dataset(folder)
    before = [picture_digest(dataset.episode(number), CAMERA) for number in (0, 1)]
    path = dataset.video_segment(CAMERA, 0).path
    copy_frames(video_index(path), 0, 30, path.with_suffix(".new.mp4"), fps=15)
    assert path.with_suffix(".new.mp4").read_bytes() != path.read_bytes()
    path.with_suffix(".new.mp4").replace(path)
    assert picture_digest(open_dataset(folder).episode(0), CAMERA) == before[0] != before[1]


def test_small_pictures_survive_another_encoding_but_the_digest_does_not(folder, write_dataset, tmp_path):
    again = open_dataset(write_dataset(tmp_path / "lab-b__pick-cube", [1], codec="av1")).episode(0)
    own = open_dataset(folder).episode(0)
    key = "observation.images.front"
    assert picture_digest(own, key) != picture_digest(again, key)
    difference = contrasts(picture_signal(own, key)) - contrasts(picture_signal(again, key))
    assert np.sqrt((difference**2).mean()) < 1.0


def test_mirroring_twice_is_nothing():
    pictures = np.arange(128.0).reshape(2, 64)
    assert np.array_equal(mirrored(mirrored(pictures)), pictures)
    assert not np.array_equal(mirrored(pictures), pictures)


def test_an_episode_has_every_tier_and_the_same_each_time(folder):
    tiers = [episode_tiers(open_dataset(folder).episode(0), [CAMERA]) for _ in range(2)]
    assert tiers[0] == tiers[1]
    assert len(tiers[0]["picture_digests"]) == len(tiers[0]["picture_signals"]) == 1
    assert tiers[0]["joint_path"] is not None
    assert len(tiers[0]["joint_digests"]) == 6
    assert len(tiers[0]["joint_path"]) + len(tiers[0]["picture_signals"][0]) < 8_000
