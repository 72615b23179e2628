"""What the cameras of a mixture's episodes show, ready to be read in any order: each frame is decoded once, in order.

Two kinds, both plain .npy files that are mapped into memory, one per episode and camera, under <lake>/training_cache/:

    pixels    uint8 (T, H, W, 3), letterboxed to the policy's size (rounded to whole grey levels)
    tokens    bfloat16 (T, tokens, features), the frozen vision tower's output on the frame as recorded

A file's folder names everything that decides its content (the normalised dataset, the size or the tower's weights), so
that a fine-tune finds what the pretraining left. Which frames make a batch is `training.batches`'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from data_contracts.errors import TrainingError
from data_contracts.lerobot import open_dataset
from data_contracts.lerobot.episode import Frames
from data_contracts.lerobot.reader import LeRobotDataset
from data_contracts.stages import digest_of
from policy.images import letterbox, unit_pixels
from policy.model import SmolVLAPolicy
from training.mixture import Episode, Mixture
from training.out_folder import require_room, saving
from training.read_ahead import read_ahead

FOLDER = "training_cache"
DEFAULT_BUDGET_BYTES = 50 * 2**30
FRAMES_AT_ONCE = 128
MAPS = 4096
"""Files mapped at once: a process may have about 65,000 maps, and a community has more episodes."""
VERSION = 1

Encode = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Encoder:
    """How frames are stored: `encode` turns uint8 (N, H, W, 3) into (N, *shape) of `dtype`; `key` names all that decides it."""

    kind: str
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype
    encode: Encode

    @property
    def frame_bytes(self) -> int:
        return int(np.prod(self.shape)) * self.dtype.itemsize


class CameraCache:
    """The stored frames of a mixture, by episode and slot."""

    def __init__(self, encoder: Encoder, paths: list[tuple[Path | None, ...]]) -> None:
        self.encoder = encoder
        self._paths = paths
        self._map = lru_cache(MAPS)(lambda path: np.load(path, mmap_mode="r"))

    def gather(self, episodes_B: np.ndarray, frames_B: np.ndarray, slot: int) -> tuple[Tensor, Tensor]:
        """Returns stored frames (B, ...) of one slot and whether each sample has that camera, bool (B,); zeros where not."""
        out = np.zeros((len(episodes_B), *self.encoder.shape), self.encoder.dtype)
        present = np.zeros(len(episodes_B), bool)
        for row, (episode, frame) in enumerate(zip(episodes_B, frames_B, strict=True)):
            if path := self._paths[episode][slot]:
                out[row] = self._map(path)[frame]
                present[row] = True
        stored = torch.from_numpy(out)
        return stored.view(torch.bfloat16) if self.encoder.kind == "tokens" else stored, torch.from_numpy(present)


def pixel_encoder(size: tuple[int, int]) -> Encoder:
    """Returns the encoder that letterboxes to `size` (width, height)."""

    def encode(frames_NHWC: np.ndarray) -> np.ndarray:
        fitted = letterbox(unit_pixels(frames_NHWC, "frame"), *size)
        return (fitted * 255).round().to(torch.uint8).movedim(1, -1).numpy()

    key = digest_of({"version": VERSION, "size": list(size)})
    return Encoder("pixels", key, (size[1], size[0], 3), np.dtype(np.uint8), encode)


@torch.no_grad()
def token_encoder(policy: SmolVLAPolicy) -> Encoder:
    """Returns the encoder that runs the policy's frozen vision tower. The tower's weights are part of the key."""

    def tokens(pixels: Tensor) -> Tensor:
        return policy.embed_images(pixels.to(policy.device)).to(torch.bfloat16).cpu()

    @torch.no_grad()
    def encode(frames_NHWC: np.ndarray) -> np.ndarray:
        return tokens(unit_pixels(frames_NHWC, "frame")).contiguous().view(torch.int16).numpy()

    size = policy.config.resize_imgs_with_padding
    width, height = size or (policy.architecture.vision_config.image_size,) * 2
    shape = tuple(tokens(torch.zeros(1, 3, height, width)).shape[1:])
    key = digest_of({"version": VERSION, "size": list(size) if size else None, "tower": _tower_digest(policy)})
    return Encoder("tokens", key, shape, np.dtype(np.int16), encode)


def fill_cache(
    mixture: Mixture,
    encoder: Encoder,
    *,
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
    on_progress: Callable[[int, int], None] | None = None,
) -> CameraCache:
    """Returns the cache with every frame of the mixture in it, decoding those that are not there yet.

    Raises:
        TrainingError: the mixture does not fit into `budget_bytes`, or an episode's video has too few frames.
        VideoUnreadable: a video cannot be decoded.
    """
    root = mixture.lake.home / FOLDER
    paths = [_paths(root, encoder, episode) for episode in mixture.all_episodes]
    _make_room(root, mixture, encoder, {path for row in paths for path in row if path}, budget_bytes)
    report = on_progress or (lambda done, total: None)
    row = 0
    for block in read_ahead(_missing(mixture, paths)):
        report(block.number, len(paths))
        row = _store(block, row, encoder)
    report(len(paths), len(paths))
    return CameraCache(encoder, paths)


@dataclass(frozen=True)
class _Block:
    """Consecutive frames of one camera of the mixture's episode `number`, on their way into `path`."""

    path: Path
    number: int
    episode: Episode
    frames_NHWC: np.ndarray
    is_last: bool


def _missing(mixture: Mixture, paths: list[tuple[Path | None, ...]]) -> Iterator[_Block]:
    """Decodes what is not stored yet, in order, in blocks."""
    opened: dict[str, LeRobotDataset] = {}
    for number, (episode, row) in enumerate(zip(mixture.all_episodes, paths, strict=True)):
        if any(path and not path.exists() for path in row):
            if episode.dataset.id not in opened:
                opened = {episode.dataset.id: open_dataset(episode.dataset.folder)}
            source = opened[episode.dataset.id].episode(episode.normalised_index)
            for path, camera in zip(row, episode.cameras, strict=True):
                if path and camera and not path.exists():
                    yield from _blocks(path, number, episode, source.frames(camera))


def _blocks(path: Path, number: int, episode: Episode, frames: Frames) -> Iterator[_Block]:
    if len(frames) < episode.num_frames:
        raise TrainingError(
            f"{episode.id}: {path.parent.name} has {len(frames)} of {episode.num_frames} frames.",
            hint="Normalise the dataset again.",
        )
    coming = islice(frames, episode.num_frames)
    for start in range(0, episode.num_frames, FRAMES_AT_ONCE):
        block = np.stack(list(islice(coming, FRAMES_AT_ONCE)))
        yield _Block(path, number, episode, block, is_last=start + FRAMES_AT_ONCE >= episode.num_frames)


def _store(block: _Block, row: int, encoder: Encoder) -> int:
    """Adds an encoded block to its file at `row`; the file gets its name with the last one. Returns the next block's row.

    Written, not mapped: on a full disk a write is an error, and a mapped page kills the process.
    """
    partial = block.path.with_name(f".{block.path.name}.partial")
    with saving(block.path):
        partial.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb" if row == 0 else "ab") as file:
            if row == 0:
                shape = (block.episode.num_frames, *encoder.shape)
                header = {"descr": np.lib.format.dtype_to_descr(encoder.dtype), "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(np.ascontiguousarray(encoder.encode(block.frames_NHWC), encoder.dtype).data)
        if not block.is_last:
            return row + len(block.frames_NHWC)
        partial.replace(block.path)
    return 0


def _paths(root: Path, encoder: Encoder, episode: Episode) -> tuple[Path | None, ...]:
    content = digest_of([encoder.key, episode.dataset.content]).removeprefix("sha256:")[:16]
    folder = root / encoder.kind / episode.dataset.id / content
    return tuple(
        folder / camera / f"{episode.normalised_index:06d}.npy" if camera else None for camera in episode.cameras
    )


def _make_room(root: Path, mixture: Mixture, encoder: Encoder, wanted: set[Path], budget_bytes: int) -> None:
    """Removes what other mixtures left, oldest first, until this one fits."""
    needed = sum(
        encoder.frame_bytes * e.num_frames * sum(key is not None for key in e.cameras) for e in mixture.all_episodes
    )
    if needed > budget_bytes:
        raise TrainingError(
            f"{mixture.num_frames} frames need {needed / 2**30:.1f} GiB of {encoder.kind}, the budget is {budget_bytes / 2**30:.1f} GiB.",
            hint="Raise the budget, choose smaller images in the recipe's policy_overrides, or train on fewer episodes.",
        )
    others = {path: path.stat() for path in root.rglob("*.npy") if path not in wanted} if root.exists() else {}
    held = needed + sum(stat.st_size for stat in others.values())
    for path, stat in sorted(others.items(), key=lambda item: (item[1].st_mtime, item[0])):
        if held <= budget_bytes:
            break
        path.unlink()
        held -= stat.st_size
    root.mkdir(parents=True, exist_ok=True)
    require_room(root, needed - sum(path.stat().st_size for path in wanted if path.exists()))


def _tower_digest(policy: SmolVLAPolicy) -> str:
    digest = hashlib.sha256()
    for name, tensor in policy.model.vlm_with_expert.vlm.model.vision_model.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
