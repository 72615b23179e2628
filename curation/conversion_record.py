"""What converting did to each joint, gathered over the written episodes: ranges before and after, as proof."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from curation.joint_conversion import JointPlan, Wraps
from data_contracts.manifests import Conversion

Range = tuple[float, float]


class ConversionRecord:
    """Grows with `add`; `conversions` and `sentences` say what was done."""

    def __init__(self, plan: JointPlan) -> None:
        self._plan = plan
        self._ranges: dict[tuple[str, int], tuple[Range, Range]] = {}
        self._frames: dict[tuple[str, int], dict[int, tuple[int, ...]]] = {}

    def add(
        self, episode: int, before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], wraps: Wraps
    ) -> None:
        """Takes the vectors of an episode before and after, (T, D)."""
        for key, vector in self._plan.vectors.items():
            places = {*vector.changed, *vector.turning}
            if not places:
                continue
            ends = [(values[key].min(axis=0).tolist(), values[key].max(axis=0).tolist()) for values in (before, after)]
            for place in places:
                ranges = tuple((low[place], high[place]) for low, high in ends)
                known = self._ranges.get((key, place), ranges)
                self._ranges[key, place] = tuple(
                    (min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(known, ranges, strict=True)
                )
        for where, frames in wraps.items():
            self._frames.setdefault(where, {})[episode] = frames

    @property
    def conversions(self) -> tuple[Conversion, ...]:
        """One entry per joint that was changed, in the order of the vectors."""
        entries = []
        for key, vector in self._plan.vectors.items():
            for place in sorted({*vector.changed, *(k for column, k in self._frames if column == key)}):
                before, after = self._ranges[key, place]
                is_changed = place in vector.changed
                entries.append(
                    Conversion(
                        column=key,
                        joint=vector.names[place],
                        from_unit=vector.from_unit if is_changed else "degrees, wrapped at half a turn",
                        to_unit=vector.to_unit if is_changed else "degrees, continuous",
                        before=_rounded(before),
                        after=_rounded(after),
                        frames=self._frames.get((key, place), {}),
                    )
                )
        return tuple(entries)

    @property
    def sentences(self) -> list[str]:
        """One sentence per entry."""
        said = []
        for entry in self.conversions:
            low, high = entry.before
            new_low, new_high = entry.after
            sentence = (
                f"{entry.joint} of {entry.column} from {entry.from_unit} to {entry.to_unit}: "
                f"[{low:g}, {high:g}] became [{new_low:g}, {new_high:g}]"
            )
            if entry.frames:
                num_frames = sum(len(frames) for frames in entry.frames.values())
                sentence += f"; wraps undone at {num_frames} frames of episodes {sorted(entry.frames)}"
            said.append(sentence)
        return said


def _rounded(ends: Range) -> Range:
    return round(ends[0], 4), round(ends[1], 4)
