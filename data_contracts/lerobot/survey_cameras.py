"""Cameras of a whole dataset: declared and absent, present and undeclared, missing for some episodes."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from data_contracts.findings import Finding
from data_contracts.lerobot.structure import null_if_all, structure

FLOAT32_EXACT_S = 1024.0

if TYPE_CHECKING:
    from data_contracts.lerobot.reader import LeRobotDataset


def survey_cameras(dataset: LeRobotDataset) -> list[Finding]:
    """Returns findings about the cameras' files."""
    return [
        *_lfs_pointers(dataset),
        *_absent(dataset),
        *_missing(dataset),
        *_shared_frames(dataset),
        *_long_shards(dataset),
    ]


def _lfs_pointers(dataset: LeRobotDataset) -> Iterator[Finding]:
    files, every = dataset.files, dataset.episode_indices
    located = [(index, name) for index, name in dataset.locations.data.items()]
    located += [(index, name) for (_, index), name in dataset.locations.videos.items()]
    pointing = [(index, name) for index, name in located if files.is_lfs_pointer(name)]
    if pointing:
        names = sorted({name for _, name in pointing})
        message = f"{len(names)} files are Git LFS pointers without their content (first: {names[0]})."
        episodes = null_if_all((index for index, _ in pointing), every)
        yield structure("lfs_pointer", "gate", message, episodes=episodes, files=names[:20])


def _absent(dataset: LeRobotDataset) -> Iterator[Finding]:
    """A camera without a single file: dropped where others have frames, else the dataset has no video at all."""
    declared, live = dataset.declared_camera_keys, dataset.camera_keys
    pointing = {key for (key, _), name in dataset.locations.videos.items() if dataset.files.is_lfs_pointer(name)}
    absent = [key for key in declared if key not in live and key not in pointing]
    if absent and not live and not pointing:
        message = f"None of the {len(declared)} declared cameras has any frames: {', '.join(declared)}."
        yield structure("missing_video", "gate", message, cameras=list(declared))
        return
    for key in absent:
        near = difflib.get_close_matches(key, [*live, *folders_of_undeclared_videos(dataset)], n=1, cutoff=0.8)
        hint = f" Files of {near[0]!r} are there." if near else ""
        message = f"Camera {key!r} is declared and has no files; it is left out.{hint}"
        yield structure("declared_camera_without_files", "warn", message, camera=key, similar=near[0] if near else None)


def _missing(dataset: LeRobotDataset) -> Iterator[Finding]:
    every = dataset.episode_indices
    for key in dataset.camera_keys:
        if key in dataset.image_keys:
            continue
        missing, empty = [], 0
        for index in every:
            name = dataset.locations.videos.get((key, index))
            if name is None or not dataset.files.sizes[name]:
                missing.append(index)
                empty += name is not None
        if missing:
            zero = f" ({empty} files are empty)" if empty else ""
            message = f"Camera {key!r} has no video for {len(missing)} of {len(every)} episodes{zero}."
            yield structure("missing_video", "gate", message, episodes=missing, camera=key)


def _shared_frames(dataset: LeRobotDataset) -> Iterator[Finding]:
    """Two episodes whose ranges overlap in one video file show the same frames to different rows."""
    half_frame = 0.5 / dataset.fps
    for key in dataset.camera_keys:
        ranges: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
        for record in dataset.records:
            place, name = record.videos.get(key), dataset.locations.videos.get((key, record.index))
            if place and name and place.from_s is not None and place.to_s is not None:
                ranges[name].append((place.from_s, place.to_s, record.index))
        for name, spans in ranges.items():
            spans.sort()
            shared = {e for a, b in pairwise(spans) if b[0] < a[1] - half_frame for e in (a[2], b[2])}
            if shared:
                message = f"{len(shared)} episodes claim the same frames of {name}."
                yield structure("length_mismatch", "warn", message, episodes=shared, camera=key, file=name)


def _long_shards(dataset: LeRobotDataset) -> Iterator[Finding]:
    """LeRobot compares times inside a file in float32, whose steps reach its tolerance of 1e-4 s at 1024 s."""
    for key in dataset.camera_keys:
        late = [r.index for r in dataset.records if key in r.videos and (r.videos[key].to_s or 0.0) > FLOAT32_EXACT_S]
        if late:
            message = f"{len(late)} episodes of camera {key!r} lie beyond {FLOAT32_EXACT_S:g} s in a video file, where LeRobot's times are too coarse."
            yield structure("long_shard", "note", message, episodes=late, camera=key)


def folders_of_undeclared_videos(dataset: LeRobotDataset) -> dict[str, list[str]]:
    """Returns folder name -> video files below it, for folders that name no declared camera."""
    folders: dict[str, list[str]] = defaultdict(list)
    declared = set(dataset.declared_camera_keys)
    for name in dataset.files.videos:
        parts = [part for part in name.split("/")[:-1] if part != "videos" and not part.startswith("chunk")]
        if not declared & set(parts):
            folders[parts[-1] if parts else ""].append(name)
    return dict(folders)
