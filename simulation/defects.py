"""Planting defects that community datasets are known to have, so that what finds them can be checked against the truth.

Two kinds: those of a recording change an episode before it is written, those of a publication damage the files of a v2
dataset afterwards. Which dataset has which is data: `community.toml`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_contracts.errors import SimulationError
from data_contracts.stages import write_json
from simulation.legacy_formats import DATA_PATH, VIDEO_PATH, LegacyEpisode

if TYPE_CHECKING:
    from simulation.community_table import CommunityDataset, Defect

AS_DECLARED = "as_declared"
"""Nothing to plant: what the row declares (a licence, a text, copied seeds) is the defect."""
STUB_FRAMES = 3
TRUNCATED_BYTES = 512
PLACEHOLDER = "task"
JUMP_FRAMES, JUMP_SHARE = 5, 0.8
"""Long as such jumps last in recordings of the wild, and far enough that no motion explains them: a share of the joint's range."""


def _static(episode: LegacyEpisode, defect: Defect, fps: float) -> LegacyEpisode:
    """Someone forgot to switch the leader arm on: nothing moves."""
    columns = {key: np.repeat(values[:1], len(values), axis=0) for key, values in episode.columns.items()}
    videos = {key: np.repeat(frames[:1], len(frames), axis=0) for key, frames in episode.videos.items()}
    return replace(episode, columns=columns, videos=videos)


def _stub(episode: LegacyEpisode, defect: Defect, fps: float) -> LegacyEpisode:
    """Stopped as soon as it was started."""
    columns = {key: values[:STUB_FRAMES] for key, values in episode.columns.items()}
    videos = {key: frames[:STUB_FRAMES] for key, frames in episode.videos.items()}
    return replace(episode, columns=columns, videos=videos)


def _jump(episode: LegacyEpisode, defect: Defect, fps: float) -> LegacyEpisode:
    """One joint is told to be somewhere else for a few frames, and comes back."""
    columns = dict(episode.columns)
    for key in ("observation.state", "action"):
        values = columns[key].copy()
        middle = len(values) // 2
        values[middle : middle + JUMP_FRAMES, 0] += JUMP_SHARE * np.ptp(values[:, 0])
        columns[key] = values
    return replace(episode, columns=columns)


def _not_finite(episode: LegacyEpisode, defect: Defect, fps: float) -> LegacyEpisode:
    """A motor did not answer for five frames."""
    state = episode.columns["observation.state"].copy()
    middle = len(state) // 2
    state[middle : middle + 5] = np.nan
    return replace(episode, columns={**episode.columns, "observation.state": state})


def _irregular_timestamps(episode: LegacyEpisode, defect: Defect, fps: float) -> LegacyEpisode:
    """The clock of a busy computer: every fifth frame comes one and a half periods late."""
    length = len(episode.columns["action"])
    steps = np.where(np.arange(length) % 5 == 4, 2.5, 1.0) / fps
    clock = np.concatenate([[0.0], np.cumsum(steps[:-1])])
    return replace(episode, columns={**episode.columns, "timestamp": clock})


def _placeholder_task(episode: LegacyEpisode, defect: Defect, fps: float) -> LegacyEpisode:
    return replace(episode, task=defect.text or PLACEHOLDER)


def _upside_down(episode: LegacyEpisode, defect: Defect, fps: float) -> LegacyEpisode:
    """The camera hangs from the ceiling."""
    turned = {key: frames[:, ::-1, ::-1] for key, frames in episode.videos.items() if key == defect.camera}
    return replace(episode, videos={**episode.videos, **turned})


def _missing_video(folder: Path, defect: Defect) -> None:
    for episode in defect.episodes or ():
        _video(folder, defect, episode).unlink()


def _truncated_video(folder: Path, defect: Defect) -> None:
    """An upload that broke off inside the index at the front of the file: without it no frame can be found."""
    for episode in defect.episodes or ():
        video = _video(folder, defect, episode)
        video.write_bytes(video.read_bytes()[:TRUNCATED_BYTES])


def _wrong_codec(folder: Path, defect: Defect) -> None:
    """Videos were encoded again; info.json still says what they were before."""
    info = _info(folder)
    for feature in info["features"].values():
        if feature["dtype"] == "video":
            feature["info"]["video.codec"] = defect.text
    write_json(folder / "meta" / "info.json", info)


def _stale_totals(folder: Path, defect: Defect) -> None:
    """Episodes were added without renewing the totals."""
    info = _info(folder)
    info["total_episodes"] -= 2
    info["total_frames"] -= 100
    info["splits"] = {"train": f"0:{info['total_episodes']}"}
    write_json(folder / "meta" / "info.json", info)


def _no_data(folder: Path, defect: Defect) -> None:
    """Only metadata and videos were pushed."""
    shutil.rmtree(folder / DATA_PATH.partition("/")[0])


OF_RECORDINGS: dict[str, Callable[[LegacyEpisode, Defect, float], LegacyEpisode]] = {
    "static": _static,
    "stub": _stub,
    "jump": _jump,
    "not_finite": _not_finite,
    "irregular_timestamps": _irregular_timestamps,
    "placeholder_task": _placeholder_task,
    "upside_down": _upside_down,
}
OF_PUBLICATIONS: dict[str, Callable[[Path, Defect], None]] = {
    "missing_video": _missing_video,
    "truncated_video": _truncated_video,
    "wrong_codec": _wrong_codec,
    "stale_totals": _stale_totals,
    "no_data": _no_data,
}
KINDS = frozenset({AS_DECLARED, *OF_RECORDINGS, *OF_PUBLICATIONS})


def with_defects(episode: LegacyEpisode, index: int, row: CommunityDataset, fps: float) -> LegacyEpisode:
    """Returns the episode with the recording defects that the row plants in episode `index`."""
    for defect in row.defect:
        is_meant = defect.episodes is None or index in defect.episodes
        if is_meant and defect.kind in OF_RECORDINGS:
            episode = OF_RECORDINGS[defect.kind](episode, defect, fps)
    return episode


def damage_files(folder: Path, row: CommunityDataset) -> None:
    """Plants the publication defects of the row in the written dataset."""
    for defect in row.defect:
        if defect.kind not in OF_PUBLICATIONS:
            continue
        if row.version == "v3.0":
            raise SimulationError(f"{row.id}: {defect.kind} can only be planted in v2.0 and v2.1 datasets.")
        OF_PUBLICATIONS[defect.kind](folder, defect)


def _info(folder: Path) -> dict:
    return json.loads((folder / "meta" / "info.json").read_text(encoding="utf-8"))


def _video(folder: Path, defect: Defect, episode: int) -> Path:
    return folder / VIDEO_PATH.format(episode_chunk=0, episode_index=episode, video_key=defect.camera)
