"""Fills the facts from a dataset: reads each episode's rows. What its cameras show is measured in `probe`.

What is broken becomes part of the facts or a finding here; nothing that a dataset holds raises.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from curation.quality.camera_facts import CameraFacts
from curation.quality.facts import ACTION, STATE, DatasetFacts, EpisodeFacts, EpisodeSummary
from data_contracts.errors import DatasetUnreadable
from data_contracts.findings import Finding, gated_episodes
from data_contracts.lerobot.checks import check_rows
from data_contracts.lerobot.info import KNOWN_KEYS

REMARK_CHARACTERS = 200
ABOUT_ROWS = frozenset({
    "structure.missing_data", "structure.undecodable_parquet", "structure.missing_column", "structure.shape_mismatch",
})  # fmt: skip
"""What says why the rows of an episode cannot be used. Other gates may be dropped later: videos that are fetched last."""

if TYPE_CHECKING:
    from data_contracts.lerobot import Episode, LeRobotDataset


def read_episode(dataset: LeRobotDataset, index: int) -> tuple[EpisodeFacts | None, Episode | None, list[Finding]]:
    """Returns an episode's facts without cameras, the opened episode, and what the reader found in its rows.

    Both are None where the rows cannot be used; a finding about rows that gates the episode says why, unless one of
    `dataset.findings` does.
    """
    findings: list[Finding] = []
    try:
        episode = dataset.episode(index)
        findings = check_rows(episode.columns, dataset.record(index), dataset.features, dataset.tasks)
        facts = EpisodeFacts(
            index=index,
            fps=dataset.fps,
            timestamps_s=episode.timestamps_s,
            state_TS=episode.state_TS,
            action_TA=episode.action_TA,
            state_names=_names(dataset, STATE),
            action_names=_names(dataset, ACTION),
            task=episode.task,
        )
    except DatasetUnreadable as error:
        return None, None, _with_gate(dataset, index, findings, error.message)
    except (ValueError, TypeError) as error:  # a column holds another type than its name promises
        return None, None, _with_gate(dataset, index, findings, f"The rows cannot be used: {error}.")
    return (facts if facts.num_frames else None), episode, findings


def describe_dataset(
    dataset: LeRobotDataset, dataset_id: str, episodes: Iterable[EpisodeSummary], videos: Iterable[CameraFacts]
) -> DatasetFacts:
    """Returns the dataset as the detectors see it."""
    return DatasetFacts(
        dataset_id=dataset_id,
        robot_type=dataset.robot_type,
        licence=dataset.licence,
        tags=dataset.card.tags,
        card=dataset.card.prose,
        remarks={key: _brief(value) for key, value in dataset.info.items() if key not in KNOWN_KEYS},
        tasks=dataset.tasks,
        num_episodes=len(dataset.episode_indices),
        columns=frozenset(dataset.features) - set(dataset.declared_camera_keys),
        declared_cameras=dataset.declared_camera_keys,
        episodes=tuple(episodes),
        videos=tuple(videos),
    )


def _brief(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)[:REMARK_CHARACTERS].strip('"')


def _names(dataset: LeRobotDataset, key: str) -> tuple[str, ...]:
    feature = dataset.features.get(key)
    return (feature.names if feature else None) or ()


def _with_gate(dataset: LeRobotDataset, index: int, findings: list[Finding], message: str) -> list[Finding]:
    """Returns findings that gate the episode for its rows: those there are, with one more where none of them does."""
    name = dataset.locations.data.get(index)
    about_rows = [finding for finding in (*dataset.findings, *findings) if finding.code in ABOUT_ROWS]
    if gated_episodes(about_rows, [index]) or (name is not None and dataset.files.is_lfs_pointer(name)):
        return findings
    unreadable = Finding(code="structure.undecodable_parquet", severity="gate", episodes=(index,), message=message)
    return [*findings, unreadable]
