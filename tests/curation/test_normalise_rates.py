"""Rates that are not whole are brought down by picking frames, wrong ones follow a steady clock, and damage costs one episode."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.fingerprints import fingerprint
from curation.frame_rate import Clock, read_clock, settle_rate
from curation.normalise import normalise
from data_contracts.errors import DatasetUnreadable
from data_contracts.lerobot import DatasetWriter, VideoSegment, open_dataset
from data_contracts.lerobot.encode import encode_video
from data_contracts.manifests import NormalisedDataset
from tests.conftest import CAMERAS, write_tiny_dataset
from tests.curation.kept_episodes import episode_table, raw_dataset


def run(source: Path, out: Path, rejected: tuple[int, ...] = ()) -> NormalisedDataset:
    return normalise(source, episode_table(source, rejected), raw_dataset(source), out)


def steady(fps: float, num_frames: int = 50) -> Clock:
    return read_clock((np.arange(num_frames) / fps).astype(np.float32), 30.0)


def set_clock(source: Path, fps: float) -> None:
    for path in source.glob("data/*/*.parquet"):
        table = pq.read_table(path)
        clock = pa.array((np.arange(len(table)) / fps).astype(np.float32))
        pq.write_table(table.set_column(table.column_names.index("timestamp"), "timestamp", clock), path)


@pytest.mark.parametrize(
    ("declared", "clock", "source", "written"),
    [(30, 30, 30, 30), (29.97, 29.97, 29.97, 30), (59.94, 59.94, 59.94, 60), (12.5, 12.5, 12.5, 12), (7.5, 7.5, 7.5, 6),
     (30, 15, 15, 15), (30, 12.5, 12.5, 12), (30, 29, 30, 30)],
)  # fmt: skip
def test_rates_by_rule(declared, clock, source, written):
    rate = settle_rate(declared, [steady(clock)] * 3)
    assert (rate.source, rate.written) == (pytest.approx(source, abs=1e-3), written)
    assert bool(rate.changes) == (declared != written)


def test_a_clock_that_is_not_steady_everywhere_changes_nothing():
    assert settle_rate(30, [steady(15), steady(20)]).written == 30
    jittered = read_clock(np.cumsum([0, 0.06, 0.08, 0.05, 0.07]), 30.0)
    assert settle_rate(30, [steady(15), jittered]).written == 30
    with pytest.raises(DatasetUnreadable, match=r"0\.5 frames per second"):
        settle_rate(0.5, [])


def test_nearest_frames_are_picked_in_order():
    picked = settle_rate(12.5, []).picked(26)
    times = picked / 12.5
    assert np.abs(times - np.arange(len(picked)) / 12).max() <= 0.5 / 12.5 + 1e-9
    assert (np.diff(picked) >= 1).all()
    assert picked[-1] == 25
    assert settle_rate(30, []).picked(26) is None


@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_rows_and_pictures_are_resampled_together(tmp_path, codec):
    source = write_tiny_dataset(tmp_path / "lab-a__odd", [1, 2], fps=12.5, codec=codec)
    manifest = run(source, tmp_path / "out")
    assert manifest.fps == 12
    picked = settle_rate(12.5, []).picked(30)
    before, after = open_dataset(source).episode(1), open_dataset(tmp_path / "out").episode(1)
    np.testing.assert_array_equal(after.state_TS, before.state_TS[picked])
    np.testing.assert_allclose(after.timestamps_s, np.arange(len(picked)) / 12, atol=1e-6)
    old, new = before.frames(CAMERAS[0]).decode(picked.tolist()), after.frames(CAMERAS[0]).decode(range(len(picked)))
    assert abs(old.astype(int) - new.astype(int)).mean() < 6
    assert abs(old[:-1].astype(int) - new[1:].astype(int)).mean() > abs(old.astype(int) - new.astype(int)).mean()
    assert len(manifest.reencoded) == 2 * len(CAMERAS)
    assert "resampled from 12.5 to 12" in manifest.reencoded[0]
    assert fingerprint(tmp_path / "out")["num_frames"].to_list() == [len(picked)] * 2


def test_a_steady_clock_overrules_the_header_without_touching_pictures(tmp_path):
    source = write_tiny_dataset(tmp_path / "lab-a__slow", [1, 2])
    set_clock(source, 15)
    manifest = run(source, tmp_path / "out")
    assert (manifest.fps, manifest.reencoded) == (15.0, ())
    assert any("runs steadily at 15 in every kept episode; 30 was declared" in change for change in manifest.changes)
    before, after = open_dataset(source).episode(0), open_dataset(tmp_path / "out").episode(0)
    np.testing.assert_array_equal(after.frames(CAMERAS[1]).decode([0, 29]), before.frames(CAMERAS[1]).decode([0, 29]))


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


def test_a_broken_video_costs_its_episode_alone(tmp_path):
    source = write_tiny_dataset(tmp_path / "lab-a__broken", [1, 2, 3])
    damage(next(source.glob(f"videos/*/{CAMERAS[1]}/episode_000001.mp4")))
    manifest = run(source, tmp_path / "out")
    assert [(e.episode_index, e.normalised_index) for e in manifest.episodes] == [(0, 0), (2, 1)]
    assert list(manifest.lost) == [1]
    assert str(tmp_path) not in manifest.lost[1]
    assert "episodes [1] could not be written: they are damaged" in manifest.changes
    assert [f for f in open_dataset(tmp_path / "out").findings if f.severity != "note"] == []
    assert NormalisedDataset.read(tmp_path / "out" / "meta" / "deftworks.json") == manifest


def test_broken_rows_cost_their_episode_alone_and_all_broken_refuse(tmp_path):
    source = write_tiny_dataset(tmp_path / "lab-a__broken", [1, 2])
    kept = episode_table(source)
    first, second = sorted(source.glob("data/*/*.parquet"))
    damage(first)
    manifest = normalise(source, kept, raw_dataset(source), tmp_path / "out")
    assert (list(manifest.lost), [e.episode_index for e in manifest.episodes]) == ([0], [1])
    damage(second)
    with pytest.raises(DatasetUnreadable, match="No kept episode"):
        normalise(source, kept, raw_dataset(source), tmp_path / "none")


def test_damage_met_while_encoding_again_costs_one_episode(tmp_path):
    """Three episodes in one H.264 file whose cuts are no key frames; the picture data of the middle one are destroyed."""
    rng = np.random.default_rng(3)
    pictures = rng.integers(0, 255, (90, 8, 8, 3), dtype=np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    encode_video(pictures, tmp_path / "all.mp4", fps=30, codec="h264")
    source, key = tmp_path / "lab-a__shared", CAMERAS[0]
    vector = {"dtype": "float32", "shape": [2], "names": ["a", "b"]}
    features = {"observation.state": vector, "action": vector, key: {"dtype": "video", "shape": [64, 64, 3]}}
    with DatasetWriter(source, fps=30, robot_type="so100", features=features) as writer:
        for first in (0, 30, 60):
            columns = {name: rng.normal(size=(30, 2)).astype(np.float32) for name in ("observation.state", "action")}
            writer.add_episode(
                columns=columns, task="Push", videos={key: VideoSegment(tmp_path / "all.mp4", first, 30)}
            )
    kept = episode_table(source, (0,))
    (video,) = source.rglob("*.mp4")
    _destroy_frame(video, 45)
    manifest = normalise(source, kept, raw_dataset(source), tmp_path / "out")
    assert {*manifest.lost, *(e.episode_index for e in manifest.episodes)} == {1, 2}
    assert 2 in {e.episode_index for e in manifest.episodes}
    for entry in manifest.episodes:
        assert len(open_dataset(tmp_path / "out").episode(entry.normalised_index).frames(key)) == 30


def _destroy_frame(path: Path, number: int) -> None:
    import av

    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
        packet = sorted(packets, key=lambda p: p.pts)[number]
        place, size = packet.pos, packet.size
    content = bytearray(path.read_bytes())
    content[place : place + size] = bytes(size)
    path.unlink()  # it may be linked elsewhere
    path.write_bytes(content)
