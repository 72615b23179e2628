"""Records the clean corpus of the defect benchmark: `python tests/bench/curation/record.py [folder]`. Resumes where it stopped.

Limits were chosen on it. The held-out corpus is the same table with other seeds, so other goals, paths and noise in every episode.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

for variable, value in {"MUJOCO_GL": "egl", "OMP_NUM_THREADS": "1", "LP_NUM_THREADS": "1"}.items():
    os.environ.setdefault(variable, value)

HERE = Path(__file__).parent
TABLE = HERE / "community.toml"
CORPUS = HERE.parents[2] / ".bench" / "community"
HELD_OUT = HERE.parents[2] / ".bench" / "community-held-out"
HELD_OUT_SHIFT = 700_000
"""Of the seeds."""


def record(folder: Path = CORPUS, *, processes: int = 2, shift: int = 0) -> list[Path]:
    """Makes sure that every dataset of the table lies in `folder`; returns their folders in the order of the table."""
    from simulation.community import record_community
    from simulation.community_table import load_community

    community = load_community(TABLE)
    shifted = tuple(row.model_copy(update={"first_seed": row.first_seed + shift}) for row in community.dataset)

    def say(dataset_id: str, done: int, total: int) -> None:
        sys.stderr.write(f"recorded {done:5d} of {total} episodes: {dataset_id}\n")

    return record_community(
        folder, community=community.model_copy(update={"dataset": shifted}), processes=processes, on_progress=say
    )


if __name__ == "__main__":
    record(Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS)
