"""The corpus in figures: how many candidates are left after each step, and what stopped the others.

What does not belong here: sentences and pictures (`curation.corpus_report`, `curation.corpus_page`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from data_contracts.manifests import CorpusDataset, CorpusManifest

NEVER_HAD = ("unreachable", "gone", "gated")
STATES = ("accepted", "rejected", "quarantined", *NEVER_HAD)
CODE = re.compile(r"[a-z]+\.[a-z_]+")


@dataclass(frozen=True)
class Step:
    """What is left after one step. Episodes, frames and hours are None before a dataset was read."""

    name: str
    datasets: int
    episodes: int | None = None
    frames: int | None = None
    hours: float | None = None


def funnel(manifest: CorpusManifest, episodes: pl.DataFrame) -> list[Step]:
    """Returns the steps from candidates to frames that may be trained on.

    candidates: listed. reachable: its files or its metadata were had. readable: at least one episode could be counted.
    after gates: episodes that no gate names, of datasets that are accepted. after copies: of each family of copies one.

    Args:
        episodes: table CORPUS_EPISODES of the same corpus.
    """
    reachable = [d for d in manifest.datasets if d.state not in NEVER_HAD and d.revision is not None]
    is_copy = pl.col("copy_of").is_not_null()
    return [
        Step("candidates", len(manifest.datasets)),
        Step("reachable", len(reachable)),
        _step("readable", episodes),
        _step("after gates", episodes.filter(pl.col("is_kept") | is_copy)),
        _step("after copies", episodes.filter("is_kept")),
    ]


def _step(name: str, episodes: pl.DataFrame) -> Step:
    seconds = episodes.filter(pl.col("fps") > 0).select((pl.col("num_frames") / pl.col("fps")).sum()).item()
    return Step(
        name,
        datasets=episodes["dataset_id"].n_unique(),
        episodes=episodes.height,
        frames=int(episodes["num_frames"].sum()),
        hours=round(seconds / 3600, 3),
    )


def states(manifest: CorpusManifest) -> dict[str, int]:
    """Returns how many datasets ended in each state; every state is named."""
    counts = Counter(dataset.state for dataset in manifest.datasets)
    return {state: counts[state] for state in STATES}


def dataset_reasons(manifest: CorpusManifest) -> dict[str, int]:
    """Returns why datasets are not accepted: the codes that gate (a dataset may name several), otherwise the state; most first."""
    gates: dict[str, set[str]] = {}
    for episode in manifest.episodes:
        gates.setdefault(episode.dataset, set()).update(_codes_in(episode.reason))
    left_out = [d for d in manifest.datasets if d.state != "accepted"]
    return _most_first(reason for d in left_out for reason in _why(d, gates.get(d.dataset, set())))


def episode_reasons(episodes: pl.DataFrame) -> dict[str, int]:
    """Returns why episodes of readable datasets are not kept: codes, otherwise `dataset not accepted`; most first."""
    reasons = episodes.filter(~pl.col("is_kept"))["reason"].to_list()
    return _most_first(code for reason in reasons for code in _codes_in(reason) or {"dataset not accepted"})


def splits(episodes: pl.DataFrame) -> dict[str, int]:
    """Returns how many kept episodes each split holds."""
    kept = episodes.filter("is_kept")
    return {split: kept.filter(split=split).height for split in ("train", "evaluation")}


def findings_by_code(findings: pl.DataFrame) -> pl.DataFrame:
    """Returns a row per code and severity: `datasets` that it concerns and `episodes` it names one by one; most datasets first.

    Args:
        findings: table FINDINGS of many datasets.
    """
    return (
        findings.group_by("code", "severity")
        .agg(
            pl.col("dataset_id").n_unique().alias("datasets"),
            pl.col("episodes").list.len().fill_null(0).sum().alias("episodes"),
        )
        .sort(["datasets", "episodes", "code", "severity"], descending=[True, True, False, False])
    )


def _why(dataset: CorpusDataset, episode_gates: set[str]) -> set[str]:
    if dataset.state != "rejected":
        return {dataset.state}
    axes = {**dataset.integrity, **dataset.task_evidence}
    return {code for code, severity in axes.items() if severity == "gate"} or episode_gates or {"other"}


def _codes_in(reason: str | None) -> set[str]:
    """The codes that an episode's reason consists of: `a.b, c.d`, or `duplicate.near_copy of X`."""
    if reason is None:
        return set()
    named = [part.partition(" of ")[0] for part in reason.split(", ")]
    return set(named) if all(CODE.fullmatch(part) for part in named) else set()


def _most_first(reasons: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(reasons).items(), key=lambda item: (-item[1], item[0])))
