"""A dataset folder of any of the three versions behind one view. `open_dataset` is the way in.

Opening reads the metadata and lists the files. Data files are looked into when their findings or rows are asked for, and
videos when frames are. Nothing here raises for bad data: see `ds.findings`.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from data_contracts.errors import ContractError, DatasetUnreadable, NotADataset
from data_contracts.findings import Finding
from data_contracts.lerobot.card import Card, read_card
from data_contracts.lerobot.checks import check_rows
from data_contracts.lerobot.episode import Episode, VideoSegment
from data_contracts.lerobot.episodes import EpisodeRecord, read_episodes
from data_contracts.lerobot.features import Feature
from data_contracts.lerobot.files import DatasetFiles, list_files
from data_contracts.lerobot.images import is_image_column
from data_contracts.lerobot.info import INFO, DatasetInfo, read_info
from data_contracts.lerobot.locations import locate
from data_contracts.lerobot.parquet_files import ShardReader, read_footer
from data_contracts.lerobot.rows import read_episode_rows, with_default_columns
from data_contracts.lerobot.source_statistics import SourceStatistics, read_source_statistics
from data_contracts.lerobot.structure import structure
from data_contracts.lerobot.survey import survey
from data_contracts.lerobot.tasks import read_tasks


def open_dataset(root: Path | str) -> LeRobotDataset:
    """Returns the dataset in the folder `root`.

    Raises:
        NotADataset: there is no meta/info.json.
        DatasetUnreadable: meta/info.json is empty, not JSON, or lacks what everything needs (features, fps).
        UnknownVersion: its `codebase_version` is not v2.0, v2.1 or v3.0.
    """
    root = Path(root)
    if not root.is_dir():
        raise NotADataset(f"{root} is not a folder.", hint=f"Name the folder in which {INFO} lies.")
    info = read_info(root)
    return LeRobotDataset(info, list_files(root))


class LeRobotDataset:
    """A dataset that was opened. Episodes are numbered as the source numbers them."""

    def __init__(self, info: DatasetInfo, files: DatasetFiles) -> None:
        self._info = info
        self.files = files
        self.tasks, task_findings = read_tasks(files.root, is_v3=info.is_v3)
        self.records, episode_findings = read_episodes(files, is_v3=info.is_v3)
        if not self.records and not info.is_v3:
            self.records = _episodes_of_files(files)
        self._record_of = {record.index: record for record in self.records}
        self.declared_camera_keys = tuple(key for key, feature in info.features.items() if feature.is_visual)
        self.locations = locate(info, files, self.records, self.declared_camera_keys)
        self._met = [*info.findings, *task_findings, *episode_findings, *self.locations.findings]
        self._shards = ShardReader()

    def __repr__(self) -> str:
        return f"LeRobotDataset({str(self.root)!r}, {self.version}, {len(self.records)} episodes)"

    @property
    def root(self) -> Path:
        return self.files.root

    @property
    def version(self) -> str:
        """The format: "v2.0", "v2.1" or "v3.0"."""
        return self._info.version

    @property
    def robot_type(self) -> str | None:
        return self._info.robot_type

    @property
    def fps(self) -> float:
        return self._info.fps

    @property
    def info(self) -> dict[str, Any]:
        """`meta/info.json` as it stands."""
        return self._info.raw

    @property
    def features(self) -> dict[str, Feature]:
        return self._info.features

    @property
    def episode_indices(self) -> tuple[int, ...]:
        return tuple(record.index for record in self.records)

    @cached_property
    def card(self) -> Card:
        """README.md: licence, tags, prose."""
        return read_card(self.files)

    @property
    def licence(self) -> str | None:
        """What the front matter of README.md declares, as written there."""
        return self.card.licence

    @cached_property
    def image_keys(self) -> frozenset[str]:
        """Cameras whose frames are images in the data files."""
        with_video = {key for key, _ in self.locations.videos}
        columns = self._image_columns()
        return frozenset(key for key in self.declared_camera_keys if key not in with_video and key in columns)

    @cached_property
    def camera_keys(self) -> tuple[str, ...]:
        """Cameras that have frames somewhere, in the order declared."""
        with_frames = {key for (key, _), name in self.locations.videos.items() if self.files.has_content(name)}
        return tuple(key for key in self.declared_camera_keys if key in with_frames or key in self.image_keys)

    @cached_property
    def statistics(self) -> SourceStatistics:
        """The statistics that the source publishes, as they are."""
        return read_source_statistics(self.files, self.version)

    @cached_property
    def findings(self) -> list[Finding]:
        """What is wrong with the dataset as far as metadata, file names and parquet footers tell."""
        return [*self._met, *self.statistics.findings, *survey(self._info, self)]

    def episode(self, index: int) -> Episode:
        """Returns an episode.

        Raises:
            ContractError: there is no episode of that number.
            DatasetUnreadable: its rows are missing or cannot be read.
        """
        record = self.record(index)
        return Episode(self, record, self.read_rows(record))

    def check_episode(self, index: int) -> list[Finding]:
        """Returns what is wrong with the rows of an episode. Reads its parquet (not the images), decodes no video.

        What `findings` says already (missing or unreadable files) is not said again.
        """
        record = self.record(index)
        if not self.files.has_content(self.locations.data.get(index)):
            return []
        try:
            rows = self._stored_rows(record)
        except DatasetUnreadable as error:
            return [structure("undecodable_parquet", "gate", error.message, episodes=[index])]
        return check_rows(rows, record, self.features, self.tasks)

    def record(self, index: int) -> EpisodeRecord:
        """Returns the row of the episode table. Raises ContractError where there is none."""
        if index not in self._record_of:
            known = f"It has {len(self.records)} episodes"
            known += f", {self.records[0].index} to {self.records[-1].index}." if self.records else "."
            raise ContractError(f"{self.root} has no episode {index}.", hint=known)
        return self._record_of[index]

    def read_rows(self, record: EpisodeRecord, *, has_images: bool = False) -> pa.Table:
        """Returns the rows of an episode, missing default columns made up. Raises DatasetUnreadable."""
        rows = self._stored_rows(record, has_images=has_images)
        task_of = {text: number for number, text in reversed(self.tasks.items())}
        task_index = task_of.get(record.tasks[0], 0) if record.tasks else 0
        return with_default_columns(rows, record, self.fps, task_index)

    def has_frames(self, camera_key: str, index: int) -> bool:
        """Returns True where the episode has a file with frames of the camera."""
        if camera_key in self.image_keys:
            return self.files.has_content(self.locations.data.get(index))
        return self.files.has_content(self.locations.videos.get((camera_key, index)))

    def video_segment(self, camera_key: str, index: int) -> VideoSegment | None:
        """Returns where the frames of an episode lie, or None where it has no video. Raises VideoUnreadable."""
        name = self.locations.videos.get((camera_key, index))
        if not self.files.has_content(name):
            return None
        from data_contracts.lerobot.video import video_index

        assert name is not None
        video = video_index(self.files.path(name))
        record = self.record(index)
        place = record.videos.get(camera_key)
        if not self._info.is_v3 or place is None:
            return VideoSegment(video.path, 0, video.num_frames)
        first = video.frame_at(place.from_s or 0.0, self.fps)
        if self._episodes_per_video[name] == 1:
            last = video.num_frames  # frames past the end belong to nobody else: they show as a video that is too long
        elif place.to_s is not None:
            last = video.frame_at(place.to_s, self.fps)
        else:
            last = first + (record.length or 0)
        return VideoSegment(video.path, first, max(min(last, video.num_frames) - first, 0))

    @cached_property
    def _episodes_per_video(self) -> Counter[str]:
        return Counter(self.locations.videos.values())

    @cached_property
    def _first_rows(self) -> dict[str, int]:
        """Global number of the first row of each data file."""
        first: dict[str, int] = {}
        for record in self.records:
            name = self.locations.data.get(record.index)
            if name and record.rows:
                first[name] = min(first.get(name, record.rows[0]), record.rows[0])
        return first

    def _stored_rows(self, record: EpisodeRecord, *, has_images: bool = False) -> pa.Table:
        name = self.locations.data.get(record.index)
        if name is None or not self.files.has_content(name):
            state = "no data file" if name is None else f"no content in its data file {name}"
            raise DatasetUnreadable(
                f"Episode {record.index} of {self.root} has {state}.", hint="Fetch the dataset again, or leave it out."
            )
        return read_episode_rows(
            self._shards,
            self.files.path(name),
            record,
            is_shard=self._info.is_v3,
            first_row=self._first_rows.get(name, 0),
            has_images=has_images,
        )

    def _image_columns(self) -> set[str]:
        for name in dict.fromkeys(self.locations.data.values()):
            if self.files.has_content(name):
                try:
                    schema, _ = read_footer(self.files.path(name))
                except DatasetUnreadable:
                    continue  # the survey reports it; another file may tell
                return {field.name for field in schema if is_image_column(field.type)}
        return set()


def _episodes_of_files(files: DatasetFiles) -> list[EpisodeRecord]:
    """Returns v2 episodes by the names of their data files, for datasets whose episode table is gone."""
    from data_contracts.lerobot.files import FileIndex

    return [EpisodeRecord(index) for index in FileIndex(files.tables).episodes()]
