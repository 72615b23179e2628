"""In which file each episode's rows and frames lie: by the path templates of `info.json`, else by a search of the names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from data_contracts.findings import Finding
from data_contracts.lerobot.episodes import EpisodeRecord
from data_contracts.lerobot.files import DatasetFiles, FileIndex, fill_template
from data_contracts.lerobot.info import DatasetInfo
from data_contracts.lerobot.structure import structure

TEMPLATES = {
    False: {
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
    },
    True: {
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    },
}
"""Where v2 (False) and v3 (True) put things when `info.json` does not say."""


@dataclass(frozen=True)
class Locations:
    """Listed file of an episode's rows, and of each (camera, episode)'s frames. What is missing has no entry."""

    data: dict[int, str] = field(default_factory=dict)
    videos: dict[tuple[str, int], str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def episodes_with_video(self, camera_key: str) -> set[int]:
        return {index for key, index in self.videos if key == camera_key}


def locate(
    info: DatasetInfo, files: DatasetFiles, records: Sequence[EpisodeRecord], camera_keys: Sequence[str]
) -> Locations:
    """Returns the files of every episode; a template that does not lead to them is reported once."""
    data_index, video_index = FileIndex(files.tables), FileIndex(files.videos)
    data: dict[int, str] = {}
    videos: dict[tuple[str, int], str] = {}
    searched: dict[str, list[tuple[int, str]]] = {"data_path": [], "video_path": []}
    for record in records:
        chunk, file = record.data or (None, None)
        name = _by_template(info, files, "data_path", record, chunk, file)
        if name is None:
            name = _by_search(data_index, record, chunk, file)
            searched["data_path"] += [(record.index, name)] if name else []
        if name:
            data[record.index] = name
        for key in camera_keys:
            place = record.videos.get(key)
            chunk, file = (place.chunk, place.file) if place else (None, None)
            name = _by_template(info, files, "video_path", record, chunk, file, key)
            if name is None:
                name = _by_search(video_index, record, chunk, file, key)
                searched["video_path"] += [(record.index, name)] if name else []
            if name:
                videos[key, record.index] = name
    return Locations(
        data, videos, [f for what, found in searched.items() for f in _template_finding(info, what, found)]
    )


def _by_template(
    info: DatasetInfo,
    files: DatasetFiles,
    what: str,
    record: EpisodeRecord,
    chunk: int | None,
    file: int | None,
    key: str = "",
) -> str | None:
    values: dict[str, int | str] = {
        "episode_index": record.index,
        "episode_chunk": record.index // info.chunks_size,
        "video_key": key,
    }
    if chunk is not None and file is not None:
        values |= {"chunk_index": chunk, "file_index": file}
    name = fill_template(info.template(what) or TEMPLATES[info.is_v3][what], values)
    return name if name is not None and name in files else None


def _by_search(
    index: FileIndex, record: EpisodeRecord, chunk: int | None, file: int | None, key: str = ""
) -> str | None:
    if chunk is not None and file is not None:
        found = index.of_shard(chunk, file, key)
        if found:
            return found
    return index.of_episode(record.index, key)


def _template_finding(info: DatasetInfo, what: str, found: list[tuple[int, str]]) -> list[Finding]:
    if not found:
        return []
    template = info.template(what)
    episode, name = found[0]
    message = (
        f"{what} of meta/info.json ({template!r}) does not lead to the files of {len({e for e, _ in found})} episodes; "
        f"they were found by name (episode {episode}: {name})."
    )
    return [structure("path_template", "warn", message, template=template, found=name, num_files=len(found))]
