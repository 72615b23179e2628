"""The corpus: who is in, who is out, and why. One manifest, one hash.

What does not belong here: judging data (`curation.quality`), how one episode is described (`curation.corpus_episodes`), and
choosing episodes for a skill (`curation.skill_index`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from curation.candidate import Candidate, read_candidate, settled
from curation.corpus_copies import Copies, credit_order, resolve_copies
from curation.corpus_episodes import episode_rows
from curation.corpus_findings import NamedCodes, by_axis, corpus_wide, named_codes
from curation.duplicates import copy_findings
from curation.fleet import compare_with_fleet
from data_contracts.catalogue import CORPUS_EPISODES, DUPLICATES, FINDINGS, JOINT_RANGES, SOURCE_LISTING
from data_contracts.layout import Lake
from data_contracts.manifests import CorpusDataset, CorpusEpisode, CorpusManifest


@dataclass(frozen=True)
class Corpus:
    """`manifest` pins the corpus. `episodes` (table CORPUS_EPISODES) is what people and skills query. `findings` (table
    FINDINGS) holds what only the whole corpus shows; those of each dataset lie with it."""

    manifest: CorpusManifest
    episodes: pl.DataFrame
    findings: pl.DataFrame


def build_corpus(lake: Lake, listing: pl.DataFrame, failures: Mapping[str, str]) -> Corpus:
    """Returns the corpus of all listed datasets, each in one terminal state with a reason.

    accepted: at least one episode is kept. rejected: the verdict says so, or every episode left is a copy of one that is
    kept elsewhere. quarantined: its partition failed, or what the lake holds of it is missing, broken or out of date.
    unreachable, gone, gated: the crawl could not have it.

    Of an original and its copies one is kept (`curation.corpus_copies`); nothing else is dropped here. The manifest is a
    function of what the tables hold: the order of the listing, the place of the lake and the confidence of labels and roles
    do not change it.

    Args:
        listing: table SOURCE_LISTING.
        failures: dataset id to what went wrong with its partition.

    Raises:
        LakeError: the duplicates table does not know an accepted episode.
        ContractError: the listing or the duplicates table breaks its contract.
    """
    rows = SOURCE_LISTING.check(listing).sort("dataset_id").to_dicts()
    candidates = [read_candidate(lake, row, failures.get(row["dataset_id"])) for row in rows]
    refusals = {
        c.dataset_id: None if c.refusal is None else settled(c.refusal, lake, row)
        for c, row in zip(candidates, rows, strict=True)
    }
    duplicates = _duplicates(lake, candidates)
    copies = _copies(duplicates, listing, candidates)
    ranges = [candidate.joint_ranges for candidate in candidates if candidate.joint_ranges is not None]
    findings = corpus_wide(
        copy_findings(duplicates, {c.dataset_id: c.contributor for c in candidates}),
        compare_with_fleet(pl.concat([JOINT_RANGES.frame([]), *ranges])),
    )
    codes = {c.dataset_id: _codes(c, findings) for c in candidates}
    rows_of = {
        c.dataset_id: list(episode_rows(c, refusals[c.dataset_id], copies, codes[c.dataset_id])) for c in candidates
    }
    frame = CORPUS_EPISODES.frame(row for rows in rows_of.values() for row in rows)
    frame = CORPUS_EPISODES.check(frame).sort(CORPUS_EPISODES.key)
    manifest = CorpusManifest(
        datasets=tuple(
            _dataset(c, refusals[c.dataset_id], codes[c.dataset_id], rows_of[c.dataset_id]) for c in candidates
        ),
        episodes=tuple(_episodes(frame, codes)),
    )
    return Corpus(manifest, frame, findings)


def _duplicates(lake: Lake, candidates: Iterable[Candidate]) -> pl.DataFrame:
    """Returns table DUPLICATES; no rows before any dataset is accepted, when there may be none."""
    if not any(candidate.is_accepted for candidate in candidates):
        return DUPLICATES.frame([])
    return DUPLICATES.read(lake.duplicates / "duplicates.parquet")


def _copies(duplicates: pl.DataFrame, listing: pl.DataFrame, candidates: Iterable[Candidate]) -> Copies:
    accepted = {
        (candidate.dataset_id, episode.episode_index): (episode.episode_hash, episode.written_hash)
        for candidate in candidates
        if candidate.is_accepted
        for episode in candidate.normalised_episodes.values()
    }
    order = credit_order(listing, {candidate.dataset_id: candidate.published_at for candidate in candidates})
    return resolve_copies(duplicates, accepted, order)


def _codes(candidate: Candidate, corpus_findings: pl.DataFrame) -> NamedCodes:
    own = FINDINGS.frame([]) if candidate.findings is None else candidate.findings
    return named_codes(pl.concat([own, corpus_findings.filter(dataset_id=candidate.dataset_id)]))


def _dataset(candidate: Candidate, refusal: str | None, codes: NamedCodes, rows: list[dict[str, Any]]) -> CorpusDataset:
    kept = [row for row in rows if row["is_kept"]]
    verdict, manifest = candidate.verdict, candidate.normalised
    state, reason = candidate.state, refusal
    if state == "accepted" and not kept:
        state, reason = "rejected", _nothing_is_left(rows)
    return CorpusDataset(
        dataset=candidate.dataset_id,
        state=state,
        reason=reason,
        revision=candidate.revision,
        contributor=candidate.contributor,
        licence=manifest.licence if manifest else None,
        robot_type=verdict.robot if verdict else None,
        num_episodes=verdict.num_episodes if verdict else 0,
        num_frames=verdict.num_frames if verdict else 0,
        num_episodes_kept=len(kept),
        num_frames_kept=sum(row["num_frames"] for row in kept),
        **by_axis(codes.of_dataset),
    )


def _nothing_is_left(rows: list[dict[str, Any]]) -> str:
    copies = [row["reason"] for row in rows if row["copy_of"]]
    if not copies:
        return "no episode is usable"
    return copies[0] if len(copies) == 1 else f"{copies[0]}; all {len(copies)} usable episodes are copies"


def _episodes(frame: pl.DataFrame, codes: Mapping[str, NamedCodes]) -> Iterable[CorpusEpisode]:
    columns = (
        "dataset_id", "episode_index", "reason", "num_frames", "episode_hash", "written_hash", "cluster_id", "split", "label",
    )  # fmt: skip
    for row in frame.select(columns).iter_rows(named=True):
        dataset = row.pop("dataset_id")
        yield CorpusEpisode(dataset=dataset, **row, **by_axis(codes[dataset].of_episode.get(row["episode_index"], {})))
