"""A tiny lake: two robots with vectors of different sizes, lossless pictures, and a skill index over all episodes."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from data_contracts.catalogue import CORPUS_EPISODES, SKILL_INDEX
from data_contracts.identifiers import episode_hash
from data_contracts.layout import Lake
from data_contracts.manifests import CameraFeature, CorpusManifest, NormalisedDataset, NormalisedEpisode
from data_contracts.stages import write_json, write_text
from training.recipes import Recipe

FPS = 10
ARM, GANTRY = "maker__arm", "maker__gantry"
FRONT, WRIST = "observation.images.front", "observation.images.wrist"
TINY = {
    "name": "tiny", "kind": "finetune", "steps": 4, "batch_size": 4, "flow_samples": 2, "learning_rate": 1e-3, "save_every": 2,
    "log_every": 1, "freeze_vlm": False, "cache_image_tokens": True, "ema_decay": 0.9, "warmup_steps": 1,
    "policy_overrides": {"num_vlm_layers": 2, "chunk_size": 5, "n_action_steps": 5},
}  # fmt: skip


def episode_values(seed: int, length: int, state: int, action: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns a state that wanders far from zero and an action that follows from it."""
    random = np.random.default_rng(seed)
    state_TS = (np.cumsum(random.normal(size=(length, state)), axis=0) + 30 * action).astype(np.float32)
    return state_TS, np.tile(state_TS[:, :1], (1, action)) * np.arange(1, action + 1, dtype=np.float32)


def picture(episode: int, frame: int, camera: int) -> np.ndarray:
    """Returns a 64x64 picture from which episode, frame and camera can be read off."""
    out = np.zeros((64, 64, 3), np.uint8)
    out[:, :, 0], out[:, :, 1], out[:, :, 2] = 10 * episode, 5 * frame, 100 * camera
    return out


def write_dataset(
    lake: Lake, dataset: str, robot: str, lengths: list[int], sizes: tuple[int, int], cameras: tuple[str, ...]
) -> None:
    root = lake.normalised(dataset)
    vectors = {"observation.state": sizes[0], "action": sizes[1]}
    features = {
        key: {"dtype": "float32", "shape": [n], "names": [f"{key[0]}{i}" for i in range(n)]}
        for key, n in vectors.items()
    }
    features |= {
        key: {"dtype": "image", "shape": [64, 64, 3], "names": ["height", "width", "channel"]} for key in cameras
    }
    for name in ("timestamp", "frame_index", "episode_index", "index", "task_index"):
        features[name] = {"dtype": "float32" if name == "timestamp" else "int64", "shape": [1], "names": None}
    episodes = []
    for number, length in enumerate(lengths):
        state, action = episode_values(number + sum(sizes), length, *sizes)
        columns = {
            "observation.state": pa.array(list(state), pa.list_(pa.float32())), "action": pa.array(list(action), pa.list_(pa.float32())),
            "timestamp": pa.array(np.arange(length, dtype=np.float32) / FPS), "frame_index": pa.array(range(length)),
            "episode_index": pa.array([number] * length), "index": pa.array(np.arange(length) + sum(lengths[:number])),
            "task_index": pa.array([0] * length),
        }  # fmt: skip
        for c, key in enumerate(cameras):
            columns[key] = pa.array([{"bytes": _png(picture(number, t, c)), "path": None} for t in range(length)])
        path = root / f"data/chunk-000/episode_{number:06d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), path)
        digest = episode_hash(state, action)
        episodes.append(NormalisedEpisode(
            episode_index=number + 7, normalised_index=number, num_frames=length, episode_hash=digest, written_hash=digest
        ))  # fmt: skip
    write_json(root / "meta/info.json", {
        "codebase_version": "v2.1", "robot_type": robot, "fps": FPS, "total_episodes": len(lengths), "total_frames": sum(lengths),
        "total_tasks": 1, "chunks_size": 1000, "features": features, "video_path": None,
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
    })  # fmt: skip
    write_text(root / "meta/tasks.jsonl", '{"task_index": 0, "task": "move"}\n')
    rows = [f'{{"episode_index": {i}, "tasks": ["move"], "length": {n}}}\n' for i, n in enumerate(lengths)]
    write_text(root / "meta/episodes.jsonl", "".join(rows))
    NormalisedDataset(
        dataset_id=dataset, revision="sha256:" + "0" * 64, source_version="v2.1", licence="apache-2.0", contributor="maker",
        robot_type=robot, fps=FPS, is_simulated=True, episodes=tuple(episodes), changes=(), reencoded=(),
        state_names=tuple(features["observation.state"]["names"]), action_names=tuple(features["action"]["names"]),
        cameras=tuple(CameraFeature(key=key, height_px=64, width_px=64, codec="image") for key in cameras),
    ).write(root / "meta/deftworks.json")  # fmt: skip


def _png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def index_rows(lake: Lake, dataset: str, skill: str, label: str, top: str | None, wrist: str | None) -> list[dict]:
    manifest = NormalisedDataset.read(lake.normalised(dataset) / "meta/deftworks.json")
    return [
        {
            "skill_id": skill, "dataset_id": dataset, "episode_index": e.episode_index, "normalised_index": e.normalised_index,
            "episode_hash": e.episode_hash, "contributor": "maker", "licence": "apache-2.0", "fps": float(FPS),
            "num_frames": e.num_frames, "label": label, "camera_top": top, "camera_wrist": wrist, "camera_side": None,
        }
        for e in manifest.episodes
    ]  # fmt: skip


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """`arm` has a state of 3, an action of 2, two cameras and 3 episodes; `gantry` 2, 4, one camera and 2 episodes."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    write_dataset(lake, ARM, "arm", [6, 9, 7], (3, 2), (FRONT, WRIST))
    write_dataset(lake, GANTRY, "gantry", [20, 11], (2, 4), (FRONT,))
    return lake


@pytest.fixture(scope="session")
def skill_index(lake: Lake) -> pl.DataFrame:
    rows = index_rows(lake, ARM, "press", "Press the button", FRONT, WRIST)
    rows += index_rows(lake, ARM, "push", "Press the button", FRONT, WRIST)
    rows += index_rows(lake, GANTRY, "lift", "Lift the cube", FRONT, None)
    index = SKILL_INDEX.frame(rows)
    write_corpus(lake, index, held_out={f"{ARM}/000009", f"{GANTRY}/000008"})
    return index


def write_corpus(lake: Lake, index: pl.DataFrame, held_out: set[str]) -> None:
    """Writes the corpus and the skill index of these rows; the clusters of the episodes named in `held_out` are for evaluation."""
    rows = []
    for row in index.unique(["dataset_id", "episode_index"], maintain_order=True).iter_rows(named=True):
        manifest = NormalisedDataset.read(lake.normalised(row["dataset_id"]) / "meta/deftworks.json")
        is_held_out = f"{row['dataset_id']}/{row['episode_index']:06d}" in held_out
        rows.append({name: row[name] for name in CORPUS_EPISODES.schema if name in row} | {
            "is_kept": True, "reason": None, "written_hash": row["episode_hash"], "cluster_id": row["episode_hash"], "cluster_size": 1,
            "copy_of": None, "copy_kind": None, "split": "evaluation" if is_held_out else "train", "robot_type": manifest.robot_type,
            "state_size": len(manifest.state_names), "action_size": len(manifest.action_names), "warnings": [], "notes": [],
            "joint_unit": "radians", "is_simulated": True,
        })  # fmt: skip
    CORPUS_EPISODES.write(CORPUS_EPISODES.frame(rows), lake.corpus / "episodes.parquet")
    CorpusManifest(datasets=(), episodes=()).write(lake.corpus / "manifest.json")
    SKILL_INDEX.write(index, lake.skill_index / "skill_index.parquet")


@pytest.fixture
def tiny_recipe() -> Callable[..., Recipe]:
    """Returns a recipe of a few steps, with whatever fields it is given."""
    return lambda **changes: Recipe.model_validate(TINY | changes)
