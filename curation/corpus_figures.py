"""The corpus in figures as one JSON object: what `deftworks corpus show` prints and the report begins with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import polars as pl

from curation.corpus_funnel import dataset_reasons, episode_reasons, findings_by_code, funnel, splits, states
from curation.corpus_query import read_view
from data_contracts.catalogue import CORPUS_EPISODES
from data_contracts.layout import Lake
from data_contracts.manifests import CorpusManifest


def corpus_figures(lake: Lake) -> dict[str, Any]:
    """Returns hash, funnel, states, reasons of datasets and of episodes, splits, licences, contributors and findings by code.

    Raises:
        ContractError: the lake has no corpus, or one of another version.
    """
    manifest = CorpusManifest.read(lake.corpus / "manifest.json")
    episodes = CORPUS_EPISODES.read(lake.corpus / "episodes.parquet")
    findings = read_view(lake, "findings", [dataset.dataset for dataset in manifest.datasets])
    return {
        "corpus_hash": manifest.digest(),
        "funnel": [asdict(step) for step in funnel(manifest, episodes)],
        "states": states(manifest),
        "dataset_reasons": dataset_reasons(manifest),
        "episode_reasons": episode_reasons(episodes),
        "splits": splits(episodes),
        "licences": _kept_by(episodes, "licence"),
        "contributors": _kept_by(episodes, "contributor"),
        "findings": findings_by_code(findings).to_dicts(),
    }


def _kept_by(episodes: pl.DataFrame, column: str) -> list[dict[str, Any]]:
    """Datasets, kept episodes, frames and hours for each value of a column; most frames first."""
    kept = episodes.filter("is_kept")
    hours = (pl.col("num_frames") / pl.col("fps")).filter(pl.col("fps") > 0).sum() / 3600
    return (
        kept.group_by(column)
        .agg(
            pl.col("dataset_id").n_unique().alias("datasets"),
            pl.len().alias("episodes"),
            pl.col("num_frames").sum().alias("frames"),
            hours.round(3).alias("hours"),
        )
        .sort(["frames", column], descending=[True, False])
        .to_dicts()
    )
