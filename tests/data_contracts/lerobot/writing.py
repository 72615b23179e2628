"""Episodes to write, and what lies in a folder afterwards: for the tests of the writer."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

from data_contracts.lerobot import DatasetWriter, Feature

CAMERA = "observation.images.front"
FEATURES = {
    "observation.state": Feature("observation.state", "float64", (2,), ("a", "b")),
    "action": {"dtype": "float32", "shape": [2], "names": ["a", "b"]},
    "next.done": {"dtype": "bool", "shape": [1], "names": None},
}


def columns(length: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "observation.state": rng.normal(size=(length, 2)),
        "action": rng.normal(size=(length, 2)).astype(np.float32),
        "next.done": np.arange(length) == length - 1,
    }


def carry_over(source, writer: DatasetWriter, episodes=None) -> None:
    """Writes episodes of a dataset as they are."""
    for index in source.episode_indices if episodes is None else episodes:
        episode = source.episode(index)
        writer.add_episode(
            columns={key: episode.array(key) for key, f in writer.features.items() if not f.is_visual},
            task=episode.task,
            videos={CAMERA: episode.video_segment(CAMERA)},
        )


def tree_hashes(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def png(shade: int, size: int = 16) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((size, size, 3), shade, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def assert_same(before, after, episodes) -> None:
    for new, old in enumerate(episodes):
        left, right = before.episode(old), after.episode(new)
        np.testing.assert_array_equal(left.state_TS, right.state_TS)
        np.testing.assert_array_equal(left.action_TA, right.action_TA)
        assert left.task == right.task
        np.testing.assert_array_equal(np.stack(list(left.frames(CAMERA))), np.stack(list(right.frames(CAMERA))))
