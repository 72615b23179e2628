"""Judges a dataset as it came: findings, one verdict per episode, one for the dataset. Reads, never changes.

What is looked for is decided by the detectors; here is the order in which they are asked. `verdict` says what follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from curation.quality.camera_facts import CameraFacts
from curation.quality.facts import EpisodeSummary
from curation.quality.joint_ranges import joint_ranges
from curation.quality.measure import describe_dataset, read_episode
from curation.quality.merging import merged
from curation.quality.movement import summarise
from curation.quality.probe import probe_cameras
from curation.quality.registry import run
from curation.quality.verdict import EpisodeRow, Judgement, conclude, reject
from data_contracts.errors import DeftworksError, NotADataset, UnknownVersion
from data_contracts.findings import Finding

if TYPE_CHECKING:
    from data_contracts.lerobot import LeRobotDataset

INFO = "meta/info.json"
ABOUT_VIDEO_FILES = frozenset({
    "structure.missing_video", "structure.declared_camera_without_files", "structure.files_without_declared_camera",
})  # fmt: skip
"""What the reader says of files that a partial fetch leaves out on purpose."""
NUM_PROBES = 2
"""Cameras of an episode opened at a time; decoding uses threads of its own."""


class _JudgedEpisode(NamedTuple):
    findings: list[Finding]
    summary: EpisodeSummary | None
    cameras: tuple[CameraFacts, ...]


def judge(
    root: Path, dataset_id: str, *, source_findings: Sequence[Finding] = (), has_videos: bool = True
) -> Judgement:
    """Returns what is wrong with the dataset in `root`, and which of its episodes can be used.

    A broken episode or video is a finding and never stops the others. The same files give the same answer.

    Args:
        source_findings: what its source found before there were any files, joined to the rest.
        has_videos: False looks at metadata and rows alone and says nothing of pictures, for a dataset of which no videos
            were fetched yet.

    Raises:
        NotADataset, DatasetUnreadable, UnknownVersion: it cannot be opened at all; `judge_unreadable` makes that a verdict.
    """
    from data_contracts.lerobot import open_dataset
    from data_contracts.lerobot.survey_videos import survey_videos

    dataset = open_dataset(root)
    with ThreadPoolExecutor(NUM_PROBES) as pool:
        judged = [_judge_episode(dataset, index, pool if has_videos else None) for index in dataset.episode_indices]
    summaries = [episode.summary for episode in judged if episode.summary]
    cameras = [camera for episode in judged for camera in episode.cameras]
    facts = describe_dataset(dataset, dataset_id, summaries, cameras)
    found = [
        *source_findings,
        *dataset.findings,
        *(survey_videos(dataset) if has_videos else ()),
        *(f for episode in judged for f in episode.findings),
        *run("dataset", facts),
    ]
    findings = merged(finding.model_copy(update={"message": _relative(finding.message, dataset)}) for finding in found)
    if not has_videos:
        findings = [finding for finding in findings if finding.code not in ABOUT_VIDEO_FILES]
    rows = _rows(dataset, summaries)
    judgement = conclude(dataset_id, dataset.version, dataset.robot_type, rows, findings)
    return replace(judgement, joint_ranges=joint_ranges(dataset_id, dataset.robot_type, summaries))


def judge_refused(root: Path, dataset_id: str, source_findings: Sequence[Finding]) -> Judgement:
    """Returns the rejection of a dataset of which not everything was fetched, for the reasons that its source gives.

    Raises:
        NotADataset, DatasetUnreadable, UnknownVersion: what is here cannot be opened at all.
    """
    from data_contracts.lerobot import open_dataset

    dataset = open_dataset(root)
    rows = [EpisodeRow(record.index, 0, 0.0, next(iter(record.tasks), None)) for record in dataset.records]
    return conclude(dataset_id, dataset.version, dataset.robot_type, rows, merged(source_findings))


def judge_unreadable(dataset_id: str, error: DeftworksError) -> Judgement:
    """Returns the rejection of a candidate that `open_dataset` refused with `error`."""
    code, message = "structure.unreadable_metadata", error.message
    if isinstance(error, NotADataset):
        code, message = "structure.not_lerobot", f"There is no {INFO}: the folder holds no LeRobot dataset."
    elif isinstance(error, UnknownVersion):
        code = "structure.unknown_version"
    if INFO in message:  # without the folder before it: the same files give the same verdict wherever they lie
        message = message[message.index(INFO) :] if message.startswith(("/", "\\")) else message
    return reject(dataset_id, Finding(code=code, severity="gate", episodes=None, message=message))


def _judge_episode(dataset: LeRobotDataset, index: int, pool: Executor | None) -> _JudgedEpisode:
    facts, episode, findings = read_episode(dataset, index)
    cameras = probe_cameras(dataset, index, episode, pool) if pool else ()
    for camera in cameras:
        findings += run("camera", camera)
    if facts is not None:
        facts = replace(facts, cameras=cameras)
        findings += run("episode", facts)
    thin = tuple(camera.thinned(facts) for camera in cameras)
    return _JudgedEpisode(findings, summarise(facts) if facts else None, thin)


def _rows(dataset: LeRobotDataset, summaries: list[EpisodeSummary]) -> list[EpisodeRow]:
    """Returns one row per episode of the episode table, with no frames where its rows could not be read."""
    read = {summary.index: summary for summary in summaries}
    rows = []
    for record in dataset.records:
        summary = read.get(record.index)
        num_frames = summary.num_frames if summary else 0
        task = summary.task if summary else next(iter(record.tasks), "")
        rows.append(EpisodeRow(record.index, num_frames, num_frames / dataset.fps, task or None))
    return rows


def _relative(message: str, dataset: LeRobotDataset) -> str:
    """Paths in a finding are relative to the dataset, so that it gives the same findings wherever it lies."""
    return message.replace(f"{dataset.root}/", "").replace(str(dataset.root), "the dataset")
