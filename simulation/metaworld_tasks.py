"""Meta-World's 50 tasks and their words, from `metaworld_tasks.toml`. How a task is simulated is `metaworld_world`'s."""

from __future__ import annotations

import tomllib
from pathlib import Path

_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

DESCRIPTIONS: dict[str, str] = _TABLE["descriptions"]
"""Task -> LeRobot's wording, which benchmark suites tell a policy."""
INSTRUCTIONS: dict[str, str] = DESCRIPTIONS | _TABLE["instructions"]
"""Task -> what the world says by itself: the wording of the project's own recordings where there is one."""
METAWORLD_TASKS = tuple(DESCRIPTIONS)
