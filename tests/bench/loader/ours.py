"""One case of our side, in a process of its own: `python ours.py '{"what": "cold", ...}'` prints a JSON line."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from data_contracts.catalogue import SKILL_INDEX
from data_contracts.layout import Lake
from data_contracts.manifests import NormalisedDataset
from tests.bench.normalise import normalise_all
from tests.bench.normalise_sets import CAMERAS, write_set
from training.batches import on_device
from training.camera_cache import FOLDER
from training.memory import keep_freed_memory
from training.mixture import open_mixture
from training.processes import Processes
from training.read_ahead import read_ahead
from training.recipes import Recipe
from training.run import prepare

DATASET = "bench__set"
POOL = 16


def make(case: dict[str, Any]) -> dict[str, Any]:
    """Puts the dataset into a lake, normalised."""
    folder = Lake.at(case["home"]).normalised(DATASET)
    with tempfile.TemporaryDirectory() as scratch:
        normalise_all(write_set(Path(scratch) / "set", case["episodes"], "av1", CAMERAS[:1]), folder)
    return {"folder": str(folder)}


def load(case: dict[str, Any]) -> dict[str, Any]:
    """Hands out as many items as there are frames: uint8, as a device gets them, or `floats`, as the step computes with them."""
    lake = Lake.at(case["home"])
    keep_freed_memory()  # as training does
    begun = time.perf_counter()
    episodes = _episodes(lake)
    num_frames = int(episodes["num_frames"].sum())
    num_steps, size = num_frames // case["batch"], case["batch"]
    pool_steps = max(1, round(num_steps * POOL / episodes.height))
    recipe = Recipe(
        name="loader", kind="pretrain", policy_overrides={"resize_imgs_with_padding": [512, 512], "chunk_size": 50, "n_action_steps": 50},
        steps=num_steps, batch_size=size, camera_slots=1, learning_rate=1e-4, save_every=10,
        pool_episodes=POOL if case["what"] == "cold" else 0, pool_steps=pool_steps,
    )  # fmt: skip
    run = prepare(
        recipe, open_mixture(episodes, lake, recipe, "bench"), None, "cpu", 50 * 2**30, lambda _: None, Processes()
    )
    if case["what"] == "warm":
        begun = time.perf_counter()
    for parts in read_ahead(run.batches.parts(step) for step in range(num_steps)):
        batch = on_device(parts[0].batch, torch.device("cpu")) if case["floats"] else parts[0].batch
    seconds = time.perf_counter() - begun
    run.close()
    frames = run.batches.frames
    least = min(len(np.unique(frames.episode_of(run.batches.rows(step)))) for step in range(num_steps))
    return {
        "items_per_s": num_steps * size / seconds, "seconds": seconds, "num_frames": num_frames, "least_episodes": least,
        "pool_episodes": POOL, "decoded_episodes": len(list((lake.home / FOLDER).rglob("*.npy"))), "num_episodes": episodes.height, "frame_bytes": run.batches.cameras.encoder.frame_bytes(480, 640),
        "picture": list(batch["observation.images.camera1"].shape),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }  # fmt: skip


def _episodes(lake: Lake) -> pl.DataFrame:
    manifest = NormalisedDataset.read(lake.normalised(DATASET) / "meta" / "deftworks.json")
    rows = [
        dict.fromkeys(SKILL_INDEX.schema) | {
            "skill_id": "base", "dataset_id": DATASET, "episode_index": one.episode_index,
            "normalised_index": one.normalised_index, "episode_hash": one.episode_hash, "contributor": "bench",
            "fps": manifest.fps, "num_frames": one.num_frames, "label": "Pick up the cube", "camera_top": manifest.cameras[0].key,
        }
        for one in manifest.episodes
    ]  # fmt: skip
    return SKILL_INDEX.frame(rows)


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps((make if asked["what"] == "make" else load)(asked)) + "\n")
