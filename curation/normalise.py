"""Any LeRobot dataset in, LeRobot v3.0 out: only kept episodes, one clock, flat names. Video is linked or remuxed.

What does not belong here: judging (`curation.quality`), and making the folder appear whole (`data_contracts.stages`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from curation.carry_over import ACTION, STATE, CarryOver, plan_carry_over, task_of, whole_fps
from curation.dataset_card import dataset_card
from data_contracts.catalogue import EPISODES
from data_contracts.identifiers import episode_hash
from data_contracts.lerobot import open_dataset
from data_contracts.lerobot.episode import VideoSegment
from data_contracts.manifests import CameraFeature, DatasetVerdict, NormalisedDataset, NormalisedEpisode, RawDataset
from data_contracts.stages import write_text

if TYPE_CHECKING:
    from data_contracts.lerobot import Episode, LeRobotDataset

MANIFEST = Path("meta") / "deftworks.json"


def normalise(
    root: Path, episodes: pl.DataFrame, raw: RawDataset, out: Path, *, is_simulated: bool = False
) -> NormalisedDataset:
    """Writes the kept episodes of the dataset in `root` to the empty folder `out`, and returns what was written.

    Guarantees: state, action and frames of a kept episode are those of the source; timestamps are frame_index / fps;
    episodes are numbered 0.. in the order of the source; each change is a sentence in the manifest, which is written last.
    The same input gives the same bytes of parquet and JSON.

    Args:
        episodes: table EPISODES of this dataset; rows with `is_kept` are carried over.
        raw: what the dataset is and who recorded it.
        is_simulated: whether a finding says that the data come from a simulator.

    Raises:
        DatasetUnreadable: a kept episode cannot be read, or the frame rate is not a whole number.
        VideoUnreadable: frames of a kept episode cannot be opened.
        ContractError: a video and the rows of a kept episode do not fit together.
    """
    from data_contracts.lerobot import DatasetWriter

    dataset = open_dataset(root)
    fps = whole_fps(dataset)
    kept = EPISODES.check(episodes).filter("is_kept")["episode_index"].sort().to_list()
    plan = plan_carry_over(dataset, kept)
    written: list[NormalisedEpisode] = []
    retold: list[int] = []
    with DatasetWriter(out, fps=fps, robot_type=dataset.robot_type, features=plan.features) as writer:
        for number in kept:
            episode = dataset.episode(number)
            index = _add_episode(writer, dataset, episode, plan)
            digest = episode_hash(episode.state_TS, episode.action_TA)
            written.append(
                NormalisedEpisode(
                    episode_index=number,
                    normalised_index=index,
                    num_frames=episode.num_frames,
                    episode_hash=digest,
                    written_hash=digest,
                )
            )
            if task_of(episode) != episode.task:
                retold.append(number)
    changes = [*_changes(dataset, episodes.height, kept, fps), *plan.changes]
    if retold:
        changes.append(f"task text taken from the episode table in episodes {retold}: that of their rows says nothing")
    manifest = NormalisedDataset(
        dataset_id=raw.dataset_id,
        revision=raw.revision,
        source_version=dataset.version,
        licence=dataset.licence,
        contributor=raw.contributor,
        robot_type=dataset.robot_type,
        fps=float(fps),
        is_simulated=is_simulated,
        state_names=plan.names_of(STATE),
        action_names=plan.names_of(ACTION),
        cameras=_cameras(out, plan),
        episodes=tuple(written),
        changes=tuple(changes),
        reencoded=tuple(_reencoded(writer.reencoded, written, root)),
    )
    write_text(out / "README.md", dataset_card(manifest))
    manifest.write(out / MANIFEST)
    return manifest


def nothing_to_normalise(raw: RawDataset, verdict: DatasetVerdict, out: Path) -> NormalisedDataset:
    """Writes the manifest of a rejected dataset, which has no episodes, and returns it."""
    licence, fps = None, None
    if verdict.version is not None:  # it could be opened when it was judged
        dataset = open_dataset(Path(raw.path))
        licence, fps = dataset.licence, dataset.fps
    manifest = NormalisedDataset(
        dataset_id=raw.dataset_id,
        revision=raw.revision,
        source_version=verdict.version,
        licence=licence,
        contributor=raw.contributor,
        robot_type=verdict.robot,
        fps=fps,
        is_simulated=any(finding.code == "provenance.simulation" for finding in verdict.findings),
        state_names=(),
        action_names=(),
        cameras=(),
        episodes=(),
        changes=(f"nothing was carried over: {verdict.reason}",),
        reencoded=(),
    )
    manifest.write(out / MANIFEST)
    return manifest


def _add_episode(writer: Any, dataset: LeRobotDataset, episode: Episode, plan: CarryOver) -> int:
    published: Mapping[str, Any] = dataset.statistics.episodes.get(episode.index, {})
    return writer.add_episode(
        columns={key: _column(episode, key) for key in plan.columns},
        task=task_of(episode),
        videos={key: _segment(episode, key) for key in plan.videos},
        images={key: _images(episode, key) for key in plan.images},
        image_statistics={key: published[key] for key in (*plan.videos, *plan.images) if key in published},
    )


def _column(episode: Episode, key: str) -> np.ndarray:
    # State and action as the hash saw them; other columns in their own dtype.
    vectors = {STATE: lambda: episode.state_TS, ACTION: lambda: episode.action_TA}
    return vectors[key]() if key in vectors else episode.array(key)


def _segment(episode: Episode, key: str) -> VideoSegment | None:
    segment = episode.video_segment(key)
    if segment is None or segment.num_frames <= episode.num_frames:
        return segment
    return VideoSegment(segment.path, segment.first_frame, episode.num_frames)


def _images(episode: Episode, key: str) -> list[bytes]:
    frames: Any = episode.frames(key)
    return [frames.encoded(number) for number in range(episode.num_frames)]


def _changes(dataset: LeRobotDataset, num_episodes: int, kept: list[int], fps: int) -> list[str]:
    changes = [] if dataset.version == "v3.0" else [f"rewritten from {dataset.version} to v3.0"]
    if len(kept) < num_episodes:
        changes.append(
            f"{num_episodes - len(kept)} of {num_episodes} episodes left out, for the reasons in their findings"
        )
    if kept != list(range(len(kept))):
        changes.append("episodes renumbered from 0 without gaps")
    if dataset.fps != fps:
        changes.append(f"fps rounded from {dataset.fps} to {fps}")
    return changes


def _cameras(out: Path, plan: CarryOver) -> tuple[CameraFeature, ...]:
    first = open_dataset(out).episode(0)
    return tuple(
        CameraFeature(key=key, height_px=frames.height, width_px=frames.width, codec=frames.codec)
        for key, frames in ((key, first.frames(key)) for key in plan.features if key in (*plan.videos, *plan.images))
    )


def _reencoded(entries: list[Any], written: list[NormalisedEpisode], root: Path) -> list[str]:
    """Says per video why it was encoded again, naming the episode as the source does and no place on this machine."""
    return [
        f"{entry.camera_key} of episode {written[entry.episode_index].episode_index}: {entry.reason}".replace(
            f"{root}/", ""
        )
        for entry in entries
    ]
