"""Three tiny episodes stored as v2.0, v2.1 and v3.0, each made by hand so that nothing under test writes what it reads.

The v3.0 one is what LeRobot records: one data file with one row group, one mp4 that holds all episodes. The mp4s of v2 are
cut from it with FFmpeg's stream copy, so frames are equal to the last bit in all three.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.lerobot.encode import encode_video

FPS = 10
CAMERA = "observation.images.front"
LENGTHS = (8, 6, 10)  # even: a group of pictures is two frames, so episodes begin with a key frame
TASKS = ("Pick up the cube", "Open the drawer", "Pick up the cube")
NAMES = ["shoulder.pos", "elbow.pos", "gripper.pos"]
V2_DATA = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
V2_VIDEO = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
V3_DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
V3_VIDEO = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"


@dataclass(frozen=True)
class Content:
    """What every version of the tiny dataset holds."""

    states: list[np.ndarray]
    actions: list[np.ndarray]
    task_indices: tuple[int, ...] = (0, 1, 0)
    tasks: tuple[str, ...] = ("Pick up the cube", "Open the drawer")
    starts: list[int] = field(default_factory=lambda: [0, *np.cumsum(LENGTHS).tolist()])


def content() -> Content:
    rng = np.random.default_rng(7)
    states = [rng.normal(size=(length, 3)).cumsum(axis=0).astype(np.float32) for length in LENGTHS]
    return Content(states, [state[:, :2] * 2 + 1 for state in states])


def frames(num_frames: int, start: int = 0, height: int = 32, width: int = 48) -> np.ndarray:
    """Returns frames that can be told apart after lossy encoding: a block whose place and grey say the number."""
    clip = np.full((num_frames, height, width, 3), 40, np.uint8)
    for number in range(num_frames):
        place = (start + number) % (width - 8)
        clip[number, 8:24, place : place + 8] = (60 + 7 * (start + number)) % 196 + 50
    return clip


def rows(made: Content, episode: int) -> pa.Table:
    length, start = LENGTHS[episode], made.starts[episode]
    return pa.table(
        {
            "observation.state": pa.FixedSizeListArray.from_arrays(made.states[episode].ravel(), 3),
            "action": pa.FixedSizeListArray.from_arrays(made.actions[episode].ravel(), 2),
            "timestamp": (np.arange(length) / FPS).astype(np.float32),
            "frame_index": np.arange(length),
            "episode_index": np.full(length, episode),
            "index": start + np.arange(length),
            "task_index": np.full(length, made.task_indices[episode]),
        }
    )


def info(version: str) -> dict:
    vector = {"dtype": "float32", "shape": [3], "names": NAMES}
    scalar = {"shape": [1], "names": None}
    is_v3 = version == "v3.0"
    return {
        "codebase_version": version,
        "robot_type": "so100",
        "total_episodes": 3,
        "total_frames": sum(LENGTHS),
        "total_tasks": 2,
        **({} if is_v3 else {"total_videos": 3, "total_chunks": 1}),
        "chunks_size": 1000,
        "fps": FPS,
        "splits": {"train": "0:3"},
        "data_path": V3_DATA if is_v3 else V2_DATA,
        "video_path": V3_VIDEO if is_v3 else V2_VIDEO,
        "features": {
            "observation.state": vector,
            "action": vector | {"shape": [2], "names": NAMES[:2]},
            CAMERA: {
                "dtype": "video",
                "shape": [32, 48, 3],
                "names": ["height", "width", "channels"],
                "info": {"video.fps": FPS, "video.codec": "h264", "video.pix_fmt": "yuv420p", "has_audio": False},
            },
            "timestamp": scalar | {"dtype": "float32"},
            **{key: scalar | {"dtype": "int64"} for key in ("frame_index", "episode_index", "index", "task_index")},
        },
    }


def stats_of(values: np.ndarray) -> dict:
    return {name: getattr(values, name)(axis=0).tolist() for name in ("min", "max", "mean", "std")}


def write_v2(folder: Path, version: str, clips: list[Path]) -> None:
    made = content()
    for episode, clip in enumerate(clips):
        data = folder / V2_DATA.format(episode_chunk=0, episode_index=episode)
        video = folder / V2_VIDEO.format(episode_chunk=0, video_key=CAMERA, episode_index=episode)
        data.parent.mkdir(parents=True, exist_ok=True)
        video.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows(made, episode), data)
        shutil.copy(clip, video)
    meta = folder / "meta"
    meta.mkdir()
    (meta / "info.json").write_text(json.dumps(info(version)))
    write_lines(meta / "tasks.jsonl", [{"task_index": i, "task": task} for i, task in enumerate(made.tasks)])
    episodes = [{"episode_index": i, "tasks": [TASKS[i]], "length": LENGTHS[i]} for i in range(3)]
    write_lines(meta / "episodes.jsonl", episodes)
    pairs = {"observation.state": made.states, "action": made.actions}
    if version == "v2.0":
        stats = {key: stats_of(np.concatenate(values)) for key, values in pairs.items()}
        (meta / "stats.json").write_text(json.dumps(stats | {CAMERA: {}}))
    else:
        lines = [
            {"episode_index": i, "stats": {k: stats_of(v[i]) | {"count": [LENGTHS[i]]} for k, v in pairs.items()}}
            for i in range(3)
        ]
        write_lines(meta / "episodes_stats.jsonl", [line | {"stats": line["stats"] | {CAMERA: {}}} for line in lines])


def write_v3(folder: Path, shard: Path) -> None:
    made = content()
    data = folder / V3_DATA.format(chunk_index=0, file_index=0)
    video = folder / V3_VIDEO.format(video_key=CAMERA, chunk_index=0, file_index=0)
    table = folder / "meta/episodes/chunk-000/file-000.parquet"
    for path in (data, video, table):
        path.parent.mkdir(parents=True)
    pq.write_table(pa.concat_tables(rows(made, episode) for episode in range(3)), data)
    shutil.copy(shard, video)
    episodes = [
        {
            "episode_index": i,
            "tasks": [TASKS[i]],
            "length": LENGTHS[i],
            "data/chunk_index": 0,
            "data/file_index": 0,
            "dataset_from_index": made.starts[i],
            "dataset_to_index": made.starts[i + 1],
            f"videos/{CAMERA}/chunk_index": 0,
            f"videos/{CAMERA}/file_index": 0,
            f"videos/{CAMERA}/from_timestamp": made.starts[i] / FPS,
            f"videos/{CAMERA}/to_timestamp": made.starts[i + 1] / FPS,
        }
        for i in range(3)
    ]
    pq.write_table(pa.Table.from_pylist(episodes), table)
    pd.DataFrame({"task_index": [0, 1]}, index=pd.Index(made.tasks, name="task")).to_parquet(
        folder / "meta/tasks.parquet"
    )
    pairs = {"observation.state": made.states, "action": made.actions}
    stats = {key: stats_of(np.concatenate(values)) for key, values in pairs.items()} | {CAMERA: {}}
    (folder / "meta/stats.json").write_text(json.dumps(stats))
    (folder / "meta/info.json").write_text(json.dumps(info("v3.0")))


def write_lines(path: Path, lines: list[dict]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The tiny dataset of each version. Read only: take `tiny` to change one."""
    base = tmp_path_factory.mktemp("stored")
    shard = base / "shard.mp4"
    encode_video(frames(sum(LENGTHS)), shard, fps=FPS, codec="h264")
    clips = []
    for episode, start in enumerate(content().starts[:-1]):
        clip = base / f"clip-{episode}.mp4"
        seek = ["-ss", str(start / FPS)] if start else []
        copy = ["-i", str(shard), "-c", "copy", "-frames:v", str(LENGTHS[episode]), str(clip)]
        subprocess.run(["ffmpeg", "-v", "error", *seek, *copy], check=True)
        clips.append(clip)
    folders = {version: base / version for version in ("v2.0", "v2.1", "v3.0")}
    for version, folder in folders.items():
        write_v3(folder, shard) if version == "v3.0" else write_v2(folder, version, clips)
    return folders


@pytest.fixture
def tiny(stored: dict[str, Path], tmp_path: Path):
    """Returns a function: version -> a copy of the tiny dataset that a test may damage."""

    def copy(version: str = "v2.1") -> Path:
        return Path(shutil.copytree(stored[version], tmp_path / version))

    return copy


@pytest.fixture
def change_info():
    """Returns a function that changes top-level keys of a dataset's info.json; None removes the key."""

    def change(folder: Path, **changes: object) -> Path:
        path = folder / "meta/info.json"
        changed = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({key: value for key, value in changed.items() if value is not None}))
        return folder

    return change


@pytest.fixture
def change_feature(change_info):
    """Returns a function that changes keys of one feature of a dataset's info.json."""

    def change(folder: Path, key: str, **changes: object) -> Path:
        features = json.loads((folder / "meta/info.json").read_text())["features"]
        features[key] = features.get(key, {}) | changes
        return change_info(folder, features=features)

    return change


@pytest.fixture
def change_rows():
    """Returns a function that rewrites a parquet file by a function of its table."""

    def change(path: Path, rewrite) -> None:
        pq.write_table(rewrite(pq.ParquetFile(path).read()), path)

    return change


@pytest.fixture
def codes():
    """Returns a function: dataset -> {code: episodes} of all structure findings, those of the rows included."""
    from data_contracts.lerobot.structure import merged

    def collect(dataset) -> dict[str, tuple[int, ...] | None]:
        found = [*dataset.findings, *(f for i in dataset.episode_indices for f in dataset.check_episode(i))]
        return {finding.code.removeprefix("structure."): finding.episodes for finding in merged(found)}

    return collect
