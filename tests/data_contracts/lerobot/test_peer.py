"""LeRobot 0.4.4 (`make peer`) loads what is written here, and sees the same numbers, texts and pixels.

Pixels are compared exactly: LeRobot decodes by torchcodec, this reader by PyAV, and with 8-bit 4:2:0 video both end up in the
same conversion of swscale. Where that stops being so the comparison fails and wants a tolerance, stated here.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from data_contracts.lerobot import DatasetWriter, Feature, VideoSegment, open_dataset
from data_contracts.lerobot.encode import encode_video

ROOT = Path(__file__).parents[3]
CAMERA = "observation.images.front"
pytestmark = pytest.mark.peer


@pytest.fixture(scope="session")
def load_with_peer(tmp_path_factory):
    """Returns a function: v3.0 folder -> (summary, arrays per episode) as LeRobot 0.4.4 sees it."""
    python = Path(os.environ.get("DEFTWORKS_PEER_PYTHON", ROOT / ".peer/bin/python"))
    if not python.exists():
        pytest.skip(f"{python} is not there (make peer)")

    def load(folder: Path):
        output = tmp_path_factory.mktemp("peer")
        environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HF_HOME": str(output / "hf")}
        command = [str(python), str(ROOT / "tests/peer/load_dataset.py"), str(folder), str(output), "--frames"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=output, timeout=600)
        assert done.returncode == 0, done.stderr[-4000:]
        summary = json.loads((output / "summary.json").read_text())
        return summary, [np.load(path) for path in sorted(output.glob("episode_*.npz"))]

    return load


def assert_same(folder: Path, load_with_peer) -> None:
    summary, arrays = load_with_peer(folder)
    dataset = open_dataset(folder)
    assert summary["num_episodes"] == len(dataset.episode_indices) == len(arrays)
    assert summary["features"] == sorted(dataset.features)
    published = json.loads((folder / "meta/stats.json").read_text())
    assert summary["stats"] == published
    for index, theirs in zip(dataset.episode_indices, arrays, strict=True):
        ours = dataset.episode(index)
        state = theirs["observation.state"].reshape(ours.num_frames, -1)
        np.testing.assert_array_equal(state, ours.state_TS)
        np.testing.assert_array_equal(theirs["action"].reshape(ours.num_frames, -1), ours.action_TA)
        np.testing.assert_array_equal(theirs["timestamp"].ravel(), ours.timestamps_s.astype(np.float32))
        np.testing.assert_array_equal(theirs["index"].ravel(), ours.array("index"))
        assert set(summary["episodes"][index]["tasks"]) == {ours.task}
        for camera in dataset.camera_keys:
            np.testing.assert_array_equal(theirs[camera], np.stack(list(ours.frames(camera))))


def test_tiny_episodes_linked_cut_and_encoded(stored, tmp_path, load_with_peer):
    """One dataset with every way in which frames come in: a linked file, cut parts, arrays."""
    v2, v3 = open_dataset(stored["v2.1"]), open_dataset(stored["v3.0"])
    features = {key: v2.features[key] for key in ("observation.state", "action", CAMERA)}
    pictures = np.stack([np.full((32, 48, 3), 20 * n, np.uint8) for n in range(8)])
    with DatasetWriter(tmp_path / "new", fps=10, robot_type="so100", features=features, video_codec="h264") as writer:
        for source, index, frames in (
            (v2, 0, None),
            (v3, 2, None),
            (v3, 1, None),
            (v2, 1, None),
            (v2, 0, pictures),
            (v3, 0, None),
            (v3, 1, None),
        ):
            episode = source.episode(index)
            writer.add_episode(
                columns={key: episode.array(key) for key in ("observation.state", "action")},
                task=f"{episode.task} {index}",
                videos={CAMERA: episode.video_segment(CAMERA) if frames is None else frames},
            )
    assert writer.reencoded == []
    assert_same(tmp_path / "new", load_with_peer)


def test_every_frame_of_a_long_shard(tmp_path, load_with_peer):
    """Times grow to 990 s, where float32 steps come near LeRobot's tolerance."""
    clip = tmp_path / "clip.mp4"
    encode_video((np.full((32, 32, 3), n % 200, np.uint8) for n in range(4950)), clip, fps=5, codec="h264")
    features = {
        "observation.state": Feature("observation.state", "float32", (1,)),
        "action": Feature("action", "float32", (1,)),
        CAMERA: Feature(CAMERA, "video", (32, 32, 3)),
    }
    with DatasetWriter(tmp_path / "new", fps=5, robot_type=None, features=features) as writer:
        for start in (0, 1650, 3300):
            values = np.arange(1650, dtype=np.float32) + start
            segment = VideoSegment(clip, start, 1650)
            columns = {"observation.state": values, "action": values}
            writer.add_episode(columns=columns, task="a", videos={CAMERA: segment})
    assert len(list((tmp_path / "new").glob("videos/*/*/*.mp4"))) == 1
    assert_same(tmp_path / "new", load_with_peer)


@pytest.mark.parametrize(
    "name", ["TheWisp__pusht_image_slice", "ioai-tech__lerobotv2", "ioai-tech__lerobotv3", "hmk55555__Isaac-GR00T"]
)
def test_real_datasets(real_datasets, tmp_path, load_with_peer, name):
    source = open_dataset(real_datasets / name)
    features = {key: f for key, f in source.features.items() if not f.is_visual or key in source.camera_keys}
    with DatasetWriter(tmp_path / "new", fps=source.fps, robot_type=source.robot_type, features=features) as writer:
        for index in source.episode_indices[:2]:
            episode = source.episode(index)
            writer.add_episode(
                columns={key: episode.array(key) for key, f in writer.features.items() if not f.is_visual},
                task=episode.task,
                videos={k: episode.video_segment(k) for k in source.camera_keys if k not in source.image_keys},
                images={
                    k: [episode.frames(k).encoded(n) for n in range(episode.num_frames)] for k in source.image_keys
                },
            )
    assert_same(tmp_path / "new", load_with_peer)
