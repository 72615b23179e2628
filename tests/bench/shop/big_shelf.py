"""A lake whose release holds thousands of small, really signed packs: `python -m tests.bench.shop.big_shelf FOLDER --packs 2000`."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from data_contracts.layout import Lake
from marketplace.catalogue import build_release
from skill_packs.build import build_pack
from skill_packs.layout import newest_packs
from skill_packs.signing import open_signing_key
from tests.marketplace_ui.make_scene import write_scene
from tests.skill_packs.make_pack import make_inputs, make_skill

VERBS = ("Open", "Close", "Press", "Push", "Pull", "Lift", "Stack", "Sort", "Turn", "Place")
THINGS = (
    "drawer",
    "button",
    "handle",
    "cup",
    "cube",
    "lid",
    "lever",
    "bottle",
    "plate",
    "sponge",
    "pen",
    "box",
    "door",
    "knob",
)
PLACES = ("on the table", "on the shelf", "in the kitchen", "at the bench", "by the sink", "in the workshop")
ROBOTS = ("so100", "so101", "sawyer", "koch", "aloha")


def make_big_shelf(folder: Path, num_packs: int) -> Lake:
    """Returns a lake with a release of `num_packs` packs, made once."""
    lake = Lake(folder)
    if lake.releases.is_dir():
        return lake
    scratch = Lake(folder.with_name(f".{folder.name}.partial"))
    shutil.rmtree(scratch.home, ignore_errors=True)
    dice, signer = random.Random(0), open_signing_key(scratch.keys)
    with tempfile.TemporaryDirectory() as name:
        scenes = []
        for palette in range(6):
            path = Path(name) / f"{palette}.mp4"
            write_scene(path, palette=palette, is_success=palette % 2 == 0, num_frames=12)
            scenes.append(path.read_bytes())
        ids = []
        for number in range(num_packs):
            verb, thing, place = dice.choice(VERBS), dice.choice(THINGS), dice.choice(PLACES)
            skill_id, robot = f"{verb}-{thing}-{number}".lower(), dice.choice(ROBOTS)
            skill = make_skill(
                skill_id, dice.choice((0, 900, 1900, 2900)), title=f"{verb} the {thing} {place}",
                description=f"{verb}s a {thing} {place} with one arm.", robot_type=robot,
            )  # fmt: skip
            videos = {"success-1.mp4": dice.choice(scenes), "failure-2.mp4": dice.choice(scenes)}
            work = Path(name) / "work"
            inputs = make_inputs(
                work, skill, seed=number, num_successes=dice.randrange(21), videos=videos, robot_type=robot
            )
            build_pack(scratch.packs(skill_id), inputs, signer)
            shutil.rmtree(work)
            ids.append(skill_id)
            if number % 100 == 99:
                sys.stderr.write(f"\r{number + 1} packs")
        sys.stderr.write("\n")
        build_release(scratch, newest_packs(scratch, ids))
    scratch.home.rename(lake.home)
    return lake


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--packs", type=int, default=2000)
    chosen = parser.parse_args()
    make_big_shelf(chosen.folder.absolute(), chosen.packs)
