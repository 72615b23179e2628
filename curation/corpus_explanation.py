"""Everything the lake knows of one dataset or one episode, gathered for a person who asks why.

What does not belong here: printing it (`deftworks.corpora`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from curation.corpus_query import read_view
from data_contracts.catalogue import CORPUS_EPISODES, DUPLICATES
from data_contracts.errors import DeftworksError, LakeError, did_you_mean
from data_contracts.findings import axis_of
from data_contracts.identifiers import episode_id, repo_id
from data_contracts.layout import Lake
from data_contracts.manifests import CorpusDataset, CorpusManifest, Manifest, NormalisedDataset, RawDataset

Facts = dict[str, Any]


def explain_dataset(lake: Lake, dataset_id: str) -> Facts:
    """Returns what is known of a dataset of the present corpus, as plain JSON.

    Keys: dataset, from (repository, source, revision, published_at, contributor, licence), verdict (state, reason, episodes
    and frames with those kept), findings (by axis, with message, number of episodes, evidence), cameras, normalised (changes,
    re-encoded videos, conversions with ranges, names), copies (episodes left out, by the dataset that is credited), skills (episodes used
    by each). A part that was never made is null.

    Raises:
        LakeError: the corpus has no such dataset.
    """
    dataset = _dataset(lake, dataset_id)
    episodes = CORPUS_EPISODES.read(lake.corpus / "episodes.parquet").filter(dataset_id=dataset_id)
    copies = episodes.filter(pl.col("copy_of").is_not_null())
    credited = copies.with_columns(credited=pl.col("copy_of").str.split("/").list.first())
    return {
        "dataset": dataset_id,
        "from": _origin(lake, dataset),
        "verdict": {
            name: getattr(dataset, name)
            for name in ("state", "reason", "num_episodes", "num_episodes_kept", "num_frames", "num_frames_kept")
        },
        "findings": _findings(lake, dataset_id, None),
        "cameras": _cameras(lake, dataset_id),
        "normalised": _normalised(lake, dataset_id),
        "copies": credited.group_by("credited", "copy_kind").len("episodes").sort("credited", "copy_kind").to_dicts(),
        "skills": _skills(lake, dataset_id, None),
    }


def explain_episode(lake: Lake, dataset_id: str, episode_index: int) -> Facts:
    """Returns what is known of an episode of the present corpus, as plain JSON.

    Keys: episode, from (as for a dataset), verdict (is_kept, reason, dataset_state), episode_facts (frames, fps, seconds,
    label with the original text, hashes, split), findings (those that name it or its whole dataset, by axis), copies
    (cluster, who is credited, the other members and where each is kept), cameras, normalised, skills.

    Raises:
        LakeError: the corpus has no such episode.
    """
    dataset = _dataset(lake, dataset_id)
    rows = CORPUS_EPISODES.read(lake.corpus / "episodes.parquet")
    found = rows.filter(dataset_id=dataset_id, episode_index=episode_index).to_dicts()
    if not found:
        numbers = rows.filter(dataset_id=dataset_id)["episode_index"]
        raise LakeError(
            f"The corpus has no episode {episode_id(dataset_id, episode_index)}.",
            hint=f"It has {len(numbers)} of that dataset"
            + (f", numbered {numbers.min()} to {numbers.max()}." if len(numbers) else f", which is {dataset.state}: {dataset.reason}"),
        )  # fmt: skip
    row = found[0]
    labels = read_view(lake, "labels", [dataset_id]).filter(episode_index=episode_index).to_dicts()
    return {
        "episode": episode_id(dataset_id, episode_index),
        "from": _origin(lake, dataset),
        "verdict": {"is_kept": row["is_kept"], "reason": row["reason"], "dataset_state": dataset.state},
        "facts": {
            "num_frames": row["num_frames"],
            "fps": row["fps"],
            "duration_s": round(row["num_frames"] / row["fps"], 3) if row["fps"] else None,
            "label": row["label"],
            "original_task": labels[0]["original"] if labels else None,
            "annotator": labels[0]["annotator"] if labels else None,
            **{name: row[name] for name in ("split", "episode_hash", "written_hash", "normalised_index")},
        },
        "findings": _findings(lake, dataset_id, episode_index),
        "copies": _copies(lake, rows, row),
        "cameras": _cameras(lake, dataset_id),
        "normalised": _normalised(lake, dataset_id),
        "skills": _skills(lake, dataset_id, episode_index),
    }


def _dataset(lake: Lake, dataset_id: str) -> CorpusDataset:
    datasets = {d.dataset: d for d in CorpusManifest.read(lake.corpus / "manifest.json").datasets}
    if dataset_id not in datasets:
        raise LakeError(f"The corpus has no dataset {dataset_id}.", hint=did_you_mean(dataset_id, list(datasets)[:20]))
    return datasets[dataset_id]


def _origin(lake: Lake, dataset: CorpusDataset) -> Facts:
    raw = _if_there(RawDataset, lake.raw(dataset.dataset) / "raw.json")
    revision = dataset.revision
    is_remote = revision is not None and revision.startswith("hub:")
    return {
        "repository": f"{repo_id(dataset.dataset)}@{revision.removeprefix('hub:')}" if is_remote else None,
        "source": raw.source if raw else None,
        "revision": revision,
        "published_at": raw.published_at if raw else None,
        "contributor": dataset.contributor,
        "licence": dataset.licence,
        "robot_type": dataset.robot_type,
    }


def _findings(lake: Lake, dataset_id: str, episode_index: int | None) -> dict[str, list[Facts]]:
    by_axis: dict[str, list[Facts]] = {"integrity": [], "task_evidence": []}
    findings = read_view(lake, "findings", [dataset_id]).filter(dataset_id=dataset_id)
    for row in findings.sort("severity", "code").iter_rows(named=True):
        if episode_index is None or row["episodes"] is None or episode_index in row["episodes"]:
            shown = {name: row[name] for name in ("code", "severity", "message")}
            shown["num_episodes"] = None if row["episodes"] is None else len(row["episodes"])
            shown["evidence"] = _evidence(json.loads(row["evidence_json"]), episode_index)
            by_axis[axis_of(row["code"])].append(shown)
    return by_axis


def _evidence(evidence: Any, episode_index: int | None) -> Any:
    """Of evidence that is given episode by episode, that of the one asked for."""
    by_episode = evidence.get("episodes") if isinstance(evidence, dict) else None
    return by_episode.get(str(episode_index), evidence) if isinstance(by_episode, dict) else evidence


def _copies(lake: Lake, rows: pl.DataFrame, row: Facts) -> Facts | None:
    if row["cluster_id"] is None:
        return None
    table = DUPLICATES.read(lake.duplicates / "duplicates.parquet").filter(cluster_id=row["cluster_id"])
    kept = set(rows.filter("is_kept").select("dataset_id", "episode_index").rows())
    return {
        "cluster_id": row["cluster_id"],
        "copy_of": row["copy_of"],
        "copy_kind": row["copy_kind"],
        "cluster": [
            {
                "episode": episode_id(member["dataset_id"], member["episode_index"]),
                "is_kept": (member["dataset_id"], member["episode_index"]) in kept,
                "is_original": member["is_original"],
                "copy_kind": member["copy_kind"],
                "evidence": member["evidence"],
            }
            for member in table.sort(
                "is_original", "dataset_id", "episode_index", descending=[True, False, False]
            ).to_dicts()
        ],
    }


def _cameras(lake: Lake, dataset_id: str) -> list[Facts]:
    roles = read_view(lake, "camera_roles", [dataset_id])
    return roles.select("camera_key", "role", "evidence").sort("camera_key").to_dicts()


def _normalised(lake: Lake, dataset_id: str) -> Facts | None:
    manifest = _if_there(NormalisedDataset, lake.normalised(dataset_id) / "meta" / "deftworks.json")
    if manifest is None:
        return None
    names = (
        "robot_type", "joint_unit", "joint_zero", "fps", "state_names", "action_names", "changes", "reencoded", "is_simulated",
    )  # fmt: skip
    conversions = [
        {
            "joint": f"{c.column} {c.joint}",
            "unit": f"{c.from_unit} -> {c.to_unit}",
            "before": list(c.before),
            "after": list(c.after),
            "unwrapped_episodes": len(c.frames),
        }
        for c in manifest.conversions
    ]
    return {name: getattr(manifest, name) for name in names} | {"conversions": conversions}


def _skills(lake: Lake, dataset_id: str, episode_index: int | None) -> dict[str, int]:
    index = read_view(lake, "skill_index", []).filter(dataset_id=dataset_id)
    if episode_index is not None:
        index = index.filter(episode_index=episode_index)
    return dict(index.group_by("skill_id").len().sort("skill_id").rows())


def _if_there(kind: type[Manifest], path: Path) -> Any:
    """Returns the document, or None where the stage that writes it never got that far; the verdict says why."""
    try:
        return kind.read(path)
    except DeftworksError:
        return None
