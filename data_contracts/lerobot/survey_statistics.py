"""Published statistics: absent, or under keys that no feature has. Whether their values are right is not asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from data_contracts.findings import Finding
from data_contracts.lerobot.checks import NOT_NUMERIC
from data_contracts.lerobot.source_statistics import EPISODES_STATS, STATS
from data_contracts.lerobot.structure import structure

if TYPE_CHECKING:
    from data_contracts.lerobot.reader import LeRobotDataset


def survey_statistics(dataset: LeRobotDataset) -> Iterator[Finding]:
    """Yields what the statistics that this version asks for lack, and keys that belong to nothing."""
    wanted = EPISODES_STATS if dataset.version == "v2.1" else STATS
    official = dataset.statistics.official(dataset.version)
    needed = [
        key for key, feature in dataset.features.items() if feature.dtype not in NOT_NUMERIC and not feature.is_default
    ]
    lacking = [key for key in needed if key not in official]
    if not official:
        yield structure("missing_stats", "warn", f"There are no statistics in {wanted}.", file=wanted)
    elif lacking:
        message = f"{wanted} has no statistics of {', '.join(lacking)}."
        yield structure("missing_stats", "warn", message, file=wanted, features=lacking)
    without = [i for i in dataset.episode_indices if i not in dataset.statistics.episodes]
    if dataset.version == "v2.1" and official and without:
        message = f"{EPISODES_STATS} lists no statistics of {len(without)} episodes."
        yield structure("missing_stats", "note", message, episodes=without, file=EPISODES_STATS)
    published = {*official, *dataset.statistics.episodes.features}
    for key in sorted(published - set(dataset.features)):
        camera = key.rpartition(".")[2]
        meant = next((k for k in dataset.declared_camera_keys if k not in published and k.endswith(f".{camera}")), None)
        hint = f"; {meant!r} seems meant" if meant else ""
        message = f"There are statistics of {key!r}, which is no feature{hint}."
        yield structure("wrong_stats_key", "warn", message, key=key, expected=meant)
