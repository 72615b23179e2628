"""Demonstrations as an evaluation needs them: first pictures and actions to replay, and the seeds that recorded them.

They come from LeRobot datasets: one, a folder of them, or a lake (its normalised ones). Which seeds a dataset was recorded
from is known for those of `simulation.community`, whose stage manifest says it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_contracts.errors import SimulationError
from data_contracts.layout import Lake
from data_contracts.manifests import RawDataset
from data_contracts.stages import MANIFEST
from simulation.seeds import DEMONSTRATION_SEEDS

if TYPE_CHECKING:
    from data_contracts.lerobot import LeRobotDataset
    from data_contracts.lerobot.episode import Episode

THUMBNAIL_PX = 64
MAX_FAILED_SHARE = 1.0
"""A recording of n episodes is taken to have tried up to 2 n seeds: failed tries leave no episode."""


@dataclass(frozen=True)
class Demonstration:
    """One episode. `world` is known where the dataset says what it was recorded in.

    `pictures_CHW3` are thumbnails of what each camera saw first, and `sizes` (height, width) of what they were made from.
    """

    dataset: str
    episode_index: int
    task: str
    world: str | None
    fps: float
    action_TA: np.ndarray
    pictures_CHW3: np.ndarray
    sizes: tuple[tuple[int, int], ...]

    @property
    def name(self) -> str:
        return f"{self.dataset}/{self.episode_index}"


@dataclass(frozen=True)
class Demonstrations:
    """All that were given. `seeds` maps worlds to every seed that may have recorded one; `silent` datasets do not say."""

    episodes: tuple[Demonstration, ...]
    seeds: dict[str, tuple[int, ...]]
    silent: tuple[str, ...]

    def of(self, world: str, instructions: Iterable[str], action_size: int) -> tuple[Demonstration, ...]:
        """Returns those of a world: recorded in it, or where that is not known, told one of these instructions."""
        said = {_plain(text) for text in instructions}
        return tuple(
            one
            for one in self.episodes
            if (one.world == world if one.world else _plain(one.task) in said) and one.action_TA.shape[1] == action_size
        )

    def digest(self) -> str:
        """Returns a digest of what can be replayed."""
        digest = hashlib.sha256()
        for one in self.episodes:
            digest.update(one.name.encode() + one.action_TA.tobytes() + one.pictures_CHW3.tobytes())
        return f"sha256:{digest.hexdigest()}"


def read_demonstrations(folders: Sequence[Path]) -> Demonstrations:
    """Returns every episode of the datasets in `folders` that has actions and frames.

    Raises:
        SimulationError: a folder holds no LeRobot dataset, or no episode can be replayed.
        DatasetUnreadable, VideoUnreadable: a dataset cannot be read.
    """
    roots = [root for folder in folders for root in dataset_folders(Path(folder))]
    episodes: list[Demonstration] = []
    seeds: dict[str, set[int]] = {}
    silent: list[str] = []
    for root in roots:
        recording = _recording_of(root)
        world = recording["world"] if recording else None
        episodes += _episodes(root, world)
        if recording is None:
            silent.append(root.name)
        else:
            seeds.setdefault(recording["world"], set()).update(_seeds_of(recording))
    if not episodes:
        raise SimulationError(f"No episode in {', '.join(map(str, folders))} has actions and frames.")
    return Demonstrations(tuple(episodes), {w: tuple(sorted(s)) for w, s in seeds.items()}, tuple(silent))


def dataset_folders(folder: Path) -> list[Path]:
    """Returns the datasets that a folder stands for: itself, a lake's normalised ones, or those that lie in it."""
    inside = Lake.at(folder).home / "normalised"
    if not (folder / "meta" / "info.json").is_file():
        holder = inside if inside.is_dir() else folder
        found = sorted(path.parent.parent for path in holder.glob("*/meta/info.json") if path.is_file())
        if not found:
            raise SimulationError(
                f"{folder} holds no LeRobot dataset.", hint="Name a dataset, a folder of them, or a lake."
            )
        return found
    return [folder]


def _episodes(root: Path, world: str | None) -> list[Demonstration]:
    from data_contracts.lerobot import open_dataset

    dataset = open_dataset(root)
    found = []
    for index in dataset.episode_indices:
        episode = dataset.episode(index)
        pictures = _first_pictures(dataset, episode)
        if not episode.action_TA.size or not pictures:
            continue
        thumbnails_CHW3 = np.stack([thumbnail(picture) for picture in pictures])
        sizes = tuple(picture.shape[:2] for picture in pictures)
        found.append(
            Demonstration(root.name, index, episode.task, world, dataset.fps, episode.action_TA, thumbnails_CHW3, sizes)
        )
    return found


def _first_pictures(dataset: LeRobotDataset, episode: Episode) -> list[np.ndarray]:
    keys = [key for key in dataset.camera_keys if episode.has_video(key)]
    return [episode.frames(key).decode([0])[0] for key in keys]


def thumbnail(picture_HW3: np.ndarray) -> np.ndarray:
    """Returns the picture at 64x64, uint8 (64, 64, 3): each pixel the mean of what it stands for."""
    from PIL import Image

    small = Image.fromarray(picture_HW3).resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BOX)
    return np.asarray(small)


def _recording_of(root: Path) -> dict[str, Any] | None:
    """Returns the community row that recorded a dataset, also of its normalised form in a lake, or None."""
    lake = Lake(root.parent.parent)
    raw = lake.raw(root.name) / "raw.json"
    places = [root, *([Path(RawDataset.read(raw).path)] if root.parent.name == "normalised" and raw.is_file() else [])]
    for place in places:
        try:
            inputs = json.loads((place / MANIFEST).read_text(encoding="utf-8"))["inputs"]
            row = inputs.get("original") or inputs["dataset"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(row, dict) and {"world", "first_seed", "num_episodes"} <= set(row):
            return row
    return None


def _seeds_of(recording: dict[str, Any]) -> Sequence[int]:
    first, num = int(recording["first_seed"]), int(recording["num_episodes"])
    return DEMONSTRATION_SEEDS[first : first + round(num * (1 + MAX_FAILED_SHARE))]


def _plain(text: str) -> str:
    return " ".join(text.casefold().strip(" .!\n").split())
