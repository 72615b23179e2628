"""Time and memory of `find_duplicates` on synthetic fingerprints: `python tests/bench/attacks/scale.py --episodes 50000`.

Datasets of 50 episodes; within one, all show the same task: one path, its way points moved from episode to episode. One
episode in twenty is a trimmed and noisy copy of another with its pictures trimmed alike. Prints what was found, the time
per step and the peak memory of the process, in which the table itself is held, too.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from curation.duplicates import find_duplicates
from curation.duplicates.joints import joint_digests, joint_path
from curation.duplicates.pictures import GRID, MAX_PICTURES
from curation.duplicates.signal import packed
from data_contracts.catalogue import FINGERPRINTS

EPISODES_PER_DATASET = 50
NUM_JOINTS = 6
NUM_CAMERAS = 2
WAY_POINTS = 9
COPY_EVERY = 20
BATCH = 5000


def synthetic_rows(num_episodes: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yields FINGERPRINTS rows; the last of every COPY_EVERY episodes is a copy of the one before it."""
    for number in range(num_episodes):
        dataset, episode = divmod(number, EPISODES_PER_DATASET)
        is_copy = number % COPY_EVERY == COPY_EVERY - 1
        task = np.random.default_rng([seed, 0, dataset])
        own = np.random.default_rng([seed, 1, number - is_copy])
        joints, views = _course(task, own, NUM_JOINTS, 40.0), _course(task, own, GRID * GRID * NUM_CAMERAS, 12.0)
        if is_copy:
            noise = np.random.default_rng([seed, 2, number])
            joints, views = joints[: int(len(joints) * 0.7)], views[: int(len(views) * 0.7)]
            joints = joints + noise.normal(size=joints.shape) * 0.01 * np.ptp(joints, axis=0)
        state, action = joints[:-1].astype(np.float32), joints[1:].astype(np.float32)
        shown = np.unique(np.linspace(0, len(views) - 1, MAX_PICTURES).round().astype(int))
        yield {
            "dataset_id": f"lab-{dataset:04d}__task",
            "episode_index": episode,
            "normalised_index": episode,
            "num_frames": len(state),
            "episode_hash": f"sha256:{number:064x}",
            "written_hash": f"sha256:{number:064x}",
            "picture_digests": [f"sha256:{number:056x}{camera:08x}" for camera in range(NUM_CAMERAS)],
            "joint_digests": joint_digests(state, action),
            "state_size": NUM_JOINTS,
            "joint_path": joint_path(state, action),
            "picture_signals": [packed(part) for part in np.split(views[shown], NUM_CAMERAS, axis=1)],
        }


def _course(task: np.random.Generator, own: np.random.Generator, size: int, reach: float) -> np.ndarray:
    """Returns a smooth course through way points of the task, each moved by 10% of the reach in this episode."""
    points = task.normal(size=(WAY_POINTS, size)) * reach + own.normal(size=(WAY_POINTS, size)) * reach * 0.1
    length = 200 + int(task.integers(0, 100))
    places = np.linspace(0, WAY_POINTS - 1, length)
    low = np.minimum(places.astype(int), WAY_POINTS - 2)
    weight = (1 - np.cos(np.pi * (places - low)))[:, None] / 2
    return points[low] * (1 - weight) + points[low + 1] * weight


def main() -> None:
    """Makes the table in batches, finds the copies, and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=50_000)
    options = parser.parse_args()
    batches, batch = [], []
    for row in synthetic_rows(options.episodes):
        batch.append(row)
        if len(batch) == BATCH:
            batches.append(FINGERPRINTS.frame(batch))
            batch = []
    table = pl.concat([*batches, FINGERPRINTS.frame(batch)])
    del batches
    before = _peak_mib()
    start, start_cpu = time.perf_counter(), time.process_time()
    found = find_duplicates(table)
    took, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    is_copy = pl.int_range(pl.len()) % COPY_EVERY == COPY_EVERY - 1
    told = found.with_columns(is_copy=is_copy).group_by("is_copy").agg((~pl.col("is_original")).sum(), pl.len())
    figures = {copy: f"{called} of {total}" for copy, called, total in told.rows()}
    print(f"{table.height:,} episodes: {took:.0f} s ({cpu:.0f} s of processor time)")
    print(f"copies found: {figures.get(True)}; honest ones called copies: {figures.get(False)}")
    print(f"peak memory: {_peak_mib():.0f} MiB, {before:.0f} MiB of it before the search")


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
