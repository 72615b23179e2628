"""Normalising: what was kept is the same, what was odd is put right and said, and the same input gives the same bytes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from curation.carry_over import task_of
from curation.fingerprints import fingerprint
from curation.normalise import normalise, nothing_to_normalise
from curation.views import assign_camera_roles, slots
from data_contracts.errors import ContractError
from data_contracts.lerobot import DatasetWriter, VideoSegment, open_dataset
from data_contracts.lerobot.encode import encode_video
from data_contracts.manifests import DatasetVerdict, NormalisedDataset
from tests.conftest import CAMERAS, write_tiny_dataset
from tests.curation.kept_episodes import episode_table, raw_dataset

PEER = Path(__file__).parents[2] / ".peer" / "bin" / "python"
LOAD_WITH_PEER = Path(__file__).parents[1] / "peer" / "load_dataset.py"


def _normalise(root: Path, out: Path, rejected: tuple[int, ...] = (), **options) -> NormalisedDataset:
    return normalise(root, episode_table(root, rejected), raw_dataset(root), out, **options)


def _assert_same_episodes(root: Path, out: Path, stride: int = 1) -> None:
    before, after = open_dataset(root), open_dataset(out)
    manifest = NormalisedDataset.read(out / "meta" / "deftworks.json")
    assert after.episode_indices == tuple(range(len(manifest.episodes)))
    for entry in manifest.episodes:
        old, new = before.episode(entry.episode_index), after.episode(entry.normalised_index)
        np.testing.assert_array_equal(new.state_TS, old.state_TS)
        np.testing.assert_array_equal(new.action_TA, old.action_TA)
        np.testing.assert_array_equal(new.timestamps_s, (np.arange(entry.num_frames) / manifest.fps).astype(np.float32))
        for camera in manifest.cameras:
            indices = range(0, entry.num_frames, stride)
            assert len(new.frames(camera.key)) == entry.num_frames
            np.testing.assert_array_equal(
                new.frames(camera.key).decode(indices), old.frames(camera.key).decode(indices)
            )


def _edit_info(root: Path, **changes) -> None:
    path = root / "meta" / "info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _edit_data(root: Path, change) -> None:
    for path in sorted(root.glob("data/*/*.parquet")):
        pq.write_table(change(pq.read_table(path)), path)


@pytest.fixture(params=[("v2.1", "h264"), ("v2.0", "av1")], ids=lambda p: p[0])
def source(request, tmp_path: Path) -> Path:
    version, codec = request.param
    return write_tiny_dataset(tmp_path / "lab-a__pick-cube", [1, 2, 3], version=version, codec=codec)


def test_kept_episodes_are_the_same_frame_for_frame(source, tmp_path):
    out = tmp_path / "out"
    manifest = _normalise(source, out, rejected=(1,))
    assert [(e.episode_index, e.normalised_index) for e in manifest.episodes] == [(0, 0), (2, 1)]
    _assert_same_episodes(source, out)
    assert manifest.reencoded == ()
    assert NormalisedDataset.read(out / "meta" / "deftworks.json") == manifest
    assert [f for f in open_dataset(out).findings if f.severity != "note"] == []


def test_fingerprints_are_those_of_the_manifest(source, tmp_path):
    manifest = _normalise(source, tmp_path / "out", rejected=(0,))
    table = fingerprint(tmp_path / "out")
    assert table["episode_hash"].to_list() == [e.episode_hash for e in manifest.episodes]
    assert table["episode_index"].to_list() == [1, 2]
    assert table["normalised_index"].to_list() == [0, 1]


def test_a_changed_value_does_not_pass_for_the_episode(source, tmp_path):
    _normalise(source, tmp_path / "out")

    def change(table: pa.Table) -> pa.Table:
        rows = table["action"].to_pylist()
        rows[3][0] += 0.5
        column = pa.array(rows, table.schema.field("action").type)
        return table.set_column(table.column_names.index("action"), table.schema.field("action"), column)

    _edit_data(tmp_path / "out", change)
    with pytest.raises(ContractError, match="lab-a__pick-cube/000000"):
        fingerprint(tmp_path / "out")


def test_same_input_gives_the_same_bytes_wherever_it_lies(source, tmp_path):
    elsewhere = tmp_path / "moved" / source.name
    shutil.copytree(source, elsewhere)
    first, second = tmp_path / "first", tmp_path / "deep" / "second"
    _normalise(source, first, rejected=(1,))
    _normalise(elsewhere, second, rejected=(1,))
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    for name in names:
        if name.suffix != ".mp4":
            assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_videos_are_linked_not_copied(source, tmp_path):
    _normalise(source, tmp_path / "out")
    inodes = {path.stat().st_ino for path in source.rglob("*.mp4")}
    assert {path.stat().st_ino for path in (tmp_path / "out").rglob("*.mp4")} == inodes


def test_cameras_of_the_normalised_dataset_get_roles(source, tmp_path):
    _normalise(source, tmp_path / "out")
    roles = assign_camera_roles(tmp_path / "out")
    assert dict(roles.select("camera_key", "role").rows()) == dict(zip(CAMERAS, ("front", "wrist"), strict=True))
    assert slots(roles) == (CAMERAS[0], CAMERAS[1], None)


def test_card_states_licence_source_and_what_the_hub_looks_for(source, tmp_path):
    _normalise(source, tmp_path / "out", is_simulated=True)
    _, front, text = (tmp_path / "out" / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(front)
    assert card["license"] == "apache-2.0"
    assert card["tags"] == ["LeRobot", "simulation"]
    assert "lab-a__pick-cube" in text


def test_hugging_face_datasets_reads_what_was_written(source, tmp_path):
    datasets = pytest.importorskip("datasets")
    _normalise(source, tmp_path / "out")
    files = [str(path) for path in sorted((tmp_path / "out").glob("data/*/*.parquet"))]
    table = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert table.features["observation.state"] == datasets.List(datasets.Value("float32"), length=3)
    assert table.features["timestamp"] == datasets.Value("float32")
    assert len(table) == 90
    np.testing.assert_allclose(table[31]["action"], open_dataset(source).episode(1).action_TA[1], rtol=1e-6)


def test_odd_features_are_put_right_and_each_change_is_said(source, tmp_path):
    info = json.loads((source / "meta" / "info.json").read_text())
    features = info["features"]
    features["observation.state"]["names"] = [["a", "b", "c"]]
    features["action"]["names"] = None
    features["next.reward"] = {"dtype": "float64", "shape": [1], "names": None}
    features["phase"] = {"dtype": "int64", "shape": [1], "names": None}
    features["next.done"] = {"dtype": "bool", "shape": [1], "names": None}
    features["observation.images.ghost"] = dict(features[CAMERAS[0]])
    _edit_info(source, features=features)

    def change(table: pa.Table) -> pa.Table:
        table = table.append_column("next.reward", pa.array(np.linspace(0, 1, len(table))))
        table = table.append_column("phase", pa.array(np.linspace(0, 1, len(table))))
        return table.append_column("scratch", pa.array(np.arange(len(table))))

    _edit_data(source, change)
    manifest = _normalise(source, tmp_path / "out")
    assert manifest.state_names == ("a", "b", "c")
    assert manifest.action_names == ("dim_0", "dim_1", "dim_2")
    assert [camera.key for camera in manifest.cameras] == list(CAMERAS)
    said = "\n".join(manifest.changes)
    for expected in (
        "names of observation.state flattened",
        "names of action filled in: dim_0 to dim_2",
        "next.reward stored as float32 instead of float64",
        "phase holds fractions and is stored as float32 instead of int64 as declared",
        "column next.done dropped: episode 0 has no such column",
        "column scratch dropped: it is not declared",
        "camera observation.images.ghost dropped: it has no frames",
    ):
        assert expected in said
    written = open_dataset(tmp_path / "out").episode(0)
    for key in ("next.reward", "phase"):
        np.testing.assert_allclose(written.array(key), np.linspace(0, 1, 30), rtol=1e-6)
    assert "scratch" not in written.columns.column_names


def test_clean_dataset_is_changed_in_nothing_but_its_version(source, tmp_path):
    manifest = _normalise(source, tmp_path / "lab-a__out")
    assert manifest.changes == (f"rewritten from {manifest.source_version} to v3.0",)
    again = _normalise(tmp_path / "lab-a__out", tmp_path / "again")
    assert again.changes == ()
    assert [e.episode_hash for e in again.episodes] == [e.episode_hash for e in manifest.episodes]


def test_irregular_clock_is_replaced_and_said(source, tmp_path):
    def change(table: pa.Table) -> pa.Table:
        late = table["timestamp"].to_numpy() + 0.05
        return table.set_column(table.column_names.index("timestamp"), "timestamp", pa.array(late.astype(np.float32)))

    _edit_data(source, change)
    manifest = _normalise(source, tmp_path / "out")
    assert "timestamps rewritten to frame_index / fps in 3 episodes (by up to 0.05 s)" in manifest.changes
    _assert_same_episodes(source, tmp_path / "out", stride=29)


@pytest.mark.parametrize("fps", [29.9995, 29.97])
def test_almost_whole_rate_is_rounded(source, tmp_path, fps):
    _edit_info(source, fps=fps)
    manifest = _normalise(source, tmp_path / "out")
    assert manifest.fps == 30.0
    assert f"fps rounded from {fps} to 30" in manifest.changes
    _assert_same_episodes(source, tmp_path / "out", stride=29)


def test_status_word_gives_way_to_the_text_of_the_episode_table(tmp_path):
    source = write_tiny_dataset(tmp_path / "lab-a__valid", [1, 2], task="valid")
    lines = [json.loads(line) for line in (source / "meta" / "episodes.jsonl").read_text().splitlines()]
    lines[1]["tasks"] = ["valid", "Pick up the pear"]
    (source / "meta" / "episodes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    manifest = _normalise(source, tmp_path / "out")
    written = open_dataset(tmp_path / "out")
    assert [written.episode(k).task for k in (0, 1)] == ["valid", "Pick up the pear"]
    assert any("task text taken from the episode table in episodes [1]" in change for change in manifest.changes)


@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_frames_past_the_last_row_are_left_out(tmp_path, codec):
    source = write_tiny_dataset(tmp_path / "lab-a__long", [1, 2], codec=codec)
    path = sorted(source.glob("data/*/*.parquet"))[0]
    pq.write_table(pq.read_table(path).slice(0, 25), path)
    manifest = _normalise(source, tmp_path / "out")
    assert manifest.episodes[0].num_frames == 25
    assert any("frames after the last row of episodes [0]" in change for change in manifest.changes)
    for entry in manifest.reencoded:
        assert "of episode 0" in entry
        assert str(tmp_path) not in entry
    written = open_dataset(tmp_path / "out")
    assert len(written.episode(0).frames(CAMERAS[0])) == 25
    if not manifest.reencoded:
        _assert_same_episodes(source, tmp_path / "out")


@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_episodes_are_cut_out_of_a_shared_video_without_loss_or_it_is_said(tmp_path, codec):
    rng = np.random.default_rng(3)
    pictures = rng.integers(0, 255, (90, 8, 8, 3), dtype=np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    encode_video(pictures, tmp_path / "all.mp4", fps=30, codec=codec)
    source = tmp_path / "lab-a__shared"
    key, vector = CAMERAS[0], {"dtype": "float32", "shape": [2], "names": ["a", "b"]}
    features = {"observation.state": vector, "action": vector, key: {"dtype": "video", "shape": [64, 64, 3]}}
    with DatasetWriter(source, fps=30, robot_type="so100", features=features) as writer:
        for first in (0, 30, 60):
            columns = {name: rng.normal(size=(30, 2)).astype(np.float32) for name in ("observation.state", "action")}
            segment = VideoSegment(tmp_path / "all.mp4", first, 30)
            writer.add_episode(columns=columns, task="Push", videos={key: segment})
    assert len(list(source.rglob("*.mp4"))) == 1
    manifest = _normalise(source, tmp_path / "out", rejected=(1,))
    assert [e.episode_index for e in manifest.episodes] == [0, 2]
    if codec == "av1":  # a key frame at every second frame
        assert manifest.reencoded == ()
        _assert_same_episodes(source, tmp_path / "out")
        return
    (said,) = manifest.reencoded
    assert said.startswith(f"{key} of episode 2: ")
    after, before = (open_dataset(root).episode(n).frames(key) for root, n in ((tmp_path / "out", 1), (source, 2)))
    assert len(after) == 30
    assert abs(after.decode(range(30)).astype(int) - before.decode(range(30)).astype(int)).mean() < 10


def test_episode_of_another_width_is_lost_and_the_others_are_written(source, tmp_path):
    path = sorted(source.glob("data/*/*.parquet"))[1]
    table = pq.read_table(path)
    wider = pa.array([[*row, 0.0] for row in table["observation.state"].to_pylist()], pa.list_(pa.float32()))
    pq.write_table(table.set_column(table.column_names.index("observation.state"), "observation.state", wider), path)
    manifest = _normalise(source, tmp_path / "out")
    assert manifest.lost == {1: "observation.state has [4] values per row, [3] in most episodes"}
    assert [e.episode_index for e in manifest.episodes] == [0, 2]
    _assert_same_episodes(source, tmp_path / "out")


def test_rejected_dataset_leaves_a_manifest_without_episodes(source, tmp_path):
    verdict = DatasetVerdict(
        dataset=source.name, version="v2.1", robot="so100", num_episodes=3, num_frames=90, accepted=False,
        reason="motion.static", findings=(),
    )  # fmt: skip
    manifest = nothing_to_normalise(raw_dataset(source), verdict, tmp_path / "out")
    assert (manifest.episodes, manifest.licence, manifest.fps) == ((), "apache-2.0", 30.0)
    assert manifest.changes == ("nothing was carried over: motion.static",)
    assert fingerprint(tmp_path / "out").is_empty()
    assert assign_camera_roles(tmp_path / "out").is_empty()


def test_what_is_no_dataset_leaves_a_manifest_too(tmp_path):
    verdict = DatasetVerdict(
        dataset="lab-e__empty", version=None, robot=None, num_episodes=0, num_frames=0, accepted=False,
        reason="structure.not_lerobot", findings=(),
    )  # fmt: skip
    manifest = nothing_to_normalise(raw_dataset_of_nothing(tmp_path), verdict, tmp_path / "out")
    assert (manifest.source_version, manifest.fps) == (None, None)


def raw_dataset_of_nothing(tmp_path: Path):
    (tmp_path / "lab-e__empty").mkdir()
    return raw_dataset(tmp_path / "lab-e__empty")


ACCEPTED = {
    "HuangJunkai2023__CR5_TCP_test": (),
    "TheWisp__pusht_image_slice": (),
    "YifanTian07__G1-policy-train": (0, 3, 6),
    "hmk55555__Isaac-GR00T": (),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_real_dataset_stays_the_same_frame_for_frame(real_datasets, tmp_path, name):
    out = tmp_path / "out"
    manifest = _normalise(real_datasets / name, out, ACCEPTED[name])
    assert manifest.reencoded == ()
    _assert_same_episodes(real_datasets / name, out, stride=11)
    assert fingerprint(out).height == len(manifest.episodes)
    assert [f for f in open_dataset(out).findings if f.severity != "note"] == []
    texts = {open_dataset(out).episode(k).task for k in range(len(manifest.episodes))}
    assert "valid" not in texts


def test_real_cameras_come_out_as_a_person_sees_them(real_datasets, tmp_path):
    roles = {}
    for name in ACCEPTED:
        _normalise(real_datasets / name, tmp_path / name, ACCEPTED[name])
        roles[name.split("__")[1]] = assign_camera_roles(tmp_path / name)["role"].to_list()
    # CR5's camera is called top and sits on the hand.
    assert roles == {
        "CR5_TCP_test": ["wrist"], "pusht_image_slice": ["unknown"], "G1-policy-train": ["top"], "Isaac-GR00T": ["other"],
    }  # fmt: skip


needs_peer = pytest.mark.skipif(not PEER.exists(), reason="make peer builds the peer's environment")


def _assert_peer_agrees(root: Path, out: Path, loaded: Path) -> None:
    """LeRobot 0.4.4 sees the kept episodes of `root` in `out`: values equal, frames equal but for its YUV conversion."""
    command = [str(PEER), str(LOAD_WITH_PEER), str(out), str(loaded), "--frames"]
    subprocess.run(
        command, check=True, env={"HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin", "HOME": str(loaded.parent)}
    )
    summary = json.loads((loaded / "summary.json").read_text())
    manifest = NormalisedDataset.read(out / "meta" / "deftworks.json")
    before = open_dataset(root)
    assert summary["num_episodes"] == len(manifest.episodes)
    for entry in manifest.episodes:
        seen = np.load(loaded / f"episode_{entry.normalised_index:06d}.npz")
        episode = before.episode(entry.episode_index)
        np.testing.assert_array_equal(seen["observation.state"], episode.state_TS)
        np.testing.assert_array_equal(seen["action"], episode.action_TA)
        assert set(summary["episodes"][entry.normalised_index]["tasks"]) == {task_of(episode)}
        for camera in manifest.cameras:
            picked = range(0, entry.num_frames, 5)
            ours = episode.frames(camera.key).decode(picked).astype(int)
            assert abs(seen[camera.key][list(picked)].astype(int) - ours).max() <= 3


@pytest.mark.peer
@needs_peer
def test_peer_loads_the_same_episodes(source, tmp_path):
    _normalise(source, tmp_path / "out", rejected=(0,))
    _assert_peer_agrees(source, tmp_path / "out", tmp_path / "loaded")


@pytest.mark.peer
@needs_peer
@pytest.mark.parametrize("name", ACCEPTED)
def test_peer_loads_what_was_made_of_a_real_dataset(real_datasets, tmp_path, name):
    _normalise(real_datasets / name, tmp_path / "out", ACCEPTED[name])
    _assert_peer_agrees(real_datasets / name, tmp_path / "out", tmp_path / "loaded")
