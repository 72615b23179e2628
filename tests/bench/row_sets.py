"""Sets of synthetic datasets without videos for `row_checks`: as large as wanted, written with pyarrow, the same every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FPS = 30
JOINTS = ("shoulder_pan.pos", "shoulder_lift.pos", "elbow_flex.pos", "wrist_flex.pos", "wrist_roll.pos", "gripper.pos")
CAMERA = "observation.images.front"
TASK = "Pick up the cube and put it into the box"
SHARD_EPISODES = 1000
VECTORS = ("observation.state", "action")
STATISTICS = ("min", "max", "mean", "std", "q01", "q10", "q50", "q90", "q99")
_SCALARS = {"timestamp": "float32", "frame_index": "int64", "episode_index": "int64", "index": "int64",
            "task_index": "int64"}  # fmt: skip


def write_set(folder: Path, *, num_datasets: int, num_episodes: int, version: str, mean_frames: int) -> None:
    """Writes datasets `d000`, `d001`, ... into `folder`, of `num_episodes` each."""
    for number in range(num_datasets):
        write_dataset(folder / f"d{number:03d}", number, num_episodes, version, mean_frames)


def write_dataset(root: Path, seed: int, num_episodes: int, version: str, mean_frames: int) -> None:
    """Writes one dataset of an SO-100 that reaches about: v2.1 with a file per episode, or v3.0 in shards."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(mean_frames // 2, mean_frames * 3 // 2, num_episodes)
    first_rows = np.concatenate([[0], np.cumsum(lengths)])
    (root / "meta").mkdir(parents=True)
    step = 1 if version == "v2.1" else SHARD_EPISODES
    for first in range(0, num_episodes, step):
        episodes = range(first, min(first + step, num_episodes))
        table = _rows(rng, lengths, first_rows, episodes)
        name = (
            f"data/chunk-{first // 1000:03d}/episode_{first:06d}.parquet"
            if version == "v2.1"
            else f"data/chunk-000/file-{first // step:03d}.parquet"
        )
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression="snappy")
    if version == "v2.1":
        _write_v2_tables(root, lengths)
    else:
        _write_v3_tables(root, lengths, first_rows)
    (root / "meta" / "info.json").write_text(json.dumps(_info(version, lengths)))
    (root / "README.md").write_text("---\nlicense: apache-2.0\n---\nRecorded on a desk.\n")


def _rows(rng: np.random.Generator, lengths: np.ndarray, first_rows: np.ndarray, episodes: range) -> pa.Table:
    states, actions = zip(*(_motion(rng, int(lengths[index])) for index in episodes), strict=True)
    frames = np.concatenate([np.arange(lengths[index]) for index in episodes])
    start = first_rows[episodes.start]
    scalars = {
        "timestamp": frames / FPS,
        "frame_index": frames,
        "episode_index": np.repeat(list(episodes), lengths[episodes.start : episodes.stop]),
        "index": np.arange(start, start + len(frames)),
        "task_index": np.zeros(len(frames)),
    }
    vectors = {"observation.state": np.concatenate(states), "action": np.concatenate(actions)}
    return pa.table(
        {key: pa.FixedSizeListArray.from_arrays(values.reshape(-1), len(JOINTS)) for key, values in vectors.items()}
        | {key: values.astype(_SCALARS[key]) for key, values in scalars.items()}
    )


def _motion(rng: np.random.Generator, num_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns state and action in degrees: sums of slow sines, the state three frames behind and in steps of an encoder."""
    time_s = np.arange(num_frames + 3)[:, None] / FPS
    frequency_hz = rng.uniform(0.05, 0.4, (2, len(JOINTS)))
    phase = rng.uniform(0, 2 * np.pi, (2, len(JOINTS)))
    path = 35 * np.sin(2 * np.pi * frequency_hz[0] * time_s + phase[0])
    path += 15 * np.sin(2 * np.pi * frequency_hz[1] * time_s + phase[1])
    counts = np.round((path + 0.05 * rng.standard_normal(path.shape)) / 0.0879)
    return (counts[:num_frames] * 0.0879).astype(np.float32), path[3:].astype(np.float32)


def _episode_statistics(length: int) -> dict[str, dict[str, list[float]]]:
    widths = dict.fromkeys(VECTORS, len(JOINTS)) | dict.fromkeys(_SCALARS, 1)
    stats = {
        key: {name: [round(k + 0.125, 3)] * width for k, name in enumerate(STATISTICS)} | {"count": [length]}
        for key, width in widths.items()
    }
    picture = {name: [[[0.1]], [[0.2]], [[0.3]]] for name in STATISTICS} | {"count": [100]}
    return stats | {CAMERA: picture}


def _write_v2_tables(root: Path, lengths: np.ndarray) -> None:
    meta = root / "meta"
    rows = [{"episode_index": k, "tasks": [TASK], "length": int(n)} for k, n in enumerate(lengths)]
    stats = [{"episode_index": k, "stats": _episode_statistics(int(n))} for k, n in enumerate(lengths)]
    for name, lines in (("episodes", rows), ("episodes_stats", stats), ("tasks", [{"task_index": 0, "task": TASK}])):
        (meta / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _write_v3_tables(root: Path, lengths: np.ndarray, first_rows: np.ndarray) -> None:
    numbers = np.arange(len(lengths))
    columns: dict[str, Any] = {
        "episode_index": numbers,
        "tasks": [[TASK]] * len(lengths),
        "length": lengths,
        "data/chunk_index": np.zeros(len(lengths), np.int64),
        "data/file_index": numbers // SHARD_EPISODES,
        "dataset_from_index": first_rows[:-1],
        "dataset_to_index": first_rows[1:],
    }
    statistics = _episode_statistics(1)
    for key, stats in statistics.items():
        columns |= {f"stats/{key}/{name}": [value] * len(lengths) for name, value in stats.items()}
    path = root / "meta" / "episodes" / "chunk-000" / "file-000.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table(columns), path)
    pq.write_table(pa.table({"task_index": [0], "task": [TASK]}), root / "meta" / "tasks.parquet")
    (root / "meta" / "stats.json").write_text(json.dumps(statistics))


def _info(version: str, lengths: np.ndarray) -> dict[str, Any]:
    vector = {"dtype": "float32", "shape": [len(JOINTS)], "names": list(JOINTS)}
    features = dict.fromkeys(VECTORS, vector)
    features |= {key: {"dtype": dtype, "shape": [1], "names": None} for key, dtype in _SCALARS.items()}
    features[CAMERA] = {"dtype": "video", "shape": [480, 640, 3], "names": ["height", "width", "channels"]}
    info = {
        "codebase_version": version, "robot_type": "so100", "fps": FPS, "total_episodes": len(lengths),
        "total_frames": int(lengths.sum()), "total_tasks": 1, "chunks_size": 1000, "features": features,
        "splits": {"train": f"0:{len(lengths)}"},
    }  # fmt: skip
    if version == "v2.1":
        paths = {"data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
                 "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"}  # fmt: skip
        return info | paths | {"total_chunks": -(-len(lengths) // 1000), "total_videos": len(lengths)}
    return info | {
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    }
