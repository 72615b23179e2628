"""What the cameras of a mixture's episodes show, ready to be read in any order: each frame is decoded once, in order.

Two kinds (`training.frame_encoders`), both plain .npy files that are mapped into memory, one per episode and camera, under
<lake>/training_cache/:

    pixels    uint8 (T, h, w, 3), resized to fit the policy's size; the letterbox's black is put back when they are read
    tokens    bfloat16 or float32 (T, tokens, features), the frozen vision tower's output on the frame as recorded

A file's folder names everything that decides its content (the normalised dataset, the size or the tower's weights), so
that a fine-tune finds what the pretraining left. Which frames make a batch is `training.batches`', which episodes are
needed when is `training.pools`'.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from data_contracts.errors import TrainingError
from data_contracts.lerobot import open_dataset
from data_contracts.lerobot.episode import Frames
from data_contracts.lerobot.reader import LeRobotDataset
from data_contracts.stages import digest_of
from training.frame_encoders import Encoder
from training.mixture import Episode, Mixture
from training.out_folder import require_room, saving
from training.read_ahead import side_by_side

FOLDER = "training_cache"
DEFAULT_BUDGET_BYTES = 50 * 2**30
FRAMES_AT_ONCE = 32
NUM_DECODERS = min(8, len(os.sched_getaffinity(0)))
"""Files that are decoded at once: one decoder alone does not keep the processors busy."""
MAPS = 4096
"""Files mapped at once: a process may have about 65,000 maps, and a community has more episodes."""
ABANDONED_AFTER_S = 24 * 3600
"""A half-written file that nobody touched for so long is of a process that was killed."""

OnDecoded = Callable[[int, int], None]


class CameraCache:
    """The stored frames of a mixture, by the number of the episode (in `Mixture.all_episodes`) and slot."""

    def __init__(self, mixture: Mixture, encoder: Encoder, budget_bytes: int = DEFAULT_BUDGET_BYTES) -> None:
        self.encoder = encoder
        self._episodes = mixture.all_episodes
        self._root = mixture.lake.home / FOLDER
        self._budget_bytes = budget_bytes
        self._paths = [_paths(self._root, encoder, episode) for episode in self._episodes]
        self._map = lru_cache(MAPS)(_mapped)

    def gather(self, episodes_B: np.ndarray, frames_B: np.ndarray, slot: int) -> tuple[Tensor, Tensor]:
        """Returns stored frames (B, ...) of one slot and whether each sample has that camera, bool (B,); zeros where not."""
        out = np.zeros((len(episodes_B), *self.encoder.shape), self.encoder.dtype)
        present = np.zeros(len(episodes_B), bool)
        for row, (episode, frame) in enumerate(zip(episodes_B, frames_B, strict=True)):
            if path := self._paths[episode][slot]:
                one = self._map(path)[frame]
                out[row][tuple(slice(-size, None) for size in one.shape)] = one
                present[row] = True
        stored = torch.from_numpy(out)
        is_bf16 = self.encoder.dtype == np.int16
        return stored.view(torch.bfloat16) if is_bf16 else stored, torch.from_numpy(present)

    def has(self, episodes: Iterable[int]) -> bool:
        """True when every frame of these episodes is stored."""
        return all(path.exists() for path in self._files(episodes))

    def fill(
        self,
        episodes: Iterable[int],
        *,
        keep: Iterable[int] = (),
        on_decoded: OnDecoded | None = None,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Makes sure that every frame of these episodes is stored, decoding what is not there yet, in order.

        Args:
            keep: episodes that may not be removed either to make room for them.
            on_decoded: told how many of the episodes are done, and of how many.
            is_wanted: asked now and then; when it says no, the rest is left.

        Raises:
            TrainingError: they do not fit into the budget or on the disk, or an episode's video has too few frames.
            VideoUnreadable: a video cannot be decoded.
        """
        numbers = sorted(set(episodes))
        self._make_room(set(numbers) | set(keep))
        report = on_decoded or (lambda done, total: None)
        for position in side_by_side(self._missing(numbers, is_wanted), NUM_DECODERS):
            report(position, len(numbers))
        if is_wanted():
            report(len(numbers), len(numbers))

    def _missing(self, numbers: list[int], is_wanted: Callable[[], bool]) -> Iterator[Callable[[], int]]:
        """Yields the work of storing each file that is not there yet. A work returns its episode's position among `numbers`."""
        opened: dict[str, LeRobotDataset] = {}
        for position, number in enumerate(numbers):
            episode, row = self._episodes[number], self._paths[number]
            if not any(path and not path.exists() for path in row):
                continue
            if episode.dataset.id not in opened:
                opened = {episode.dataset.id: open_dataset(episode.dataset.folder)}
            source = opened[episode.dataset.id].episode(episode.normalised_index)
            for path, camera in dict(zip(row, episode.cameras, strict=True)).items():
                if not is_wanted():
                    return
                if path and camera and not path.exists():
                    yield partial(self._store, path, position, episode, source.frames(camera), is_wanted)

    def _store(self, path: Path, position: int, episode: Episode, frames: Frames, is_wanted: Callable[[], bool]) -> int:
        """Decodes, encodes and writes one file, a block of frames at a time; it gets its name with the last one.

        Written, not mapped: on a full disk a write is an error, and a mapped page kills the process.
        """
        if len(frames) < episode.num_frames:
            raise TrainingError(
                f"{episode.id}: {path.parent.name} has {len(frames)} of {episode.num_frames} frames.",
                hint="Normalise the dataset again.",
            )
        coming = islice(frames, episode.num_frames)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.partial")  # another run may decode the same
        with saving(path):
            unfinished.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                while is_wanted() and (block := list(islice(coming, FRAMES_AT_ONCE))):
                    stored = np.ascontiguousarray(self.encoder.encode(np.stack(block)), self.encoder.dtype)
                    if not file.tell():
                        _write_header(file, stored, episode.num_frames)
                    file.write(stored.data)
            if is_wanted():
                unfinished.replace(path)
        return position

    def _make_room(self, numbers: set[int]) -> None:
        """Removes what else is stored, oldest first, until these episodes fit."""
        needed = sum(self._num_bytes(number) for number in numbers)
        if needed > self._budget_bytes:
            raise TrainingError(
                f"{len(numbers)} episodes need {needed / 2**30:.1f} GiB of {self.encoder.kind}, the budget is "
                f"{self._budget_bytes / 2**30:.1f} GiB.",
                hint="Set pool_episodes, raise the budget, choose smaller images in policy_overrides, or fewer episodes.",
            )
        self._root.mkdir(parents=True, exist_ok=True)
        wanted = set(self._files(numbers))
        others = {path: path.stat() for path in self._root.rglob("*.npy") if path not in wanted}
        held = needed + sum(stat.st_size for stat in others.values())
        for path, stat in sorted(others.items(), key=lambda item: (item[1].st_mtime, item[0])):
            if held <= self._budget_bytes:
                break
            path.unlink(missing_ok=True)
            self._map.cache_clear()  # a mapped file keeps its room
            held -= stat.st_size
        for path in self._root.rglob(".*.partial"):
            if time.time() - path.stat().st_mtime > ABANDONED_AFTER_S:
                path.unlink(missing_ok=True)
        require_room(self._root, needed - sum(path.stat().st_size for path in wanted if path.exists()))

    def _files(self, numbers: Iterable[int]) -> Iterator[Path]:
        return (path for number in numbers for path in self._paths[number] if path)

    def _num_bytes(self, number: int) -> int:
        episode = self._episodes[number]
        shapes = [episode.dataset.camera_shapes[key] for key in episode.cameras if key]
        return sum(self.encoder.frame_bytes(*shape) for shape in shapes) * episode.num_frames


def fill_cache(
    mixture: Mixture,
    encoder: Encoder,
    *,
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
    on_progress: OnDecoded | None = None,
) -> CameraCache:
    """Returns the cache with every frame of the mixture in it; see `CameraCache.fill`."""
    cache = CameraCache(mixture, encoder, budget_bytes)
    cache.fill(range(len(mixture.all_episodes)), on_decoded=on_progress)
    return cache


def _write_header(file: BinaryIO, stored: np.ndarray, num_frames: int) -> None:
    descr = np.lib.format.dtype_to_descr(stored.dtype)
    header = {"descr": descr, "fortran_order": False, "shape": (num_frames, *stored.shape[1:])}
    np.lib.format.write_array_header_1_0(file, header)


def _paths(root: Path, encoder: Encoder, episode: Episode) -> tuple[Path | None, ...]:
    content = digest_of([encoder.key, episode.dataset.content]).removeprefix("sha256:")[:16]
    folder = root / encoder.kind / episode.dataset.id / content
    return tuple(
        folder / camera / f"{episode.normalised_index:06d}.npy" if camera else None for camera in episode.cameras
    )


def _mapped(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r")
    except FileNotFoundError as error:
        raise TrainingError(
            f"{path} is gone: another training on this lake needed the room.",
            hint="Run it again: it goes on from its last checkpoint. A larger budget lets both run at once.",
        ) from error
