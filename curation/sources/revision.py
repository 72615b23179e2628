"""What a dataset folder is made of, as a digest: the stamp (names, sizes, times) is cheap, the revision (content) is exact.

Which files belong to a dataset is decided in one place, `data_contracts.lerobot.files`: hidden ones do not (the bookkeeping
of git, of download caches and of file managers), nor do links that lead out of the folder.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from data_contracts.errors import SourceUnavailable
from data_contracts.lerobot.files import list_files
from data_contracts.stages import file_sha256


class Content(NamedTuple):
    """The whole of a folder: `revision` changes when a byte or a name does, and with nothing else."""

    revision: str
    size_bytes: int
    num_files: int


def stamp(folder: Path) -> str:
    """Returns a digest of the names, sizes and modification times of all files: cheap, and changes when a file does.

    A file that goes away meanwhile counts as changed; a folder that is not there has the stamp of an empty one.
    """
    digest, files = hashlib.sha256(), list_files(folder)
    for name, size_bytes in sorted(files.sizes.items()):
        try:
            modified_ns = files.path(name).stat().st_mtime_ns
        except OSError:
            modified_ns = -1
        digest.update(os.fsencode(f"{name}\0{size_bytes}\0{modified_ns}\n"))
    return f"sha256:{digest.hexdigest()}"


def content(folder: Path) -> Content:
    """Returns the digest over the content of every file, read in blocks, with the total size.

    Raises:
        SourceUnavailable: the folder is gone, or a file cannot be read.
    """
    if not folder.is_dir():
        raise SourceUnavailable(f"{folder} is not there any more.", hint="List the sources again.")
    digest, files = hashlib.sha256(), list_files(folder)
    for name in sorted(files.sizes):
        digest.update(os.fsencode(f"{name}\0{_file_digest(files.path(name))}\n"))
    return Content(f"sha256:{digest.hexdigest()}", sum(files.sizes.values()), len(files.sizes))


def _file_digest(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise SourceUnavailable(
            f"{path} cannot be read: {error.strerror}.", hint="Check that it is still there and may be read."
        ) from error
