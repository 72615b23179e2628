"""Five selections of the same recordings, as tables of episodes that a training takes, over two lakes.

The curated lake is what `deftworks run --until corpus` makes. The raw one holds every episode that can be read, in the same
container, with nothing judged: cameras in the order of their dataset, as SmolVLA takes them, and the text that was published.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from curation.normalise import MANIFEST, normalise
from data_contracts.catalogue import CORPUS_EPISODES, EPISODES, SKILL_INDEX
from data_contracts.layout import Lake
from data_contracts.lerobot import open_dataset
from data_contracts.manifests import NormalisedDataset, RawDataset
from data_contracts.stages import run_stage
from pipelines.corpus_stage import make_mixture

ARMS = {
    "raw": "every episode that can be read",
    "filtered": "those that the pipeline keeps: judged, copies left out",
    "random": "as many as the filter keeps, drawn from all",
    "length": "as many, those whose length is nearest to the median of their dataset",
    "curated": "what the filter keeps, with the pipeline's labels and camera roles as well",
}
VERSION = 1
"""Raise when the raw lake would be made otherwise."""


def make_raw_lake(curated: Lake, raw: Lake) -> None:
    """Makes sure that `raw` holds every readable episode of the datasets that `curated` lists, normalised without judging."""
    for path in sorted((curated.home / "raw").glob("*/raw.json")):
        described = RawDataset.read(path)
        inputs = {"version": VERSION, "revision": described.revision}
        run_stage(raw.normalised(described.dataset_id), inputs, partial(_carry_over, described))


def _carry_over(described: RawDataset, out: Path) -> None:
    root = Path(described.path)
    dataset = open_dataset(root)
    rows = [
        {"dataset_id": described.dataset_id, "episode_index": index, "is_kept": True, "reasons": [], "num_frames": 1,
         "duration_s": 1.0}
        for index in dataset.episode_indices
    ]  # fmt: skip
    normalise(root, EPISODES.frame(rows), described, out)


def tables(curated: Lake, raw: Lake, seed: int) -> dict[str, tuple[Lake, pl.DataFrame]]:
    """Returns each arm's lake and episodes (columns of SKILL_INDEX) for one training seed, which decides the random draw."""
    everything = SKILL_INDEX.frame([row for folder in _normalised(raw) for row in _rows(folder)])
    corpus = CORPUS_EPISODES.read(curated.corpus / "episodes.parquet").filter("is_kept")
    filtered = everything.join(corpus.select("dataset_id", "episode_index"), ["dataset_id", "episode_index"], "semi")
    make_mixture(curated)
    chosen = sorted(random.Random(seed).sample(range(everything.height), filtered.height))
    return {
        "raw": (raw, everything),
        "filtered": (raw, filtered),
        "random": (raw, everything[chosen]),
        "length": (raw, _nearest_to_median(everything, filtered.height)),
        "curated": (curated, SKILL_INDEX.read(curated.mixture / "mixture.parquet")),
    }


def _nearest_to_median(everything: pl.DataFrame, num_episodes: int) -> pl.DataFrame:
    away = (pl.col("num_frames") / pl.col("num_frames").median().over("dataset_id")).log().abs()
    order = everything.with_columns(away=away).sort("away", "dataset_id", "episode_index")
    return order.head(num_episodes).drop("away").sort("dataset_id", "episode_index")


def _normalised(lake: Lake) -> Iterator[Path]:
    yield from sorted(path.parent.parent for path in (lake.home / "normalised").glob(f"*/{MANIFEST}"))


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    manifest = NormalisedDataset.read(folder / MANIFEST)
    dataset = open_dataset(folder)
    slots = dict(zip(("camera_top", "camera_wrist", "camera_side"), [c.key for c in manifest.cameras], strict=False))
    for episode in manifest.episodes:
        yield dict.fromkeys(SKILL_INDEX.schema) | slots | {
            "skill_id": "base", "dataset_id": manifest.dataset_id, "episode_index": episode.episode_index,
            "normalised_index": episode.normalised_index, "episode_hash": episode.episode_hash,
            "contributor": manifest.contributor, "licence": manifest.licence, "fps": manifest.fps,
            "num_frames": episode.num_frames, "label": dataset.episode(episode.normalised_index).task,
        }  # fmt: skip
