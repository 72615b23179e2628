"""The clean datasets that defects are planted into, with what a plan must know of them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from simulation.community_table import load_community
from tests.bench.curation.record import TABLE

VECTORS = ("observation.state", "action")
REAL_DATASETS = "DEFTWORKS_REAL_DATASETS"
REAL_IDS = (
    "YifanTian07__G1-policy-train", "HuangJunkai2023__CR5_TCP_test", "hmk55555__Isaac-GR00T", "TheWisp__pusht_image_slice",
)  # fmt: skip
"""Those of which episodes are accepted and a look by hand found what is wrong (`expected.json`), so that the rest is clean."""

Reach = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""Column -> lowest and highest value of each dimension over the clean dataset."""


@dataclass(frozen=True)
class Subject:
    """A clean dataset. `known` are the codes that are true of it all the same; they count neither for nor against anyone."""

    root: Path
    is_real: bool = False
    known: frozenset[str] = frozenset()
    world: str = ""
    units: str = ""

    @property
    def id(self) -> str:
        return self.root.name

    @cached_property
    def info(self) -> dict[str, Any]:
        return json.loads((self.root / "meta/info.json").read_text(encoding="utf-8"))

    @property
    def is_v3(self) -> bool:
        return str(self.info["codebase_version"]).startswith("v3")

    @property
    def num_episodes(self) -> int:
        return len(self.lengths)

    @cached_property
    def _numbers(self) -> tuple[Reach, tuple[int, ...]]:
        columns: dict[str, list[np.ndarray]] = {key: [] for key in (*VECTORS, "episode_index")}
        for path in sorted((self.root / "data").rglob("*.parquet")):
            table = pq.read_table(path, columns=list(columns))
            for key, parts in columns.items():
                parts.append(np.array(table[key].to_pylist(), dtype=float))
        whole = {key: np.concatenate(parts) for key, parts in columns.items()}
        _, counts = np.unique(whole["episode_index"], return_counts=True)
        reach = {key: (whole[key].min(axis=0), whole[key].max(axis=0)) for key in VECTORS}
        return reach, tuple(int(count) for count in counts)

    @property
    def reach(self) -> Reach:
        return self._numbers[0]

    @property
    def lengths(self) -> tuple[int, ...]:
        """Frames of each episode."""
        return self._numbers[1]

    @property
    def has_dead_dimension(self) -> bool:
        return any((low_D == high_D).any() for low_D, high_D in self.reach.values())

    @property
    def num_cameras(self) -> int:
        return sum(feature["dtype"] == "video" for feature in self.info["features"].values())


def simulated(folder: Path) -> list[Subject]:
    """Returns the recorded datasets of the clean corpus that are whole, in the order of their table."""
    rows = [row for row in load_community(TABLE).dataset if (folder / row.id / "stage.json").is_file()]
    return [_with_truths(Subject(folder / row.id, world=row.world, units=row.units)) for row in rows]


def real() -> list[Subject]:
    """Returns the real datasets that DEFTWORKS_REAL_DATASETS leads to; none where it is not set."""
    folder = os.environ.get(REAL_DATASETS)
    if not folder:
        return []
    expected = json.loads((Path(folder) / "expected.json").read_text(encoding="utf-8"))
    subjects = []
    for name in REAL_IDS:
        known = frozenset(found["code"] for found in expected.get(name, {}).get("found", ()))
        subjects.append(_with_truths(Subject(Path(folder) / name, is_real=True, known=known)))
    return subjects


def _with_truths(subject: Subject) -> Subject:
    """Adds what the recordings themselves show to be true: a value that never changes, a scene that is simulated."""
    truths = {"motion.dead_dimension"} if subject.has_dead_dimension else set()
    if not subject.is_real:
        truths.add("provenance.simulation")
    return replace(subject, known=subject.known | truths)


def is_v2(subject: Subject) -> bool:
    return not subject.is_v3


def is_v3(subject: Subject) -> bool:
    return subject.is_v3


def is_arm_in_degrees(subject: Subject) -> bool:
    """An SO-100 in degrees: the arm whose conventions are known."""
    return subject.world.startswith("so100/") and subject.units == "degrees"


def has_two_cameras(subject: Subject) -> bool:
    return subject.num_cameras > 1


def has_two_tasks(subject: Subject) -> bool:
    return subject.info["total_tasks"] > 1


def is_of_even_width(subject: Subject) -> bool:
    """State and action have as many values."""
    low_of_state, low_of_action = (subject.reach[key][0] for key in VECTORS)
    return low_of_state.shape == low_of_action.shape
