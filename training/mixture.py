"""Which episodes a run trains on, and what they add up to. Known before anything is decoded or trained.

Belongs here: putting episodes together and describing them. Not here: which ones a recipe wants (`training.choice`), their
values (`training.frame_table`) and pictures (`training.camera_cache`). Light: a Dagster definition may import it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from data_contracts.errors import TrainingError
from data_contracts.identifiers import episode_id
from data_contracts.layout import Lake
from data_contracts.manifests import NormalisedDataset
from data_contracts.stages import digest_of
from training.choice import choose
from training.recipes import Recipe

SLOTS = ("camera_top", "camera_wrist", "camera_side")
"""Columns in the order of the policy's camera slots 1, 2 and 3, as SmolVLA mapped them."""
UNKNOWN_ROBOT = "unknown"


@dataclass(frozen=True)
class Dataset:
    """A normalised dataset of the mixture. `content` changes when anything in it does."""

    id: str
    folder: Path
    content: str
    robot_type: str
    state_size: int
    action_size: int
    fps: float
    camera_shapes: dict[str, tuple[int, int]]
    """Camera key -> (height, width) in pixels."""

    @property
    def embodiment(self) -> str:
        """Name of the group whose statistics normalise the dataset: robot type and vector sizes."""
        return f"{self.robot_type}-{self.state_size}-{self.action_size}"


@dataclass(frozen=True)
class Episode:
    """One episode of the mixture. `cameras` holds a key or None for each slot that the recipe uses; `weight` multiplies the
    chance of its frames."""

    dataset: Dataset
    episode_index: int
    normalised_index: int
    episode_hash: str
    num_frames: int
    label: str
    cameras: tuple[str | None, ...]
    weight: float = 1.0

    @property
    def id(self) -> str:
        return episode_id(self.dataset.id, self.episode_index)


@dataclass(frozen=True)
class Mixture:
    """Episodes to train on in a fixed order, those held out to validate on, and who was left out for which reason."""

    lake: Lake
    corpus_hash: str
    episodes: tuple[Episode, ...]
    held_out: tuple[Episode, ...]
    dataset_temperature: float
    dataset_weights: dict[str, float]
    left_out: dict[str, int]

    @property
    def all_episodes(self) -> tuple[Episode, ...]:
        """What is read: first those that are trained on, then those held out."""
        return self.episodes + self.held_out

    @cached_property
    def datasets(self) -> tuple[Dataset, ...]:
        return tuple({episode.dataset.id: episode.dataset for episode in self.episodes}.values())

    @property
    def num_frames(self) -> int:
        return sum(episode.num_frames for episode in self.episodes)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(sorted({episode.label for episode in self.episodes}))

    @property
    def used_slots(self) -> tuple[int, ...]:
        """Camera slots that at least one episode fills."""
        return tuple(i for i, keys in enumerate(zip(*(e.cameras for e in self.episodes), strict=True)) if any(keys))

    @cached_property
    def weights(self) -> dict[str, float]:
        """Dataset id -> chance that a sample comes from it: its frames, each times its episode's weight, to the power of
        1 / temperature, times the dataset's weight; normalised."""
        raw = {
            name: mass ** (1.0 / self.dataset_temperature) * self.dataset_weights.get(name, 1.0)
            for name, mass in self.masses.items()
        }
        return {name: value / sum(raw.values()) for name, value in raw.items()}

    @cached_property
    def masses(self) -> dict[str, float]:
        """Dataset id -> frames that are trained on, each times its episode's weight."""
        masses: defaultdict[str, float] = defaultdict(float)
        for episode in self.episodes:
            masses[episode.dataset.id] += episode.num_frames * episode.weight
        return dict(masses)

    def digest(self) -> str:
        """Returns a digest of everything that training reads: which episodes, what they hold, their labels and slots."""
        trained, held_out = (
            [
                [e.dataset.content, e.normalised_index, e.episode_hash, e.label, list(e.cameras), e.weight]
                for e in episodes
            ]
            for episodes in (self.episodes, self.held_out)
        )
        return digest_of({"episodes": trained, "held_out": held_out, "dataset_temperature": self.dataset_temperature})


def open_mixture(episodes: pl.DataFrame, lake: Lake, recipe: Recipe, corpus_hash: str) -> Mixture:
    """Returns what `recipe` trains on out of a table with the columns of SKILL_INDEX.

    An episode that several skills name counts once. Episodes without a camera, and those that the recipe does not want
    (`training.choice`), are left out and counted.

    Raises:
        TrainingError: nothing is left to train on, or to validate on where the recipe does; one label is missing; the recipe
            names a dataset or skill that is not there, or a condition that is none.
        ContractError: a dataset of the table is not in the lake.
    """
    choice = choose(episodes, lake, recipe)
    manifests = {d: _dataset(d, lake) for d in sorted(episodes["dataset_id"].unique())}
    kept: dict[bool, list[Episode]] = {True: [], False: []}
    left_out = Counter[str]()
    rows = episodes.unique(["dataset_id", "episode_index"], keep="first", maintain_order=True)
    for row in rows.sort("dataset_id", "normalised_index").iter_rows(named=True):
        key = row["dataset_id"], row["episode_index"]
        cameras = tuple(row[slot] for slot in SLOTS[: recipe.camera_slots])
        if reason := choice.reasons.get(key) or (None if any(cameras) else "no camera in a known role"):
            left_out[reason] += 1
            continue
        episode = _episode(row, manifests[row["dataset_id"]], cameras, choice.weights.get(key, 1.0))
        kept[key in choice.held_out].append(episode)
    trained, held_out = kept[False], kept[True]
    if not trained:
        raise TrainingError(
            f"Recipe {recipe.name} has no episodes to train on: {rows.height} listed, {len(held_out)} held out, left out: {dict(left_out)}.",
            hint="Look at the skill's query, and at where, exclude_warnings and the weights of the recipe.",
        )
    known = {episode.dataset.embodiment for episode in trained}
    if strange := [episode for episode in held_out if episode.dataset.embodiment not in known]:
        left_out["held out, and no such robot is trained on"] = len(strange)
        held_out = [episode for episode in held_out if episode.dataset.embodiment in known]
    if recipe.validate_every and not held_out:
        raise TrainingError(
            f"Recipe {recipe.name} validates, and none of the {rows.height} episodes is in the corpus's evaluation split.",
            hint="Set validate_every to 0, or add datasets: about a tenth of all clusters is held out.",
        )
    return Mixture(
        lake, corpus_hash, tuple(trained), tuple(held_out), recipe.dataset_temperature, recipe.dataset_weights, dict(left_out)
    )  # fmt: skip


def describe(mixture: Mixture) -> dict[str, Any]:
    """Returns what will be trained on, as plain JSON: totals, then a row per dataset."""
    rows = []
    for dataset in mixture.datasets:
        episodes = [episode for episode in mixture.episodes if episode.dataset.id == dataset.id]
        rows.append(
            {
                "dataset": dataset.id, "robot_type": dataset.robot_type, **_totals(episodes),
                "camera_slots": sorted({i + 1 for e in episodes for i, key in enumerate(e.cameras) if key}),
                "num_labels": len({e.label for e in episodes}), "weight": mixture.weights[dataset.id],
            }
        )  # fmt: skip
    robots = sorted({dataset.robot_type for dataset in mixture.datasets})
    of_robot = {name: [e for e in mixture.episodes if e.dataset.robot_type == name] for name in robots}
    return {
        "corpus_hash": mixture.corpus_hash, **_totals(mixture.episodes), "num_labels": len(mixture.labels),
        "robots": {name: _totals(episodes) for name, episodes in of_robot.items()},
        "held_out": _totals(mixture.held_out), "left_out": mixture.left_out, "datasets": rows,
    }  # fmt: skip


def _totals(episodes: Sequence[Episode]) -> dict[str, Any]:
    seconds = sum(episode.num_frames / episode.dataset.fps for episode in episodes)
    return {
        "num_episodes": len(episodes),
        "num_frames": sum(episode.num_frames for episode in episodes),
        "hours": round(seconds / 3600, 4),
    }


def _dataset(dataset_id: str, lake: Lake) -> Dataset:
    folder = lake.normalised(dataset_id)
    manifest = NormalisedDataset.read(folder / "meta" / "deftworks.json")
    return Dataset(
        dataset_id, folder, manifest.digest(), manifest.robot_type or UNKNOWN_ROBOT,
        len(manifest.state_names), len(manifest.action_names), manifest.fps or 1.0,
        {camera.key: (camera.height_px, camera.width_px) for camera in manifest.cameras},
    )  # fmt: skip


def _episode(row: dict[str, Any], dataset: Dataset, cameras: tuple[str | None, ...], weight: float) -> Episode:
    if unknown := [camera for camera in cameras if camera and camera not in dataset.camera_shapes]:
        raise TrainingError(
            f"{episode_id(dataset.id, row['episode_index'])} is listed with camera {unknown[0]!r}, and its dataset has "
            f"{', '.join(dataset.camera_shapes) or 'none'}.",
            hint="Judge the dataset's cameras again and rebuild the corpus.",
        )
    if not row["label"]:
        raise TrainingError(
            f"Episode {episode_id(dataset.id, row['episode_index'])} has no label.",
            hint="Train on the skill index, which holds labelled episodes only.",
        )
    return Episode(
        dataset,
        row["episode_index"],
        row["normalised_index"],
        row["episode_hash"],
        row["num_frames"],
        row["label"],
        cameras,
        weight,
    )
