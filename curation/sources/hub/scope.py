"""Is a dataset wanted by its recipe? Decided by `meta/info.json` and the sizes of the tree alone, before anything else is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curation.sources.hub.recipes import Scope
from data_contracts.findings import Finding
from data_contracts.lerobot.info import DatasetInfo


def outside_scope(scope: Scope, info: DatasetInfo, size_bytes: int) -> Finding | None:
    """Returns the gate `scope.outside_recipe` with every reason, or None where the dataset is wanted."""
    reasons = list(_reasons(scope, info, size_bytes))
    if not reasons:
        return None
    evidence = {"robot_type": info.robot_type, "num_episodes": info.total("episodes"), "size_bytes": size_bytes}
    return Finding(
        code="scope.outside_recipe",
        severity="gate",
        episodes=None,
        message=f"The recipe does not ask for it: {'; '.join(reasons)}.",
        evidence=evidence,
    )


def _reasons(scope: Scope, info: DatasetInfo, size_bytes: int) -> Iterator[str]:
    robots = {_plain(robot) for robot in scope.robot_types}
    if robots and _plain(info.robot_type or "") not in robots:
        yield f"the robot is {info.robot_type!r}" if info.robot_type else "no robot_type is declared"
    if scope.versions and info.version not in scope.versions:
        yield f"the format is {info.version}"
    num_episodes = info.total("episodes")
    if num_episodes is not None and num_episodes < scope.min_episodes:
        yield f"{num_episodes} episodes are fewer than {scope.min_episodes}"
    if scope.max_size_gb is not None and size_bytes > scope.max_size_gb * 1e9:
        yield f"{size_bytes / 1e9:.2f} GB are more than {scope.max_size_gb:g}"
    if scope.camera and not any(feature.is_visual for feature in info.features.values()):
        yield "no camera is declared"


def _plain(robot: str) -> str:
    return re.sub(r"[-_. ]", "", robot).lower()
