"""Which file of a pack is what, and which paths a pack may hold. Reading their content is done elsewhere.

<skill>/<version>/
  pack.json               the manifest (data_contracts.skill_pack.SkillPack); its sha256 is the pack's id
  pack.dsse.json          signature over pack.json and every other file
  config.json, model.safetensors, policy_*.json, policy_*.safetensors, vlm/
                          the policy as LeRobot loads it: `from_pretrained(<this folder>)`
  evaluation.json         the whole report; rollouts.parquet beside it, one row per rollout
  media/                  recordings of rollouts
  README.md, NOTICE, CHANGELOG.md
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from data_contracts.errors import PackTampered
from data_contracts.identifiers import SEMANTIC_VERSION, split_semantic_version
from data_contracts.layout import Lake

PACK = "pack.json"
SIGNATURE = "pack.dsse.json"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
EVALUATION = "evaluation.json"
ROLLOUTS = "rollouts.parquet"
README = "README.md"
NOTICE = "NOTICE"
CHANGELOG = "CHANGELOG.md"
MEDIA = "media"
DOCUMENTS = (README, NOTICE, CHANGELOG)


def versions(packs: Path) -> list[Path]:
    """Returns the version folders of one skill, oldest version first; other folders are left aside."""
    folders = [path for path in packs.iterdir() if SEMANTIC_VERSION.match(path.name)] if packs.is_dir() else []
    return sorted(folders, key=lambda path: split_semantic_version(path.name))


def newest_packs(lake: Lake, skill_ids: Iterable[str]) -> list[Path]:
    """Returns the folder of the newest version of each skill that has one, in the order given."""
    return [found[-1] for skill_id in skill_ids if (found := versions(lake.packs(skill_id)))]


def is_safe_path(path: str) -> bool:
    """True for a relative POSIX path that stays inside its folder and is written in one way only."""
    parts = path.split("/")
    return not any(part in ("", ".", "..") for part in parts) and not any(char in path for char in "\\\0:")


def walk(folder: Path) -> Iterator[str]:
    """Yields the relative POSIX path of every file, and of every empty folder, in no particular order.

    Raises:
        PackTampered: there is a symbolic link, a device, a pipe or a socket. None of them is followed or opened.
    """
    pending = [""]
    while pending:
        parent = pending.pop()
        is_empty = True
        with os.scandir(folder / parent) as entries:
            for entry in entries:
                is_empty = False
                path = f"{parent}/{entry.name}" if parent else entry.name
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                elif entry.is_file(follow_symlinks=False):
                    yield path
                else:
                    kind = "a symbolic link" if entry.is_symlink() else "neither a file nor a folder"
                    raise PackTampered(f"{path} in {folder} is {kind}.", hint="Get the pack again.")
        if is_empty and parent:
            yield parent
