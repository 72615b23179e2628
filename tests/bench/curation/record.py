"""Records the clean corpus of the defect benchmark: `python tests/bench/curation/record.py [folder]`. Resumes where it stopped."""

from __future__ import annotations

import os
import sys
from pathlib import Path

for variable, value in {"MUJOCO_GL": "egl", "OMP_NUM_THREADS": "1", "LP_NUM_THREADS": "1"}.items():
    os.environ.setdefault(variable, value)

HERE = Path(__file__).parent
TABLE = HERE / "community.toml"
CORPUS = HERE.parents[2] / ".bench" / "community"


def record(folder: Path = CORPUS, *, processes: int = 2) -> list[Path]:
    """Makes sure that every dataset of the table lies in `folder`; returns their folders in the order of the table."""
    from simulation.community import record_community
    from simulation.community_table import load_community

    def say(dataset_id: str, done: int, total: int) -> None:
        sys.stderr.write(f"recorded {done:5d} of {total} episodes: {dataset_id}\n")

    return record_community(folder, community=load_community(TABLE), processes=processes, on_progress=say)


if __name__ == "__main__":
    record(Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS)
