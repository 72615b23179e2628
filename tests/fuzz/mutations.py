"""Chooses what is done to a dataset from a seed: the same seed damages it in the same way."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz.mutate_folder import mutate_folder
from tests.fuzz.mutate_parquet import mutate_parquet_bytes, mutate_table, read_small
from tests.fuzz.mutate_text import mutate_bytes, mutate_card, mutate_json
from tests.fuzz.mutate_video import mutate_image, mutate_video
from tests.fuzz.specimens import CAMERA, SPECIMENS

KINDS = ("json", "json", "json", "json", "text", "card", "table", "table", "table", "parquet", "parquet", "video", "video", "video", "image", "folder", "folder", "bomb")  # fmt: skip


def make_case(seed: int, specimens: Path, folder: Path, outside: Path) -> list[str]:
    """Copies a specimen to `folder`, damages it one to three times, and says how."""
    rng = Random(seed)
    name = rng.choice(SPECIMENS)
    shutil.copytree(specimens / name, folder)
    said = [name]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        said.append(_mutate(rng, folder, outside, specimens / "parts"))
    return said


def _mutate(rng: Random, folder: Path, outside: Path, parts: Path) -> str:
    kind = rng.choice(KINDS)
    if kind == "folder":
        return mutate_folder(rng, folder, outside)
    if kind == "bomb" and rng.random() < 0.8:
        kind = "table"  # reading one takes long, and they are all alike
    path = _chosen(rng, folder, kind)
    if path is None:
        return mutate_folder(rng, folder, outside)
    if kind == "bomb":
        bomb = rng.choice(("bomb", "album"))
        shutil.copyfile(parts / f"{bomb}.parquet", path)
        return f"{path.name}: {bomb}"
    if kind == "video":
        return mutate_video(rng, path, folder, parts)
    if kind == "card":
        return mutate_card(rng, path)
    if kind == "parquet":
        return mutate_parquet_bytes(rng, path)
    try:
        if kind == "json":
            return mutate_json(rng, path)
        if kind == "table":
            return mutate_table(rng, path)
        if kind == "image":
            return _mutate_images(rng, path, parts)
    except (ValueError, RecursionError, OSError, pa.ArrowException, KeyError, TypeError, AttributeError):
        pass  # an earlier mutation left nothing of that form: its bytes can be changed still
    return mutate_bytes(rng, path)


def _chosen(rng: Random, folder: Path, kind: str) -> Path | None:
    patterns = {
        "json": ("*.json", "*.jsonl"),
        "text": ("*.json", "*.jsonl"),
        "card": ("README.md",),
        "video": ("*.mp4",),
    }
    found = sorted(
        path
        for pattern in patterns.get(kind, ("*.parquet",))
        for path in folder.rglob(pattern)
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 2**24
    )
    info = [path for path in found if path.name == "info.json"]
    return rng.choice(info * 4 + found) if found else None


def _mutate_images(rng: Random, path: Path, parts: Path) -> str:
    table = read_small(path)
    cells = table[CAMERA].to_pylist()
    for row in rng.sample(range(len(cells)), rng.choice((1, len(cells)))):
        cells[row]["bytes"] = mutate_image(rng, cells[row]["bytes"], parts)
    place = table.column_names.index(CAMERA)
    pq.write_table(table.set_column(place, CAMERA, pa.array(cells, table.schema.field(CAMERA).type)), path)
    return f"{path.name}: images"
