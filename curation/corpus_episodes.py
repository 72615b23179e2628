"""One row of the corpus per episode: everything known of it, and why it is not kept.

What does not belong here: which of several copies is kept (`curation.corpus_copies`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from curation.candidate import Candidate
from curation.corpus_copies import Copies
from curation.corpus_findings import NamedCodes
from data_contracts.identifiers import episode_id


def episode_rows(
    candidate: Candidate, refusal: str | None, copies: Copies, codes: NamedCodes
) -> Iterator[dict[str, Any]]:
    """Yields a row of CORPUS_EPISODES for every episode of a readable dataset, kept or not.

    Args:
        refusal: why no episode of the dataset may be kept, None when it is accepted.
        codes: what was found, within the dataset and over the corpus.
    """
    if candidate.episodes is None:
        return
    for row in candidate.episodes.iter_rows(named=True):
        number = row["episode_index"]
        key = (candidate.dataset_id, number)
        known = _of_dataset(candidate) | {
            "episode_index": number,
            "fps": _fps(candidate, row),
            "num_frames": row["num_frames"],
            "label": (candidate.labels or {}).get(number),
            "warnings": codes.touching(number, "warn"),
            "notes": codes.touching(number, "note"),
            **_normalised(candidate, number),
            **_cluster(copies, key),
        }
        reason = _reason(candidate, row, refusal, known["copy_of"], known["copy_kind"])
        yield known | {"is_kept": reason is None, "reason": reason}


def _of_dataset(candidate: Candidate) -> dict[str, Any]:
    manifest = candidate.normalised
    return {
        "dataset_id": candidate.dataset_id,
        "contributor": candidate.contributor,
        "licence": manifest.licence if manifest else None,
        "robot_type": candidate.verdict.robot if candidate.verdict else None,
        "camera_top": candidate.slots.top,
        "camera_wrist": candidate.slots.wrist,
        "camera_side": candidate.slots.side,
        "is_simulated": bool(manifest and manifest.is_simulated),
        "joint_unit": manifest.joint_unit if manifest else None,
    }


def _normalised(candidate: Candidate, number: int) -> dict[str, Any]:
    """What normalising says of an episode; nothing for one that was not normalised, or of a dataset that is not accepted."""
    written = candidate.normalised_episodes.get(number)
    if written is None or candidate.normalised is None or not candidate.is_accepted:
        return {}
    return {
        "normalised_index": written.normalised_index,
        "num_frames": written.num_frames,
        "episode_hash": written.episode_hash,
        "written_hash": written.written_hash,
        "state_size": len(candidate.normalised.state_names),
        "action_size": len(candidate.normalised.action_names),
    }


def _cluster(copies: Copies, key: tuple[str, int]) -> dict[str, Any]:
    row = copies.cluster_of.get(key)
    if row is None:
        return {"copy_of": None, "copy_kind": None}
    kind = copies.kind(key)
    return {
        "cluster_id": row["cluster_id"],
        "cluster_size": row["cluster_size"],
        "split": row["split"],
        "copy_of": None if kind is None else episode_id(*copies.kept_for[key]),
        "copy_kind": kind,
    }


def _reason(
    candidate: Candidate, row: Mapping[str, Any], refusal: str | None, copy_of: str | None, copy_kind: str | None
) -> str | None:
    """Why an episode is not kept: its own findings first, then its dataset, then that normalising lost it, then that it is a copy."""
    if not row["is_kept"]:
        return ", ".join(sorted(row["reasons"]))
    if refusal is not None:
        return refusal
    if row["episode_index"] in candidate.lost:
        return candidate.lost[row["episode_index"]]
    return None if copy_of is None else f"duplicate.{copy_kind}_copy of {copy_of}"


def _fps(candidate: Candidate, row: Mapping[str, Any]) -> float:
    if candidate.normalised and candidate.normalised.fps:
        return candidate.normalised.fps
    # A dataset that was not normalised states its frame rate only through the durations; 0 when there are no frames.
    return round(row["num_frames"] / row["duration_s"], 6) if row["duration_s"] else 0.0
