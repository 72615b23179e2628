"""Source `folder:PATH`: LeRobot datasets anywhere below a folder, found by their `meta/info.json`.

A folder that clearly wants to be a dataset (a `meta` folder, parquet below `data`) and has no `meta/info.json` is listed too,
so that its owner is told why it was rejected. Nothing is opened here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

from curation.sources.collisions import distinct_ids, short_digest
from curation.sources.revision import stamp
from curation.sources.source import Entry, entry
from data_contracts.errors import ContractError, SourceUnavailable
from data_contracts.identifiers import NO_ORG, dataset_id, dataset_id_of_folder
from data_contracts.layout import DEFAULT_HOME


class FolderSource:
    """Lists the datasets below `root`. `.deftworks` and every other hidden folder is passed over."""

    def __init__(self, root: Path, spec: str) -> None:
        self.root = root.expanduser().absolute()
        self.spec = spec

    def entries(self) -> Iterator[Entry]:
        """Yields one entry per candidate, sorted by its path below the root.

        Raises:
            SourceUnavailable: the folder does not exist or cannot be listed.
        """
        _check_listable(self.root)
        places = sorted(folder.relative_to(self.root) for folder in find_datasets(self.root))
        ids = distinct_ids([self._id(place) for place in places], [place.as_posix() for place in places])
        for place, key in zip(places, ids, strict=True):
            folder = self.root / place
            yield entry(key, source=self.spec, path=folder, stamp=stamp(folder))

    def check(self) -> None:
        """Raises SourceUnavailable where the folder does not exist or cannot be listed."""
        _check_listable(self.root)

    def _id(self, place: PurePath) -> str:
        return _id_of_path(place) if place.parts else dataset_id_of(self.root)


def dataset_id_of(folder: Path) -> str:
    """Returns the id of a dataset that is named by its folder alone; what lies above it is nobody's organisation."""
    named = folder.expanduser().absolute()
    return _id_of_path(PurePath((named.resolve() if named.name == ".." else named).name))


def find_datasets(root: Path) -> list[Path]:
    """Returns the folders at or below `root` that are datasets or want to be, real folders before links to them.

    Each real folder is visited once, so that loops of links end and a link to a listed dataset lists nothing new.
    """
    return _find(root, set())


def _find(folder: Path, visited: set[tuple[int, int]]) -> list[Path]:
    status = folder.stat()
    identity = (status.st_dev, status.st_ino)
    if identity in visited:
        return []
    visited.add(identity)
    if (folder / "meta" / "info.json").is_file():
        return [folder]
    try:
        below = _folders_in(folder)
    except PermissionError:
        return [folder]  # a candidate like any other: its verdict will say that it cannot be read
    found = [dataset for child in below for dataset in _find(child, visited)]
    return found or ([folder] if wants_to_be_a_dataset(folder) else [])


def wants_to_be_a_dataset(folder: Path) -> bool:
    """True for a folder with `meta/`, or with parquet files in `data/` or one level below it."""
    data = folder / "data"
    has_parquet = any(True for pattern in ("*.parquet", "*/*.parquet") for _ in data.glob(pattern))
    return has_parquet or (folder / "meta").is_dir()


def _folders_in(folder: Path) -> list[Path]:
    with os.scandir(folder) as items:
        children = [item for item in items if not item.name.startswith(".") and item.name != DEFAULT_HOME]
        folders = [(item.is_symlink(), item.name) for item in children if item.is_dir()]
    return [folder / name for _, name in sorted(folders)]


def _id_of_path(named: PurePath) -> str:
    try:
        return dataset_id_of_folder(named)
    except ContractError:  # nothing of the name can be written in an id, as with a name in another script
        return dataset_id(NO_ORG, f"unnamed-{short_digest(named.as_posix())}")


def _check_listable(root: Path) -> None:
    hint = "Name an existing folder: folder:PATH."
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise SourceUnavailable(f"Source folder {root} {what}.", hint=hint)
    if not os.access(root, os.R_OK | os.X_OK):
        raise SourceUnavailable(f"Source folder {root} may not be read.", hint="Check its permissions.")
