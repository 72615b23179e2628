"""Pictures: each detector with a case and a near miss."""

from __future__ import annotations

import numpy as np
import pytest

from curation.quality.video import (
    canonical_codec,
    detect_black,
    detect_codec_mismatch,
    detect_has_audio,
    detect_size_mismatch,
    detect_undecodable,
    detect_video_longer,
    detect_video_shorter,
)

RNG = np.random.default_rng(3)


def test_a_broken_video_gates_and_a_whole_one_does_not(make_camera) -> None:
    finding = detect_undecodable(make_camera(episode=4, error="videos/top.mp4 cannot be decoded."))
    assert (finding.severity, finding.episodes) == ("gate", (4,))
    assert detect_undecodable(make_camera()) is None


def test_black_pictures(make_camera) -> None:
    dark = RNG.integers(0, 12, (3, 24, 32)).astype(np.uint8)
    assert detect_black(make_camera(thumbs_NHW=dark)).severity == "warn"
    lamp = dark.copy()
    lamp[:, :4, :4] = 90
    assert detect_black(make_camera(thumbs_NHW=lamp)) is None
    assert detect_black(make_camera(thumbs_NHW=dark[:0], error="gone")) is None


def test_sound_is_noted(make_camera) -> None:
    assert detect_has_audio(make_camera(has_audio=True)).severity == "note"
    assert detect_has_audio(make_camera()) is None


def test_frames_and_rows_are_as_many(make_episode, make_camera) -> None:
    for num_frames, shorter, longer in [(59, 1, 0), (60, 0, 0), (61, 0, 1)]:
        episode = make_episode(cameras=(make_camera(num_frames=num_frames),))
        assert (len(detect_video_shorter(episode)), len(detect_video_longer(episode))) == (shorter, longer)
    broken = make_episode(cameras=(make_camera(num_frames=0, error="gone"),))
    assert detect_video_shorter(broken) == []


def test_a_short_video_gates_and_a_long_one_warns(make_episode, make_camera) -> None:
    assert detect_video_shorter(make_episode(cameras=(make_camera(num_frames=10),)))[0].severity == "gate"
    assert detect_video_longer(make_episode(cameras=(make_camera(num_frames=90),)))[0].severity == "warn"


@pytest.mark.parametrize(("declared", "found", "is_wrong"), [
    ("mp4v", "h264", True), ("h264", "av1", True), ("av1", "h264", True),
    ("libsvtav1", "av1", False), ("H264", "h264", False), ("avc1", "h264", False), ("mp4v", "mpeg4", False), (None, "av1", False),
])  # fmt: skip
def test_declared_codecs_are_understood(make_camera, make_dataset, declared, found, is_wrong) -> None:
    dataset = make_dataset(videos=(make_camera(declared_codec=declared, codec=found),))
    assert bool(detect_codec_mismatch(dataset)) == is_wrong


def test_a_mismatch_of_all_videos_is_the_datasets_and_of_some_is_theirs(make_camera, make_dataset) -> None:
    av1 = [make_camera(episode=index, codec="av1") for index in range(3)]
    (finding,) = detect_codec_mismatch(make_dataset(videos=tuple(av1)))
    assert finding.episodes is None
    (finding,) = detect_codec_mismatch(make_dataset(videos=(*av1[:2], make_camera(episode=2))))
    assert finding.episodes == (0, 1)


def test_another_picture_size_is_told(make_camera, make_dataset) -> None:
    (finding,) = detect_size_mismatch(make_dataset(videos=(make_camera(size=(48, 64)),)))
    assert "64x48" in finding.message
    assert "32x24" in finding.message
    assert detect_size_mismatch(make_dataset(videos=(make_camera(size=(48, 64), declared_size=None),))) == []


def test_canonical_codec_leaves_unknown_names_alone() -> None:
    assert canonical_codec(" PRORES ") == "prores"
