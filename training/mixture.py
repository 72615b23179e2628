"""Which episodes a run trains on, and what they add up to. Known before anything is decoded or trained.

Belongs here: choosing rows and describing them. Not here: their values (`training.frame_table`) and pictures
(`training.camera_cache`). Light: a Dagster definition may import it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from data_contracts.catalogue import FINDINGS
from data_contracts.errors import TrainingError
from data_contracts.identifiers import episode_id
from data_contracts.layout import Lake
from data_contracts.manifests import NormalisedDataset
from data_contracts.stages import digest_of
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


@dataclass(frozen=True)
class Episode:
    """One episode of the mixture. `cameras` holds a key or None for each slot that the recipe uses."""

    dataset: Dataset
    episode_index: int
    normalised_index: int
    episode_hash: str
    num_frames: int
    label: str
    cameras: tuple[str | None, ...]

    @property
    def id(self) -> str:
        return episode_id(self.dataset.id, self.episode_index)


@dataclass(frozen=True)
class Mixture:
    """Episodes in a fixed order, how much each dataset weighs, and who was left out for which reason."""

    lake: Lake
    corpus_hash: str
    episodes: tuple[Episode, ...]
    dataset_temperature: float
    left_out: dict[str, int]

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
        """Dataset id -> chance that a sample comes from it: its frames ** (1 / temperature), normalised."""
        frames = Counter[str]()
        for episode in self.episodes:
            frames[episode.dataset.id] += episode.num_frames
        raw = {name: float(count) ** (1.0 / self.dataset_temperature) for name, count in frames.items()}
        return {name: value / sum(raw.values()) for name, value in raw.items()}

    def digest(self) -> str:
        """Returns a digest of everything that training reads: which episodes, what they hold, their labels and slots."""
        rows = [
            [e.dataset.content, e.normalised_index, e.episode_hash, e.label, list(e.cameras)] for e in self.episodes
        ]
        return digest_of({"episodes": rows, "dataset_temperature": self.dataset_temperature})


def open_mixture(episodes: pl.DataFrame, lake: Lake, recipe: Recipe, corpus_hash: str) -> Mixture:
    """Returns what `recipe` trains on out of a table with the columns of SKILL_INDEX.

    An episode that several skills name counts once. Episodes without a camera, and those that a finding of
    `recipe.exclude_warnings` names, are left out and counted.

    Raises:
        TrainingError: nothing is left, or one label is missing.
        ContractError: a dataset of the table is not in the lake.
    """
    names = _names(episodes["dataset_id"].unique().to_list(), lake, recipe.exclude_warnings)
    manifests = {d: _dataset(d, lake) for d in sorted(episodes["dataset_id"].unique())}
    kept, left_out = [], Counter[str]()
    rows = episodes.unique(["dataset_id", "episode_index"], keep="first", maintain_order=True)
    for row in rows.sort("dataset_id", "normalised_index").iter_rows(named=True):
        cameras = tuple(row[slot] for slot in SLOTS[: recipe.camera_slots])
        warned = names.get((row["dataset_id"], row["episode_index"])) or names.get((row["dataset_id"], None))
        if reason := warned or (None if any(cameras) else "no camera in a known role"):
            left_out[reason] += 1
            continue
        kept.append(_episode(row, manifests[row["dataset_id"]], cameras))
    if not kept:
        raise TrainingError(
            f"Recipe {recipe.name} has no episodes to train on: {episodes.height} listed, left out: {dict(left_out)}.",
            hint="Look at the skill's query and at exclude_warnings.",
        )
    return Mixture(lake, corpus_hash, tuple(kept), recipe.dataset_temperature, dict(left_out))


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
        "left_out": mixture.left_out, "datasets": rows,
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


def _episode(row: dict[str, Any], dataset: Dataset, cameras: tuple[str | None, ...]) -> Episode:
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
    )


def _names(datasets: Iterable[str], lake: Lake, codes: tuple[str, ...]) -> dict[tuple[str, int | None], str]:
    """Returns (dataset, episode as its source numbers it, or None for the whole dataset) -> the code that names it."""
    named: dict[tuple[str, int | None], str] = {}
    for dataset in datasets if codes else ():
        findings = FINDINGS.read(lake.findings(dataset) / "findings.parquet")
        for code, episodes in findings.filter(pl.col("code").is_in(codes)).select("code", "episodes").iter_rows():
            named |= {(dataset, index): code for index in ([None] if episodes is None else episodes)}
    return named
