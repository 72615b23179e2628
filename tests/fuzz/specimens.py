"""The small valid datasets that every fuzz case starts from, and the few files that are costly to make.

Made once per run by the product's own writers; `mutations` damages copies of them.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FPS = 30
CAMERA = "observation.images.front"
JOINTS = ("shoulder_pan.pos", "shoulder_lift.pos", "gripper.pos")
NUM_FRAMES = 14
NUM_EPISODES = 2
SIZE = 32
CARD = "---\nlicense: apache-2.0\ntags:\n- LeRobot\n---\n# Recorded on a desk\n"
SPECIMENS = ("v2.0-av1", "v2.1-h264", "v3.0-h264", "v3.0-av1", "v3.0-images")

HUGE_PX = 10_240


def make_specimens(folder: Path) -> None:
    """Writes every specimen to `folder`/<name>, and the costly parts to `folder`/parts."""
    for name in SPECIMENS:
        version, _, kind = name.partition("-")
        target = folder / name
        if version == "v3.0":
            _write_v3(target, kind)
        else:
            _write_v2(target, version, kind)
        (target / "README.md").write_text(CARD)
    parts = folder / "parts"
    parts.mkdir()
    _write_bomb(parts / "bomb.parquet")
    _write_album(parts / "album.parquet")
    _write_huge_video(parts / "huge.mp4")
    _write_audio(parts / "audio.mp4")
    (parts / "huge.png").write_bytes(png(np.zeros((10_000, 12_000), np.uint8)))


def motion(episode: int) -> np.ndarray:
    """Returns joints that move, float32 (T, 3)."""
    phase_T = np.linspace(0, 2.5, NUM_FRAMES) + episode
    return np.stack(
        [30 * np.sin(phase_T), 20 * np.cos(phase_T), 50 + 40 * np.sin(2 * phase_T)], axis=1, dtype=np.float32
    )


def pictures(episode: int) -> np.ndarray:
    """Returns frames of noise with a moving block, uint8 (T, H, W, 3)."""
    scene = np.random.default_rng(episode).integers(40, 215, (SIZE, SIZE, 3), dtype=np.uint8)
    clip = np.repeat(scene[None], NUM_FRAMES, axis=0)
    for number in range(NUM_FRAMES):
        clip[number, 8:16, number : number + 8] = 220
    return clip


def png(picture: np.ndarray) -> bytes:
    """Returns a picture as a PNG file."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG")
    return content.getvalue()


def _write_v2(folder: Path, version: str, codec: str) -> None:
    from simulation.legacy_formats import LegacyEpisode, vector_feature, video_feature, write_v2

    features = {key: vector_feature(JOINTS) for key in ("observation.state", "action")}
    features[CAMERA] = video_feature(SIZE, SIZE, FPS, codec)
    episodes = [
        LegacyEpisode(_columns(episode), f"Pick up cube {'AB'[episode]}", {CAMERA: pictures(episode)})
        for episode in range(NUM_EPISODES)
    ]
    write_v2(folder, version=version, fps=FPS, robot_type="so100", features=features, episodes=episodes, codec=codec)


def _write_v3(folder: Path, kind: str) -> None:
    from data_contracts.lerobot import DatasetWriter

    is_images = kind == "images"
    vector = {"dtype": "float32", "shape": [len(JOINTS)], "names": list(JOINTS)}
    camera = {
        "dtype": "image" if is_images else "video",
        "shape": [SIZE, SIZE, 3],
        "names": ["height", "width", "channels"],
    }
    features = {"observation.state": vector, "action": vector, CAMERA: camera}
    codec = "av1" if kind == "av1" else "h264"
    with DatasetWriter(folder, fps=FPS, robot_type="so100", features=features, video_codec=codec) as writer:
        for episode in range(NUM_EPISODES):
            clip = pictures(episode)
            stored = {"images": {CAMERA: [png(p) for p in clip]}} if is_images else {"videos": {CAMERA: clip}}
            writer.add_episode(columns=_columns(episode), task=f"Pick up cube {'AB'[episode]}", **stored)


def _columns(episode: int) -> dict[str, np.ndarray]:
    return {"observation.state": motion(episode), "action": motion(episode) + np.float32(0.5)}


def _write_bomb(path: Path) -> None:
    """Two hundred million rows in a few kilobytes, all readable."""
    names = ("episode_index", "frame_index", "index", "timestamp")
    pq.write_table(pa.table({name: np.zeros(2**18, np.int64) for name in names}), path, row_group_size=2**18)
    _repeat_row_groups(path, 10)


def _write_album(path: Path) -> None:
    """A v3 data file whose rows all show one picture of a megabyte: sixteen gigabytes when they are read."""
    rows = 16
    picture = png(np.random.default_rng(0).integers(0, 255, (600, 600, 3), dtype=np.uint8))
    clock = np.arange(rows) / FPS
    columns = {
        key: pa.array(motion(0)[:1].tolist() * rows, pa.list_(pa.float32(), 3))
        for key in ("observation.state", "action")
    }
    columns |= {
        key: pa.array(np.zeros(rows, np.int64)) for key in ("episode_index", "frame_index", "index", "task_index")
    }
    columns |= {"timestamp": pa.array(clock, pa.float32()), CAMERA: pa.array([{"bytes": picture, "path": None}] * rows)}
    pq.write_table(pa.table(columns), path, dictionary_pagesize_limit=2**24)
    _repeat_row_groups(path, 10)


def _repeat_row_groups(path: Path, doublings: int) -> None:
    """Lets the footer name the row groups of a file again and again, which costs it nothing."""
    metadata = pq.read_metadata(path)
    for _ in range(doublings):
        metadata.append_row_groups(metadata)
    footer = path.with_suffix(".footer")
    metadata.write_metadata_file(footer)
    content = path.read_bytes()
    end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    path.write_bytes(content[:end] + footer.read_bytes()[4:])
    footer.unlink()


def _write_huge_video(path: Path) -> None:
    """An episode of black pictures of a hundred million pixels each, in a few hundred kilobytes."""
    import av

    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "g": "1"})
        stream.width, stream.height, stream.pix_fmt = HUGE_PX, HUGE_PX, "yuv420p"
        picture = av.VideoFrame(HUGE_PX, HUGE_PX, "yuv420p")
        (packet,) = [*stream.encode(picture), *stream.encode()]
        content = bytes(packet)
        for number in range(NUM_FRAMES):
            copy = av.Packet(content)
            copy.stream, copy.pts, copy.dts, copy.time_base, copy.is_keyframe = (
                stream,
                number,
                number,
                packet.time_base,
                True,
            )
            output.mux(copy)


def _write_audio(path: Path) -> None:
    import av

    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=16_000, layout="mono")
        for start in range(0, 8_000, 1_024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1_024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
