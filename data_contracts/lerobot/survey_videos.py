"""Clocks of video files, as their packets tell: nothing is decoded. Files that cannot be opened are others' to report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from data_contracts.errors import DatasetUnreadable
from data_contracts.findings import Finding

if TYPE_CHECKING:
    from data_contracts.lerobot.reader import LeRobotDataset

TOLERANCE_S = 1e-4


def survey_videos(dataset: LeRobotDataset) -> Iterator[Finding]:
    """Yields one finding per camera whose frames are not shown at the declared rate in some episodes.

    LeRobot looks frames up by time and refuses one that lies more than `TOLERANCE_S` from its row (decode_video_frames,
    tolerance_s); more than half a frame off, it takes another one. Clips of several rates that were joined, and recorders that
    dropped frames or wrote the times at which they came, leave such files.
    """
    for key in dataset.camera_keys:
        late = {
            index: late_s
            for camera, index in dataset.locations.videos
            if camera == key and (late_s := _latest_s(dataset, key, index)) > TOLERANCE_S
        }
        if late:
            worst_s = max(late.values())
            message = f"Frames of {key!r} are shown up to {worst_s:.3f} s beside the declared {dataset.fps:g} frames per second."
            evidence = {"camera": key, "worst_s": round(worst_s, 6)}
            episodes = tuple(sorted(late))
            yield Finding(
                code="video.uneven_clock", severity="warn", episodes=episodes, message=message, evidence=evidence
            )


def _latest_s(dataset: LeRobotDataset, key: str, index: int) -> float:
    """Returns how far a frame lies from where the rate puts it, counted from the first of the episode; 0 if nobody knows.

    What the file's clock cannot tell, one tick, is taken off.
    """
    from data_contracts.lerobot.video import video_index

    try:
        segment = dataset.video_segment(key, index)
        if segment is None or segment.num_frames < 2:
            return 0.0
        video = video_index(segment.path)
        times_s = video.times_s[segment.first_frame : segment.first_frame + segment.num_frames]
    except DatasetUnreadable:
        return 0.0
    away_s = np.abs(times_s - times_s[0] - np.arange(len(times_s)) / dataset.fps).max(initial=0.0)
    return max(0.0, float(away_s) - float(video.time_base))
