"""Damage to the folder itself: links, pipes, folders where files belong, names that nobody uses, files that are too large."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random

SPARSE_BYTES = 2**30


def mutate_folder(rng: Random, folder: Path, outside: Path) -> str:
    """One file or folder of the dataset is replaced, removed or added."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    if not files:
        return "nothing left to change"
    path = rng.choice(files)
    name = path.relative_to(folder).as_posix()
    how = rng.choice((
        "removed", "empty", "a folder", "a pipe", "a link outside", "a link inside", "a broken link", "a loop", "a sparse file",
        "a linked folder", "beside strange names", "below deep folders", "moved", "in two places", "among many", "a backup",
        "a link to a device", "a removed folder", "case", "not to be read", "beside videos of nobody",
    ))  # fmt: skip
    _HOW[how](rng, path, folder, outside)
    return f"{name}: {how}"


def _replaced(path: Path) -> Path:
    path.unlink()
    return path


def _linked_folder(rng: Random, path: Path, folder: Path, outside: Path) -> None:
    target = outside / f"{path.parent.name}-{rng.randrange(10**9)}"
    shutil.copytree(path.parent, target, symlinks=True, ignore_dangling_symlinks=True, ignore=_only_plain)
    shutil.rmtree(path.parent)
    path.parent.symlink_to(target)


def _only_plain(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not (Path(folder) / name).is_file() and not (Path(folder) / name).is_dir()]


def _strange_names(rng: Random, path: Path, folder: Path, outside: Path) -> None:
    for name in (
        b"a\nb.parquet",
        b"\xff\xfe.mp4",
        b"episode_999999999999999999999.parquet",
        b"episode_000001.parquet",
        b"x" * 250,
        b" ",
    ):
        (path.parent / os.fsdecode(name)).write_bytes(b"PAR1")
    (path.parent / os.fsdecode(b"observation.\xff")).mkdir()
    (path.parent / os.fsdecode(b"observation.\xff") / "episode_000000.mp4").write_bytes(b"x")


def _deep(rng: Random, path: Path, folder: Path, outside: Path) -> None:
    deep = path.parent.joinpath(*(["d"] * 300))
    deep.mkdir(parents=True)
    shutil.copyfile(path, deep / path.name)


def _many(rng: Random, path: Path, folder: Path, outside: Path) -> None:
    for number in range(400):
        os.link(path, path.with_name(f"episode_{number + 5:06d}{path.suffix}"))


def _sparse(rng: Random, path: Path, folder: Path, outside: Path) -> None:
    os.truncate(path, SPARSE_BYTES)


def _link(target: Path | str, path: Path) -> None:
    _replaced(path).symlink_to(target)


def _outside_copy(path: Path, folder: Path, outside: Path) -> None:
    target = outside / path.name
    shutil.copyfile(path, target)
    _link(target, path)


def _nobody(rng: Random, path: Path, folder: Path, outside: Path) -> None:
    target = folder / "videos" / "chunk-000" / rng.choice(("front", "observation.images.side", "..."))
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target / "episode_000000.mp4")


_HOW = {
    "removed": lambda rng, path, folder, outside: path.unlink(),
    "empty": lambda rng, path, folder, outside: path.write_bytes(b""),
    "a folder": lambda rng, path, folder, outside: _replaced(path).mkdir(),
    "a pipe": lambda rng, path, folder, outside: os.mkfifo(_replaced(path)),
    "a link outside": lambda rng, path, folder, outside: _outside_copy(path, folder, outside),
    "a link inside": lambda rng, path, folder, outside: _link(
        rng.choice([p for p in folder.rglob("*") if p != path]), path
    ),
    "a broken link": lambda rng, path, folder, outside: _link("nowhere", path),
    "a loop": lambda rng, path, folder, outside: _link(path.name, path),
    "a link to a device": lambda rng, path, folder, outside: _link("/dev/zero", path),
    "a sparse file": _sparse,
    "a linked folder": _linked_folder,
    "beside strange names": _strange_names,
    "below deep folders": _deep,
    "moved": lambda rng, path, folder, outside: path.rename(folder / path.name),
    "in two places": lambda rng, path, folder, outside: shutil.copyfile(path, folder / f"copy_{path.name}"),
    "among many": _many,
    "a backup": lambda rng, path, folder, outside: shutil.copyfile(path, path.with_name(f"{path.name}.bak")),
    "a removed folder": lambda rng, path, folder, outside: shutil.rmtree(path.parent),
    "case": lambda rng, path, folder, outside: path.rename(path.with_name(path.name.upper())),
    "not to be read": lambda rng, path, folder, outside: path.chmod(0),
    "beside videos of nobody": _nobody,
}
