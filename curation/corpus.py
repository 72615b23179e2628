"""The corpus: who is in, who is out, and why. One manifest, one hash.

What does not belong here: judging data (`curation.quality`) and choosing episodes for a skill (`curation.skill_index`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from curation.candidate import Candidate, read_candidate
from data_contracts.catalogue import CORPUS_EPISODES, DUPLICATES, SOURCE_LISTING
from data_contracts.errors import LakeError
from data_contracts.identifiers import episode_id
from data_contracts.layout import Lake
from data_contracts.manifests import CorpusDataset, CorpusEpisode, CorpusManifest

EpisodeKey = tuple[str, int]


@dataclass(frozen=True)
class Corpus:
    """`manifest` pins the corpus; `episodes` (table CORPUS_EPISODES) also shows what was left out, for people and queries."""

    manifest: CorpusManifest
    episodes: pl.DataFrame


def build_corpus(lake: Lake, listing: pl.DataFrame, failures: Mapping[str, str]) -> Corpus:
    """Returns the corpus of all listed datasets, each in one terminal state with a reason.

    accepted: at least one episode is kept. rejected: the verdict says so, or every episode left is a copy of one that is
    kept elsewhere. quarantined: its partition failed, or what the lake holds of it is missing, broken or out of date.

    Of each cluster of identical episodes one is kept: the credited original, or, while that one is not accepted, the copy
    with the smallest (dataset_id, episode_index). The manifest is a function of what the tables hold: the order of the
    listing, the place of the lake and the confidence of labels and roles do not change it.

    Args:
        listing: table SOURCE_LISTING.
        failures: dataset id to what went wrong with its partition.

    Raises:
        LakeError: the duplicates table does not know an accepted episode.
        ContractError: the listing or the duplicates table breaks its contract.
    """
    rows = SOURCE_LISTING.check(listing).sort("dataset_id").iter_rows(named=True)
    candidates = [read_candidate(lake, row, failures.get(row["dataset_id"])) for row in rows]
    clusters = _clusters(lake, candidates)
    originals = _originals(clusters)
    rows_of = {c.dataset_id: list(_episode_rows(c, clusters, originals)) for c in candidates}
    frame = CORPUS_EPISODES.frame(row for rows in rows_of.values() for row in rows)
    frame = CORPUS_EPISODES.check(frame).sort(CORPUS_EPISODES.key)
    manifest = CorpusManifest(
        datasets=tuple(_dataset(c, rows_of[c.dataset_id]) for c in candidates),
        episodes=tuple(_kept_episodes(frame)),
    )
    return Corpus(manifest, frame)


def _clusters(lake: Lake, candidates: Iterable[Candidate]) -> dict[EpisodeKey, dict[str, Any]]:
    """Returns the cluster row of every accepted episode."""
    accepted = {
        (candidate.dataset_id, episode.episode_index): episode.episode_hash
        for candidate in candidates
        if candidate.is_accepted and candidate.normalised
        for episode in candidate.normalised.episodes
    }
    if not accepted:
        return {}
    table = DUPLICATES.read(lake.duplicates / "duplicates.parquet")
    known = {(row["dataset_id"], row["episode_index"]): row for row in table.iter_rows(named=True)}
    for key, digest in accepted.items():
        if key not in known or known[key]["episode_hash"] != digest:
            raise LakeError(
                f"The duplicates table does not know {episode_id(*key)} as it is now.",
                hint="It is older than the normalised datasets: materialise fingerprints and duplicates again.",
            )
    return {key: known[key] for key in accepted}


def _originals(clusters: Mapping[EpisodeKey, Mapping[str, Any]]) -> dict[str, EpisodeKey]:
    """Returns the one episode of each cluster that is kept."""
    originals: dict[str, EpisodeKey] = {}
    for key in sorted(clusters, key=lambda key: (not clusters[key]["is_original"], key)):
        originals.setdefault(clusters[key]["cluster_id"], key)
    return originals


def _episode_rows(
    candidate: Candidate,
    clusters: Mapping[EpisodeKey, Mapping[str, Any]],
    originals: Mapping[str, EpisodeKey],
) -> Iterable[dict[str, Any]]:
    if candidate.episodes is None or candidate.findings is None:
        return
    manifest = candidate.normalised
    numbered = {episode.episode_index: episode for episode in manifest.episodes} if manifest else {}
    warnings = _warnings(candidate.findings, candidate.episodes["episode_index"].to_list())
    for row in candidate.episodes.iter_rows(named=True):
        number = row["episode_index"]
        key = (candidate.dataset_id, number)
        reason = _reason(candidate, row, clusters, originals)
        written = {
            "dataset_id": candidate.dataset_id,
            "episode_index": number,
            "is_kept": reason is None,
            "reason": reason,
            "contributor": candidate.contributor,
            "licence": manifest and manifest.licence,
            "robot_type": candidate.verdict and candidate.verdict.robot,
            "fps": _fps(candidate, row),
            "num_frames": row["num_frames"],
            "label": (candidate.labels or {}).get(number),
            "camera_top": candidate.slots.top,
            "camera_wrist": candidate.slots.wrist,
            "camera_side": candidate.slots.side,
            "warnings": sorted(warnings[number]),
            "is_simulated": bool(manifest and manifest.is_simulated),
        }
        if reason is None and manifest:
            written |= {
                "normalised_index": numbered[number].normalised_index,
                "num_frames": numbered[number].num_frames,
                "episode_hash": numbered[number].episode_hash,
                "cluster_id": clusters[key]["cluster_id"],
                "state_size": len(manifest.state_names),
                "action_size": len(manifest.action_names),
            }
        yield written


def _reason(
    candidate: Candidate,
    row: Mapping[str, Any],
    clusters: Mapping[EpisodeKey, Mapping[str, Any]],
    originals: Mapping[str, EpisodeKey],
) -> str | None:
    """Why an episode is not kept: its own findings first, then its dataset, then that it is a copy."""
    if not row["is_kept"]:
        return ", ".join(row["reasons"])
    if candidate.refusal is not None:
        return candidate.refusal
    key = (candidate.dataset_id, row["episode_index"])
    original = originals[clusters[key]["cluster_id"]]
    return None if original == key else f"duplicate.exact_copy of {episode_id(*original)}"


def _fps(candidate: Candidate, row: Mapping[str, Any]) -> float:
    if candidate.normalised and candidate.normalised.fps:
        return candidate.normalised.fps
    # A dataset that was not normalised states its frame rate only through the durations; 0 when there are no frames.
    return round(row["num_frames"] / row["duration_s"], 6) if row["duration_s"] else 0.0


def _warnings(findings: pl.DataFrame, episodes: list[int]) -> dict[int, set[str]]:
    """Returns the codes of the warnings that name each episode, by itself or with its whole dataset."""
    named: dict[int, set[str]] = {number: set() for number in episodes}
    for code, numbers in findings.filter(severity="warn").select("code", "episodes").rows():
        for number in episodes if numbers is None else numbers:
            named.setdefault(number, set()).add(code)
    return named


def _dataset(candidate: Candidate, rows: list[dict[str, Any]]) -> CorpusDataset:
    kept = [row for row in rows if row["is_kept"]]
    verdict, manifest = candidate.verdict, candidate.normalised
    state, reason = "accepted", None
    if candidate.failure is not None:
        state, reason = "quarantined", candidate.failure
    elif candidate.refusal is not None:
        state, reason = "rejected", candidate.refusal
    elif not kept:
        state, reason = "rejected", _nothing_is_left(rows)
    return CorpusDataset(
        dataset=candidate.dataset_id,
        state=state,
        reason=reason,
        revision=candidate.revision,
        contributor=candidate.contributor,
        licence=manifest.licence if manifest else None,
        num_episodes=verdict.num_episodes if verdict else 0,
        num_frames=verdict.num_frames if verdict else 0,
        num_episodes_kept=len(kept),
        num_frames_kept=sum(row["num_frames"] for row in kept),
    )


def _nothing_is_left(rows: list[dict[str, Any]]) -> str:
    copies = [row["reason"] for row in rows if row["reason"].startswith("duplicate.exact_copy")]
    if not copies:
        return "no episode is usable"
    return copies[0] if len(copies) == 1 else f"{copies[0]}; all {len(copies)} usable episodes are copies"


def _kept_episodes(frame: pl.DataFrame) -> Iterable[CorpusEpisode]:
    columns = ("dataset_id", "episode_index", "episode_hash", "cluster_id", "label")
    for dataset, number, digest, cluster, label in frame.filter("is_kept").select(columns).rows():
        yield CorpusEpisode(dataset=dataset, episode_index=number, episode_hash=digest, cluster_id=cluster, label=label)
