"""Any LeRobot dataset in, LeRobot v3.0 out: only kept episodes, one clock, one vocabulary. Video is linked or remuxed.

What does not belong here: judging (`curation.quality`), and making the folder appear whole (`data_contracts.stages`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from curation.carry_over import ACTION, STATE, CarryOver, KeptEpisodes, plan_carry_over, task_of
from curation.conversion_record import ConversionRecord
from curation.dataset_card import dataset_card
from data_contracts.catalogue import EPISODES
from data_contracts.errors import ContractError, DatasetUnreadable
from data_contracts.identifiers import episode_hash
from data_contracts.lerobot import open_dataset
from data_contracts.lerobot.episode import Frames, VideoSegment
from data_contracts.manifests import CameraFeature, DatasetVerdict, NormalisedDataset, NormalisedEpisode, RawDataset
from data_contracts.stages import remove_folder, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data_contracts.lerobot import DatasetWriter, Episode, LeRobotDataset

MANIFEST = Path("meta") / "deftworks.json"


def normalise(
    root: Path, episodes: pl.DataFrame, raw: RawDataset, out: Path, *, is_simulated: bool = False
) -> NormalisedDataset:
    """Writes the kept episodes of the dataset in `root` to the empty folder `out`, and returns what was written.

    Guarantees: state, action and frames of a kept episode are those of the source, save for the conversions and the frame
    rate that the manifest names; timestamps are frame_index / fps; episodes are numbered 0.. in the order of the source; each
    change is a sentence in the manifest, which is written last. A damaged episode costs itself: `lost` says why, and the
    others are written. The same input gives the same bytes of parquet and JSON.

    Args:
        episodes: table EPISODES of this dataset; rows with `is_kept` are carried over.
        raw: what the dataset is and who recorded it.
        is_simulated: whether a finding says that the data come from a simulator.

    Raises:
        DatasetUnreadable: no kept episode can be written, or there is less than one frame per second.
    """
    from data_contracts.lerobot import DatasetWriter
    from data_contracts.lerobot.video_shards import FramesLost

    dataset = open_dataset(root)
    numbers = EPISODES.check(episodes).filter("is_kept")["episode_index"].sort().to_list()
    lost: dict[int, str] = {}
    while True:
        kept = KeptEpisodes(dataset, [number for number in numbers if number not in lost])
        plan = plan_carry_over(kept)
        result = _Result(lost=lost | plan.lost, record=ConversionRecord(plan.joints))
        writer = DatasetWriter(out, fps=plan.rate.written, robot_type=dataset.robot_type, features=plan.features)
        try:
            with writer:
                _write_episodes(writer, kept, plan, result)
        except FramesLost as error:  # found when all rows were written: once more without it
            lost = result.lost | {result.written[error.episode_index].episode_index: error.message}
            for entry in out.iterdir():
                remove_folder(entry)
            continue
        break
    manifest = NormalisedDataset(
        dataset_id=raw.dataset_id,
        revision=raw.revision,
        source_version=dataset.version,
        licence=dataset.licence,
        contributor=raw.contributor,
        robot_type=dataset.robot_type,
        fps=float(plan.rate.written),
        is_simulated=is_simulated,
        state_names=plan.names_of(STATE),
        action_names=plan.names_of(ACTION),
        cameras=_cameras(out, plan),
        episodes=tuple(result.written),
        changes=(*_changes(dataset, episodes.height, result), *plan.changes, *result.changes),
        reencoded=tuple(
            _without_place(said, root) for said in (*result.resampled, *_reencoded(writer, result.written))
        ),
        lost={number: _without_place(reason, root) for number, reason in sorted(result.lost.items())},
        conversions=result.record.conversions,
        joint_unit=plan.joints.unit,
        joint_zero=plan.joints.zero,
    )
    write_text(out / "README.md", dataset_card(manifest))
    manifest.write(out / MANIFEST)
    return manifest


@dataclass
class _Result:
    """What came of writing: grows episode by episode."""

    lost: dict[int, str]
    record: ConversionRecord
    written: list[NormalisedEpisode] = field(default_factory=list)
    retold: list[int] = field(default_factory=list)
    longer: dict[str, list[int]] = field(default_factory=dict)
    resampled: list[str] = field(default_factory=list)

    @property
    def changes(self) -> list[str]:
        """Sentences that only the written episodes tell."""
        said = self.record.sentences
        for key, numbers in self.longer.items():
            said.append(f"camera {key}: frames after the last row of episodes {numbers} were left out")
        if self.retold:
            said.append(
                f"task text taken from the episode table in episodes {self.retold}: that of their rows says nothing"
            )
        return said


def _write_episodes(writer: DatasetWriter, kept: KeptEpisodes, plan: CarryOver, result: _Result) -> None:
    """Adds every episode that can be written; what fails is lost by itself. Raises DatasetUnreadable where all are."""
    for number in kept.numbers:
        if number in result.lost:
            continue
        try:
            _write_episode(writer, kept.dataset, kept.take(number), plan, result)
        except (DatasetUnreadable, ContractError) as error:
            result.lost[number] = error.message
    if not result.written:
        number, reason = min(result.lost.items())
        raise DatasetUnreadable(
            f"No kept episode of {kept.dataset.root} can be written; episode {number}: {reason}",
            hint="Fetch the dataset again, or record it again.",
        )


def _write_episode(
    writer: DatasetWriter, dataset: LeRobotDataset, episode: Episode, plan: CarryOver, result: _Result
) -> None:
    published = {key: _column(episode, key) for key in plan.columns}
    task = task_of(episode)
    converted, wraps = plan.joints.convert(published)
    picked = plan.rate.picked(episode.num_frames)
    columns = converted if picked is None else {key: values[picked] for key, values in converted.items()}
    segments = {key: episode.video_segment(key) for key in plan.videos}
    longer = [key for key, segment in segments.items() if segment and segment.num_frames > episode.num_frames]
    statistics: Mapping[str, Any] = dataset.statistics.episodes.get(episode.index, {}) if picked is None else {}
    index = writer.add_episode(
        columns=columns,
        task=task,
        videos={
            key: _cut(segment, episode.num_frames) if picked is None else _resampled(episode, key, picked)
            for key, segment in segments.items()
        },
        images={key: _images(episode, key, picked) for key in plan.images},
        image_statistics={key: statistics[key] for key in (*plan.videos, *plan.images) if key in statistics},
    )
    digest = episode_hash(episode.state_TS, episode.action_TA)
    is_as_published = picked is None and not any(
        columns[key] is not published[key] for key in (STATE, ACTION) if key in columns
    )
    result.written.append(
        NormalisedEpisode(
            episode_index=episode.index,
            normalised_index=index,
            num_frames=episode.num_frames if picked is None else len(picked),
            episode_hash=digest,
            written_hash=digest
            if is_as_published
            else _hash_of(columns, len(picked if picked is not None else episode.timestamps_s)),
        )
    )
    result.record.add(episode.index, published, converted, wraps)
    for key in longer:
        result.longer.setdefault(key, []).append(episode.index)
    if task != episode.task:
        result.retold.append(episode.index)
    if picked is not None:
        result.resampled += [
            f"{key} of episode {episode.index}: resampled from {plan.rate.source:g} to {plan.rate.written} frames per second"
            for key in plan.videos
        ]


def _hash_of(columns: Mapping[str, np.ndarray], num_frames: int) -> str:
    nothing = np.zeros((num_frames, 0), np.float32)
    return episode_hash(columns.get(STATE, nothing), columns.get(ACTION, nothing))


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


def _column(episode: Episode, key: str) -> np.ndarray:
    # State and action as the hash saw them; other columns in their own dtype.
    vectors = {STATE: lambda: episode.state_TS, ACTION: lambda: episode.action_TA}
    return vectors[key]() if key in vectors else episode.array(key)


def _cut(segment: VideoSegment | None, num_frames: int) -> VideoSegment | None:
    if segment is None or segment.num_frames <= num_frames:
        return segment
    return VideoSegment(segment.path, segment.first_frame, num_frames)


def _resampled(episode: Episode, key: str, picked: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the picked frames. Raises ContractError where the video ends before the rows do, as the writer does of others."""
    frames = episode.frames(key)
    if len(frames) < episode.num_frames:
        raise ContractError(f"Camera {key!r} has {len(frames)} frames for an episode of {episode.num_frames} rows.")
    for start in range(0, len(picked), 32):
        yield from frames.decode(picked[start : start + 32].tolist())


def _images(episode: Episode, key: str, picked: np.ndarray | None) -> list[bytes]:
    frames: Any = episode.frames(key)
    return [frames.encoded(number) for number in (range(episode.num_frames) if picked is None else picked.tolist())]


def _changes(dataset: LeRobotDataset, num_episodes: int, result: _Result) -> list[str]:
    changes = [] if dataset.version == "v3.0" else [f"rewritten from {dataset.version} to v3.0"]
    num_rejected = num_episodes - len(result.written) - len(result.lost)
    if num_rejected:
        changes.append(f"{num_rejected} of {num_episodes} episodes left out, for the reasons in their findings")
    if result.lost:
        changes.append(f"episodes {sorted(result.lost)} could not be written: they are damaged")
    if any(entry.episode_index != entry.normalised_index for entry in result.written):
        changes.append("episodes renumbered from 0 without gaps")
    return changes


def _cameras(out: Path, plan: CarryOver) -> tuple[CameraFeature, ...]:
    """Returns the cameras as the first written episode shows them."""
    from data_contracts.lerobot.video import VideoFrames, video_index
    from data_contracts.lerobot.video_shards import VIDEO_PATH

    def frames_of(key: str) -> Frames:
        if key in plan.images:
            return open_dataset(out).episode(0).frames(key)
        return VideoFrames(video_index(out / VIDEO_PATH.format(video_key=key, chunk_index=0, file_index=0)))

    cameras = ((key, frames_of(key)) for key in plan.features if key in (*plan.videos, *plan.images))
    return tuple(
        CameraFeature(key=key, height_px=frames.height, width_px=frames.width, codec=frames.codec)
        for key, frames in cameras
    )


def _reencoded(writer: DatasetWriter, written: list[NormalisedEpisode]) -> list[str]:
    """Says per video why it was encoded again, naming the episode as the source does."""
    return [
        f"{entry.camera_key} of episode {written[entry.episode_index].episode_index}: {entry.reason}"
        for entry in writer.reencoded
    ]


def _without_place(said: str, root: Path) -> str:
    return said.replace(f"{root}/", "").replace(str(root), "the dataset")
