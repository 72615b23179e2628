"""What the detectors look at: an episode and the dataset as plain values, free of files and readers. Cameras: `camera_facts`.

`measure` fills these from a dataset; tests fill them by hand. Nothing here judges.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from curation.quality.camera_facts import CameraFacts
from curation.quality.following import Following
from curation.quality.jumps import Jumps
from curation.quality.steadiness import Pinned
from curation.quality.wraps import Wrap
from data_contracts.findings import Finding, Severity

STATE = "observation.state"
ACTION = "action"


@dataclass(frozen=True)
class EpisodeFacts:
    """One episode: arrays as recorded, times in seconds. Without a column its array has no dimensions, shape (T, 0)."""

    index: int
    fps: float
    timestamps_s: np.ndarray
    state_TS: np.ndarray
    action_TA: np.ndarray
    state_names: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()
    task: str = ""
    cameras: tuple[CameraFacts, ...] = ()

    @property
    def num_frames(self) -> int:
        return len(self.timestamps_s)

    @property
    def columns(self) -> dict[str, tuple[np.ndarray, tuple[str, ...]]]:
        """The two vectors that a policy sees, by the name of their column, with the names of their dimensions."""
        return {STATE: (self.state_TS, self.state_names), ACTION: (self.action_TA, self.action_names)}

    def finding(self, code: str, severity: Severity, message: str, **evidence: Any) -> Finding:
        """Returns a finding about this episode. The message does not repeat its number: `merging` adds that."""
        return Finding(code=code, severity=severity, episodes=(self.index,), message=message, evidence=evidence)


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """How one vector moved in one episode; every array has shape (D,), in the unit of the source. `centre_D` is the median,
    `travel_D` is net of noise, 0 for a dimension at rest, `tremor_D` the deviation of its trembling.
    """

    names: tuple[str, ...]
    low_D: np.ndarray
    high_D: np.ndarray
    centre_D: np.ndarray
    travel_D: np.ndarray
    jumps: Jumps
    tremor_D: np.ndarray
    pinned: Pinned
    wraps: tuple[Wrap, ...] = ()

    def name(self, dimension: int) -> str:
        """Returns the name of a dimension, or its number where it has none."""
        return self.names[dimension] if dimension < len(self.names) else str(dimension)


@dataclass(frozen=True, slots=True)
class EpisodeSummary:
    """What is kept of an episode after its arrays are let go, for the detectors that compare episodes: about 4 kB.

    `columns` has `observation.state` and `action`, without those that are not finite. `following` is None where too little
    moves to tell.
    """

    index: int
    num_frames: int
    task: str
    columns: dict[str, ColumnSummary]
    fps: float = 0.0
    following: Following | None = None


@dataclass(frozen=True)
class DatasetFacts:
    """The dataset as a whole, after every episode was read once.

    `remarks` is what meta/info.json says beside what the format asks for, as text. `columns` and `declared_cameras` are the
    keys of `features`; `episodes` are those whose rows could be read, `videos` what was found of every camera's frames,
    without samples.
    """

    dataset_id: str
    robot_type: str | None = None
    licence: str | None = None
    tags: tuple[str, ...] = ()
    card: str = ""
    remarks: dict[str, str] = field(default_factory=dict)
    tasks: dict[int, str] = field(default_factory=dict)
    num_episodes: int = 0
    columns: frozenset[str] = frozenset({STATE, ACTION})
    declared_cameras: tuple[str, ...] = ()
    episodes: tuple[EpisodeSummary, ...] = ()
    videos: tuple[CameraFacts, ...] = ()

    def finding(
        self, code: str, severity: Severity, message: str, *, episodes: Iterable[int] | None = None, **evidence: Any
    ) -> Finding:
        """Returns a finding about the dataset, or about the episodes that are named."""
        named = None if episodes is None else tuple(sorted(set(episodes)))
        return Finding(code=code, severity=severity, episodes=named, message=message, evidence=evidence)
