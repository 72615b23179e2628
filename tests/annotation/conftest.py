"""Small normalised datasets and episodes, made here."""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from annotation import EpisodeToLabel
from data_contracts.manifests import CameraFeature, NormalisedDataset, NormalisedEpisode

FPS = 10
NUM_FRAMES = 20
CAMERA = "observation.images.top"
STATE_NAMES = ["shoulder.pos", "gripper.pos"]


def picture(step: int, *, height: int = 48, width: int = 64) -> np.ndarray:
    """Returns uint8 (height, width, 3): a bright square that moves with the step over a gradient."""
    frame = np.tile(np.linspace(0, 120, width, dtype=np.uint8)[None, :, None], (height, 1, 3))
    frame[8:24, step % (width - 16) : step % (width - 16) + 16] = (250, 40, 40)
    return frame


def _png(frame: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(frame).save(file, format="PNG")
    return file.getvalue()


def _write_rows(folder: Path, episodes: Sequence[Sequence[str]], broken: Sequence[int]) -> None:
    task_of = {text: number for number, text in enumerate(dict.fromkeys(text for texts in episodes for text in texts))}
    gripper = np.where(np.arange(NUM_FRAMES) < NUM_FRAMES // 2, 0.0, 1.0)
    rows = [
        {
            "index": episode * NUM_FRAMES + step,
            "episode_index": episode,
            "frame_index": step,
            "timestamp": np.float32(step / FPS),
            "task_index": task_of[texts[0]] if texts else 0,
            "observation.state": [step / NUM_FRAMES, gripper[step]],
            "action": [step / NUM_FRAMES, gripper[step]],
            CAMERA: {"bytes": b"broken" if episode in broken else _png(picture(step)), "path": None},
        }
        for episode, texts in enumerate(episodes)
        for step in range(NUM_FRAMES)
    ]
    data = folder / "data/chunk-000/file-000.parquet"
    data.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), data)
    table = folder / "meta/episodes/chunk-000/file-000.parquet"
    table.parent.mkdir(parents=True)
    records = [
        {
            "episode_index": episode,
            "tasks": list(texts),
            "length": NUM_FRAMES,
            "data/chunk_index": 0,
            "data/file_index": 0,
            "dataset_from_index": episode * NUM_FRAMES,
            "dataset_to_index": (episode + 1) * NUM_FRAMES,
        }
        for episode, texts in enumerate(episodes)
    ]
    schema = pa.schema([(k, pa.list_(pa.string()) if k == "tasks" else pa.int64()) for k in records[0]])
    pq.write_table(pa.Table.from_pylist(records, schema=schema), table)
    tasks = pd.DataFrame({"task_index": list(task_of.values())}, index=pd.Index(list(task_of), name="task", dtype=str))
    tasks.to_parquet(folder / "meta/tasks.parquet")


def _info(num_episodes: int) -> dict:
    def _feature(dtype: str, shape: list[int], names: list[str] | None = None) -> dict:
        return {"dtype": dtype, "shape": shape, "names": names}

    return {
        "codebase_version": "v3.0",
        "robot_type": "so100",
        "fps": FPS,
        "total_episodes": num_episodes,
        "total_frames": num_episodes * NUM_FRAMES,
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": None,
        "features": {
            "observation.state": _feature("float32", [2], STATE_NAMES),
            "action": _feature("float32", [2], STATE_NAMES),
            CAMERA: _feature("image", [48, 64, 3], ["height", "width", "channels"]),
            **{key: _feature("int64", [1]) for key in ("index", "episode_index", "frame_index", "task_index")},
            "timestamp": _feature("float32", [1]),
        },
    }


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that writes a normalised dataset: the texts of each episode, and where the source had it."""

    def _make(
        episodes: Sequence[Sequence[str]],
        *,
        source_indices: Sequence[int] | None = None,
        dataset_id: str = "someone__so100_cubes",
        broken_pictures: Sequence[int] = (),
    ) -> Path:
        folder = tmp_path / dataset_id
        if episodes:
            _write_rows(folder, episodes, broken_pictures)
            (folder / "meta/info.json").write_text(json.dumps(_info(len(episodes))))
        NormalisedDataset(
            dataset_id=dataset_id,
            revision="sha256:" + "0" * 64,
            source_version="v2.1",
            licence="MIT",
            contributor="someone",
            robot_type="so100",
            fps=FPS,
            is_simulated=False,
            state_names=tuple(STATE_NAMES),
            action_names=tuple(STATE_NAMES),
            cameras=(CameraFeature(key=CAMERA, height_px=48, width_px=64, codec="image"),),
            episodes=tuple(
                NormalisedEpisode(
                    episode_index=source,
                    normalised_index=dense,
                    num_frames=NUM_FRAMES,
                    episode_hash="sha256:" + "0" * 64,
                    written_hash="sha256:" + "0" * 64,
                )
                for dense, source in enumerate(source_indices or range(len(episodes)))
            ),
            changes=(),
            reencoded=(),
        ).write(folder / "meta/deftworks.json")
        return folder

    return _make


@pytest.fixture
def make_episode() -> Callable[..., EpisodeToLabel]:
    """Returns a function that makes an episode in memory, whose pictures and gripper may be asked for."""

    def _make(*texts: str, dataset_id: str = "someone__so100_cubes", **changes: object) -> EpisodeToLabel:
        gripper = np.where(np.arange(NUM_FRAMES) < 13, 0.0, 1.0).astype(np.float32)[:, None]
        values = {
            "dataset_id": dataset_id,
            "episode_index": 7,
            "texts": texts,
            "robot_type": "so100",
            "camera_keys": (CAMERA,),
            "num_frames": NUM_FRAMES,
            "fps": float(FPS),
            "decode": lambda key, indices: np.stack([picture(i) for i in indices]),
            "read_gripper": lambda: gripper,
        }
        return EpisodeToLabel(**(values | changes))

    return _make


@pytest.fixture(scope="session")
def tiny_qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of a tiny random Qwen2.5-VL."""
    source = importlib.util.spec_from_file_location("tiny_qwen", Path(__file__).with_name("tiny_qwen.py"))
    module = importlib.util.module_from_spec(source)
    source.loader.exec_module(module)
    return module.write_tiny_qwen(tmp_path_factory.mktemp("models") / "tiny-qwen")
