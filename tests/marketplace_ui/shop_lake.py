"""Makes a lake with a catalogue release of four packs: `python -m tests.marketplace_ui.shop_lake FOLDER`."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data_contracts.layout import Lake
from data_contracts.stages import digest_of
from marketplace.catalogue import build_release
from skill_packs.build import build_pack
from skill_packs.layout import newest_packs
from skill_packs.signing import open_signing_key
from tests.marketplace_ui.make_scene import write_scene
from tests.skill_packs.make_pack import make_inputs, make_rows, make_skill


@dataclass(frozen=True)
class Shelf:
    """One pack of the demo shelf."""

    skill_id: str
    title: str
    description: str
    robot: str
    price_minor: int
    num_successes: int
    num_episodes: int


SHELF = (
    Shelf("press-button", "Press the button", "Reaches over a button box and presses the button down from above.", "sawyer", 1900, 13, 38),
    Shelf("open-drawer", "Open the drawer", "Hooks the handle of a drawer and pulls it open.", "sawyer", 2900, 9, 24),
    Shelf("press-handle", "Press the handle down", "Presses a spring-loaded handle down from above.", "sawyer", 1500, 18, 31),
    Shelf("so100-touch-cube", "Touch the cube (SO-100)", "Brings the gripper of a single SO-100 arm to a cube on the table.", "so100", 0, 4, 12),
)  # fmt: skip
CONTRIBUTORS = ("kelpie-robotics", "harbour-makers", "tidewater-lab", "garage-nine")


def make_shop_lake(folder: Path, shelf: tuple[Shelf, ...] = SHELF) -> Lake:
    """Returns a lake at `folder` with signed packs and a current release; the first pack has a second version."""
    lake = Lake(folder)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for index, entry in enumerate(shelf):
            if index == 0:
                _build(lake, entry, work / "earlier", index, num_episodes=entry.num_episodes - 8)
            _build(lake, entry, work / entry.skill_id, index, num_episodes=entry.num_episodes)
    build_release(lake, newest_packs(lake, [entry.skill_id for entry in shelf]))
    return lake


def add_version(lake: Lake, entry: Shelf, num_episodes: int) -> None:
    """Builds one more version of a pack, from another number of episodes."""
    with tempfile.TemporaryDirectory() as name:
        _build(lake, entry, Path(name), 0, num_episodes)


def _build(lake: Lake, entry: Shelf, work: Path, index: int, num_episodes: int) -> None:
    videos = {}
    for is_success in (True, False):
        write_scene(work / "scene.mp4", palette=index, is_success=is_success)
        for seed in (1001, 1002):
            videos[f"{'success' if is_success else 'failure'}-seed-{seed}.mp4"] = (work / "scene.mp4").read_bytes()
    skill = make_skill(
        entry.skill_id, entry.price_minor, title=entry.title, description=entry.description, robot_type=entry.robot
    )
    inputs = make_inputs(
        work / "inputs", skill, seed=index, num_successes=entry.num_successes, videos=videos,
        rows=_rows(entry.skill_id, num_episodes), robot_type=entry.robot,
    )  # fmt: skip
    build_pack(lake.packs(entry.skill_id), inputs, open_signing_key(lake.keys))


def _rows(skill_id: str, num_episodes: int) -> pl.DataFrame:
    """Episodes of several contributors, the first ones with more of them."""
    who = [CONTRIBUTORS[min(i % 7, 3)] for i in range(num_episodes)]
    return make_rows(skill_id, num_episodes, ("cc-by-4.0", "apache-2.0")).with_columns(
        pl.Series("contributor", who),
        pl.Series("dataset_id", [f"{name}__{skill_id}" for name in who]),
        pl.Series("episode_hash", [digest_of([skill_id, i]) for i in range(num_episodes)]),
        pl.Series("num_frames", [180 + 7 * (i % 9) for i in range(num_episodes)]),
    )


if __name__ == "__main__":
    print(make_shop_lake(Path(sys.argv[1])).home)  # noqa: T201
