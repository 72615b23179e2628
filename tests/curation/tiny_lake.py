"""A small lake written through the contracts, without any video: what the corpus and the skill index are built from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from curation.corpus import build_corpus
from curation.duplicates import find_duplicates
from data_contracts.catalogue import (
    CAMERA_ROLE_TABLE,
    CORPUS_EPISODES,
    DUPLICATES,
    EPISODES,
    FINDINGS,
    FINGERPRINTS,
    JOINT_RANGES,
    SOURCE_LISTING,
    TASK_LABELS,
)  # fmt: skip
from data_contracts.identifiers import repo_id, split_dataset_id
from data_contracts.layout import Lake
from data_contracts.manifests import CrawlRecord, DatasetVerdict, NormalisedDataset, NormalisedEpisode, RawDataset

CAMERA_NAMES = {"top": "overhead", "wrist": "gripper_cam"}


class TinyLake:
    """Adds datasets to a lake as the stages before the corpus would have left them."""

    def __init__(self, home: Path) -> None:
        self.lake = Lake(home)
        self._listed: list[dict[str, Any]] = []
        self._fingerprints: list[dict[str, Any]] = []

    def add(
        self,
        dataset: str,
        contents: list[str],
        *,
        rejected: dict[int, str] | None = None,
        reason: str | None = None,
        warned: dict[str, list[int] | None] | None = None,
        label: str | None = "Push the button",
        confidence: float = 0.9,
        robot: str = "so100",
        licence: str | None = "mit",
        is_simulated: bool = False,
        source: str = "folder:x",
        published_at: str | None = None,
        joints: dict[str, tuple[float, float]] | None = None,
    ) -> None:
        """`contents` names what each episode holds: equal names are equal episodes. `reason` rejects the whole dataset; `joints` are ranges."""
        rejected = rejected or {}
        org, _ = split_dataset_id(dataset)
        numbers = list(range(len(contents)))
        kept = [] if reason else [number for number in numbers if number not in rejected]
        hashes = {number: "sha256:" + contents[number].encode().hex().ljust(64, "0") for number in numbers}
        path = str(self.lake.home / "somewhere" / dataset)
        self._listed.append({"dataset_id": dataset, "source": source, "path": path, "stamp": "s", "contributor": org})
        RawDataset(
            dataset_id=dataset, source=source, path=path, revision=f"rev-{dataset}", contributor=org,
            size_bytes=1, num_files=1, published_at=published_at,
        ).write(self.lake.raw(dataset) / "raw.json")  # fmt: skip
        folder = self.lake.findings(dataset)
        DatasetVerdict(
            dataset=dataset, version="v2.1", robot=robot, num_episodes=len(numbers), num_frames=30 * len(numbers),
            accepted=reason is None, reason=reason, findings=(),
        ).write(folder / "verdict.json")  # fmt: skip
        findings = [
            {
                "dataset_id": dataset,
                "code": code,
                "severity": "note" if code.endswith("dead_dimension") else "warn",
                "episodes": named,
                "message": "m",
                "evidence_json": "{}",
            }
            for code, named in (warned or {}).items()
        ]
        FINDINGS.write(FINDINGS.frame(findings), folder / "findings.parquet")
        ranges = [
            {
                "dataset_id": dataset, "column": "observation.state", "dimension": place, "name": name,
                "robot_type": robot, "num_episodes": len(numbers), "low": low, "high": high, "centre": (low + high) / 2,
            }
            for place, (name, (low, high)) in enumerate((joints or {"a": (-1.0, 1.0), "b": (0.0, 2.0)}).items())
        ]  # fmt: skip
        JOINT_RANGES.write(JOINT_RANGES.frame(ranges), folder / "joint_ranges.parquet")
        episodes = [
            {
                "dataset_id": dataset, "episode_index": number, "num_frames": 30, "duration_s": 1.0, "task": "t",
                "is_kept": number not in rejected, "reasons": [rejected[number]] if number in rejected else [],
            }
            for number in numbers
        ]  # fmt: skip
        EPISODES.write(EPISODES.frame(episodes), folder / "episodes.parquet")
        NormalisedDataset(
            dataset_id=dataset, revision=f"rev-{dataset}", source_version="v2.1", licence=licence, contributor=org,
            robot_type=robot, fps=30.0 if kept else None, is_simulated=is_simulated, state_names=("a", "b"),
            action_names=("a", "b", "c"), cameras=(), changes=(), reencoded=(),
            episodes=tuple(
                NormalisedEpisode(episode_index=n, normalised_index=k, num_frames=30, episode_hash=hashes[n], written_hash=hashes[n])
                for k, n in enumerate(kept)
            ),
        ).write(self.lake.normalised(dataset) / "meta" / "deftworks.json")  # fmt: skip
        self._fingerprints += [
            {
                "dataset_id": dataset, "episode_index": n, "normalised_index": k, "num_frames": 30,
                "episode_hash": hashes[n],
            }
            for k, n in enumerate(kept)
        ]  # fmt: skip
        labels = [
            {
                "dataset_id": dataset, "episode_index": n, "original": "t", "label": label, "annotator": "rules@1",
                "confidence": confidence,
            }
            for n in kept
        ]  # fmt: skip
        TASK_LABELS.write(TASK_LABELS.frame(labels), self.lake.task_labels(dataset) / "task_labels.parquet")
        roles = [
            {
                "dataset_id": dataset, "camera_key": f"observation.images.{name}", "role": role, "confidence": confidence,
                "height_px": 8, "width_px": 8, "evidence": "e",
            }
            for role, name in CAMERA_NAMES.items()
        ]  # fmt: skip
        CAMERA_ROLE_TABLE.write(
            CAMERA_ROLE_TABLE.frame(roles), self.lake.camera_roles(dataset) / "camera_roles.parquet"
        )
        self.write_duplicates()

    def write_duplicates(self, order: tuple[str, ...] = ()) -> None:
        clusters = find_duplicates(FINGERPRINTS.frame(self._fingerprints), order=order)
        DUPLICATES.write(clusters, self.lake.duplicates / "duplicates.parquet")

    def write_near_copy(self, copy: tuple[str, int], original: tuple[str, int], split: str = "train") -> None:
        """Rewrites the row of one episode as a near copy of another, as the detector of near copies would."""
        path = self.lake.duplicates / "duplicates.parquet"
        rows = {(row["dataset_id"], row["episode_index"]): row for row in DUPLICATES.read(path).to_dicts()}
        shared = {"cluster_id": rows[original]["cluster_id"], "cluster_size": 2, "split": split}
        rows[original] |= shared
        rows[copy] |= shared | {
            "is_original": False, "original_dataset_id": original[0], "original_episode_index": original[1],
            "copy_kind": "near", "evidence": "0.97 of the joint path",
        }  # fmt: skip
        DUPLICATES.write(DUPLICATES.frame(rows.values()), path)

    def crawled(self, dataset: str, state: str, **more: Any) -> None:
        """Lists a dataset of the Hub and leaves the record of its crawl, without the dataset itself."""
        if dataset not in {row["dataset_id"] for row in self._listed}:
            org, _ = split_dataset_id(dataset)
            self._listed.append(
                {"dataset_id": dataset, "source": "hub:tag", "path": "", "stamp": "s", "contributor": org}
            )
        record = {"dataset_id": dataset, "repo_id": repo_id(dataset), "source": "hub:tag", "state": state}
        CrawlRecord(**{"sha": None, **record, **more}).write(self.lake.crawl_record(dataset))

    def write_corpus(self) -> None:
        """Writes the listing and the corpus of what was added, as their stages would."""
        SOURCE_LISTING.write(self.listing, self.lake.source_listing / "source_listing.parquet")
        built = build_corpus(self.lake, self.listing, {})
        built.manifest.write(self.lake.corpus / "manifest.json")
        CORPUS_EPISODES.write(built.episodes, self.lake.corpus / "episodes.parquet")
        FINDINGS.write(built.findings, self.lake.corpus / "findings.parquet")

    @property
    def listing(self) -> pl.DataFrame:
        return SOURCE_LISTING.frame(self._listed)
