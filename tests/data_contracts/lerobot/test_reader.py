"""One view of three formats."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data_contracts.errors import ContractError, DatasetUnreadable, NotADataset, UnknownVersion, VideoUnreadable
from data_contracts.lerobot import open_dataset

CAMERA = "observation.images.front"
VERSIONS = ("v2.0", "v2.1", "v3.0")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_clean_dataset_has_no_findings(stored, codes, version):
    assert codes(open_dataset(stored[version])) == {}


def test_the_same_episodes_look_the_same_in_every_version(stored):
    datasets = [open_dataset(stored[version]) for version in VERSIONS]
    assert [dataset.version for dataset in datasets] == list(VERSIONS)
    for index in (0, 1, 2):
        reference, *others = [dataset.episode(index) for dataset in datasets]
        pictures = np.stack(list(reference.frames(CAMERA)))
        assert reference.num_frames == len(pictures) == (8, 6, 10)[index]
        for other in others:
            np.testing.assert_array_equal(other.state_TS, reference.state_TS)
            np.testing.assert_array_equal(other.action_TA, reference.action_TA)
            np.testing.assert_array_equal(other.timestamps_s, reference.timestamps_s)
            assert (other.task, other.tasks) == (reference.task, reference.tasks)
            np.testing.assert_array_equal(np.stack(list(other.frames(CAMERA))), pictures)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_dataset_says_of_itself(stored, version):
    dataset = open_dataset(stored[version])
    assert dataset.fps == 10
    assert dataset.robot_type == "so100"
    assert dataset.tasks == {0: "Pick up the cube", 1: "Open the drawer"}
    assert dataset.episode_indices == (0, 1, 2)
    assert dataset.camera_keys == dataset.declared_camera_keys == (CAMERA,)
    assert dataset.features["observation.state"].names == ("shoulder.pos", "elbow.pos", "gripper.pos")
    assert dataset.features[CAMERA].shape == (32, 48, 3)
    assert dataset.episode(1).task == "Open the drawer"
    assert dataset.episode(0).timestamps_s.dtype == np.float64
    assert dataset.licence is None


def test_segments_say_where_frames_lie(stored):
    v2, v3 = (open_dataset(stored[version]).episode(2).video_segment(CAMERA) for version in ("v2.1", "v3.0"))
    assert (v2.first_frame, v2.num_frames) == (0, 10)
    assert (v3.first_frame, v3.num_frames) == (14, 10)


def test_frames_in_any_order(stored):
    frames = open_dataset(stored["v3.0"]).episode(2).frames(CAMERA)
    every = np.stack(list(frames))
    assert every.shape == (10, 32, 48, 3)
    order = [9, 0, 3, 3, 1]
    np.testing.assert_array_equal(frames.decode(order), every[order])
    assert (frames.codec, frames.height, frames.width) == ("h264", 32, 48)
    with pytest.raises(IndexError, match="Frame 10 of 10"):
        frames.decode([10])


@pytest.mark.parametrize(
    ("front", "licence"),
    [
        ("license: apache-2.0", "apache-2.0"),
        ("license:\n- mit\n- cc-by-4.0", "mit, cc-by-4.0"),
        ("tags: [LeRobot]", None),
        ("license: [unclosed", None),
    ],
)
def test_licence_is_what_the_card_declares(tiny, front, licence):
    folder = tiny()
    (folder / "README.md").write_text(f"---\n{front}\n---\n# A dataset\nlicense: gpl-3.0\n")
    assert open_dataset(folder).licence == licence


@pytest.mark.parametrize(
    "content", ["", "  \n", "{not json", "[]", '"text"', "version https://git-lfs.github.com/spec/v1\n"]
)
def test_unreadable_info(tiny, content):
    folder = tiny()
    (folder / "meta/info.json").write_text(content)
    with pytest.raises(DatasetUnreadable, match=r"info\.json"):
        open_dataset(folder)


@pytest.mark.parametrize("fps", [0, -30, "fast", None, float("inf")])
def test_fps_that_cannot_be(tiny, change_info, fps):
    with pytest.raises(DatasetUnreadable, match="fps"):
        open_dataset(change_info(tiny(), fps=fps))


def test_float_fps_and_versions_without_v(tiny, change_info):
    dataset = open_dataset(change_info(tiny(), fps=29.97, codebase_version="2.1"))
    assert (dataset.fps, dataset.version) == (29.97, "v2.1")


@pytest.mark.parametrize("version", ["v1.6", "v3.1", "v4.0", "latest", None])
def test_unknown_versions(tiny, change_info, version):
    with pytest.raises(UnknownVersion, match=r"Known versions: v2\.0"):
        open_dataset(change_info(tiny(), codebase_version=version))


def test_a_folder_that_is_no_dataset(tmp_path):
    with pytest.raises(NotADataset, match=r"meta/info\.json"):
        open_dataset(tmp_path)
    with pytest.raises(NotADataset, match="not a folder"):
        open_dataset(tmp_path / "absent")


def test_unknown_episodes_and_cameras(stored):
    dataset = open_dataset(stored["v2.1"])
    with pytest.raises(ContractError, match=r"no episode 3.*0 to 2"):
        dataset.episode(3)
    with pytest.raises(VideoUnreadable, match=r"Did you mean 'observation\.images\.front'"):
        dataset.episode(0).frames("observation.images.fron")


def test_truncated_video_is_reported_when_its_frames_are_wanted(tiny):
    folder = tiny()
    video = next(folder.glob("videos/**/episode_000001.mp4"))
    content = video.read_bytes()
    video.write_bytes(content[: len(content) // 2])
    episode = open_dataset(folder).episode(1)
    assert episode.has_video(CAMERA)
    with pytest.raises(VideoUnreadable, match=r"episode_000001\.mp4"):
        list(episode.frames(CAMERA))


def test_video_cut_off_behind_its_index_yields_what_is_whole(tiny):
    """The index is at the front (faststart): the file opens, and the frames behind the cut are missing."""
    folder = tiny("v3.0")
    video = next(folder.glob("videos/**/file-000.mp4"))
    content = video.read_bytes()
    cut = content.index(b"mdat") + (len(content) - content.index(b"mdat")) * 2 // 3
    video.write_bytes(content[:cut])
    dataset = open_dataset(folder)
    assert len(dataset.episode(0).frames(CAMERA)) == 8
    assert len(dataset.episode(2).frames(CAMERA)) < 10
    assert len(list(dataset.episode(0).frames(CAMERA))) == 8


def test_video_that_is_no_video(tiny):
    folder = tiny()
    next(folder.glob("videos/**/episode_000000.mp4")).write_bytes(b"not a video" * 200)
    with pytest.raises(VideoUnreadable, match="cannot be decoded"):
        open_dataset(folder).episode(0).frames(CAMERA)


def test_links_out_of_the_dataset_are_not_followed(tiny, tmp_path, codes):
    folder = tiny()
    video = next(folder.glob("videos/**/episode_000000.mp4"))
    outside = tmp_path / "outside.mp4"
    shutil.move(video, outside)
    video.symlink_to(outside)
    dataset = open_dataset(folder)
    assert not dataset.episode(0).has_video(CAMERA)
    assert codes(dataset) == {"missing_video": (0,), "stray_files": None}


def test_linked_folders_are_not_followed(tiny, tmp_path, codes):
    folder = tiny()
    shutil.move(folder / "videos", tmp_path / "elsewhere")
    (folder / "videos").symlink_to(tmp_path / "elsewhere")
    assert codes(open_dataset(folder)) == {"missing_video": None, "stray_files": None}


def test_links_of_the_hub_cache_are_followed(stored, tmp_path, codes):
    """huggingface_hub stores files under blobs/ and links them from snapshots/<revision>/."""
    snapshot, blobs = tmp_path / "hub/datasets--a--b/snapshots/0123abc", tmp_path / "hub/datasets--a--b/blobs"
    blobs.mkdir(parents=True)
    for number, path in enumerate(path for path in sorted(stored["v2.1"].rglob("*")) if path.is_file()):
        shutil.copy(path, blobs / str(number))
        link = snapshot / path.relative_to(stored["v2.1"])
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path(*[".."] * (len(link.relative_to(snapshot).parts) + 1)) / "blobs" / str(number))
    dataset = open_dataset(snapshot)
    assert codes(dataset) == {}
    assert len(dataset.episode(1).frames(CAMERA)) == 6


def test_a_linked_dataset_folder_is_opened(stored, tmp_path, codes):
    (tmp_path / "link").symlink_to(stored["v2.1"])
    assert codes(open_dataset(tmp_path / "link")) == {}


def test_metadata_and_rows_need_no_heavy_library(stored):
    """Pages, sensors and `deftworks --help` import this room."""
    program = (
        "import sys; from data_contracts.lerobot import open_dataset; dataset = open_dataset(sys.argv[1]);"
        "dataset.findings; dataset.check_episode(0); dataset.episode(0).state_TS;"
        "print(sorted({'av', 'datasets', 'torch', 'huggingface_hub', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(stored["v3.0"])], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
