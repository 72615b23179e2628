"""Datasets as other people published them (DEFTWORKS_REAL_DATASETS), with what a look by hand found in each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data_contracts.errors import DatasetUnreadable
from data_contracts.findings import gated_episodes
from data_contracts.lerobot import DatasetWriter, open_dataset
from data_contracts.lerobot.structure import merged

NAMES = (
    "HuangJunkai2023__CR5_TCP_test",
    "TheWisp__pusht_image_slice",
    "YifanTian07__G1-policy-train",
    "hmk55555__Isaac-GR00T",
    "ioai-tech__lerobotv2",
    "ioai-tech__lerobotv3",
    "jackvial__screwdriver",
    "priyabiswas-cmd__omx-franka-pickplace",
)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_found_by_hand_is_found(real_datasets: Path, name: str):
    expected = json.loads((real_datasets / "expected.json").read_text())[name]
    dataset = open_dataset(real_datasets / name)
    findings = merged([*dataset.findings, *(f for i in dataset.episode_indices for f in dataset.check_episode(i))])
    found = {(finding.code, finding.episodes) for finding in findings}
    for entry in expected["found"]:
        if entry["code"].startswith("structure."):
            assert (entry["code"], entry["episodes"] and tuple(entry["episodes"])) in found
    assert not {code for code, _ in found} & set(expected["never"])


def test_the_findings_that_gate(real_datasets: Path):
    gated = {}
    for name in NAMES:
        dataset = open_dataset(real_datasets / name)
        gated[name] = gated_episodes(dataset.findings, list(dataset.episode_indices))
    assert {name: episodes for name, episodes in gated.items() if episodes} == {
        "YifanTian07__G1-policy-train": {0, 3, 6},
        "jackvial__screwdriver": {0, 1, 2, 3, 4},
        "priyabiswas-cmd__omx-franka-pickplace": set(range(10)),
    }


def test_a_dataset_in_two_formats_reads_the_same(real_datasets: Path):
    """Its second episode holds other states in the two: only frames and times of that one are equal."""
    old, new = (open_dataset(real_datasets / f"ioai-tech__lerobot{version}") for version in ("v2", "v3"))
    camera = "observation.images.cam"
    np.testing.assert_array_equal(old.episode(0).state_TS, new.episode(0).state_TS)
    np.testing.assert_array_equal(old.episode(0).action_TA, new.episode(0).action_TA)
    for index in (0, 1):
        left, right = old.episode(index), new.episode(index)
        np.testing.assert_array_equal(left.timestamps_s, right.timestamps_s)
        assert left.task == right.task == "pick cube"
        np.testing.assert_array_equal(np.stack(list(left.frames(camera))), np.stack(list(right.frames(camera))))


@pytest.mark.parametrize("name", [name for name in NAMES if "omx" not in name])
def test_every_episode_is_read_whole(real_datasets: Path, name: str):
    dataset = open_dataset(real_datasets / name)
    for index in dataset.episode_indices:
        episode = dataset.episode(index)
        assert len(episode.state_TS) == len(episode.action_TA) == len(episode.timestamps_s) == episode.num_frames > 0
        assert np.isfinite(episode.state_TS).all()
        assert episode.task
        for camera in dataset.camera_keys:
            if episode.has_video(camera):
                assert len(episode.frames(camera)) == episode.num_frames


def test_episodes_without_data_say_so(real_datasets: Path):
    with pytest.raises(DatasetUnreadable, match="has no data file"):
        open_dataset(real_datasets / "priyabiswas-cmd__omx-franka-pickplace").episode(0)


@pytest.mark.parametrize("name", [name for name in NAMES if "omx" not in name and "screwdriver" not in name])
def test_rewritten_as_v3_it_holds_the_same(real_datasets: Path, tmp_path: Path, name: str):
    source = open_dataset(real_datasets / name)
    write_again(source, tmp_path)
    written = open_dataset(tmp_path)
    assert written.findings == []
    kept = [i for i in source.episode_indices if all(source.has_frames(c, i) for c in source.camera_keys)]
    assert len(kept) == len(written.episode_indices)
    for new, old in enumerate(kept):
        before, after = source.episode(old), written.episode(new)
        np.testing.assert_array_equal(before.state_TS, after.state_TS)
        np.testing.assert_array_equal(before.action_TA, after.action_TA)
        assert before.task == after.task
        for camera in source.camera_keys:
            last = before.num_frames - 1
            numbers = [0, 1, last // 2, last]
            np.testing.assert_array_equal(before.frames(camera).decode(numbers), after.frames(camera).decode(numbers))


def write_again(source, folder: Path) -> None:
    features = {key: f for key, f in source.features.items() if not f.is_visual or key in source.camera_keys}
    with DatasetWriter(folder, fps=source.fps, robot_type=source.robot_type, features=features) as writer:
        for index in source.episode_indices:
            episode = source.episode(index)
            if not all(episode.has_video(camera) for camera in source.camera_keys):
                continue
            images = {k: [episode.frames(k).encoded(n) for n in range(episode.num_frames)] for k in source.image_keys}
            writer.add_episode(
                columns={key: episode.array(key) for key, f in writer.features.items() if not f.is_visual},
                task=episode.task,
                videos={k: episode.video_segment(k) for k in source.camera_keys if k not in source.image_keys},
                images=images,
                image_statistics=source.statistics.episodes.get(index, {}),
            )
    assert writer.reencoded == []
