"""Where a commit's files gather until they are whole: `hub/<dataset>/.<sha>.partial`, renamed to `<sha>` at the end.

What is there from an earlier attempt, or in an older commit of the same dataset, is taken over when it verifies, never fetched
again. Older commits stay until the lake is cleaned.
"""

from __future__ import annotations

import contextvars
import hashlib
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from curation.sources.hub.disk import check_space, writing
from curation.sources.hub.download import Commit, download
from curation.sources.hub.tree import RemoteFile
from curation.sources.hub.verify import difference
from data_contracts.stages import remove_folder, replace_folder

NUM_FILES_AT_ONCE = 4


class Store:
    """The files of one commit of one dataset. `kept` are those that were asked for and are here, verified."""

    def __init__(self, folder: Path, commit: Commit) -> None:
        self.final = folder / commit.sha
        self.partial = folder / f".{commit.sha}.partial"
        self._incoming = folder / f".{commit.sha}.incoming"
        self._commit = commit
        self.kept: dict[str, RemoteFile] = {}
        with writing(folder):
            self.partial.mkdir(parents=True, exist_ok=True)
        self._earlier = sorted(
            (other for other in folder.iterdir() if other.is_dir() and other not in (self.partial, self._incoming)),
            key=lambda other: other.stat().st_mtime,
            reverse=True,
        )

    def take(self, files: Sequence[RemoteFile]) -> None:
        """Makes sure that these files are in `partial`, each verified.

        Raises:
            NotAsPinned, SourceUnavailable, Gone, Gated: one of them cannot be had.
            LakeError: the disk is full or may not be written.
        """
        wanted = [file for file in files if file.path not in self.kept]
        missing = [file for file in wanted if not self._take_over(file)]
        check_space(self.partial, sum(file.size_bytes for file in missing))
        if len(missing) == 1:
            self._fetch(missing[0])
        elif missing:
            self._fetch_all(missing)
        self.kept |= {file.path: file for file in wanted}

    def finish(self) -> Path:
        """Puts the folder in its place, with the files taken and no others, and returns it."""
        with writing(self.partial):
            for path in sorted(self.partial.rglob("*"), reverse=True):
                if path.is_dir():
                    _remove_if_empty(path)
                elif path.relative_to(self.partial).as_posix() not in self.kept:
                    path.unlink()
            remove_folder(self._incoming)
            replace_folder(self.final, self.partial)
            for other in self._earlier:
                if other.name.startswith("."):
                    remove_folder(other)
        return self.final

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.kept.values())

    def _fetch_all(self, files: Sequence[RemoteFile]) -> None:
        with ThreadPoolExecutor(min(NUM_FILES_AT_ONCE, len(files))) as pool:
            tasks = [pool.submit(contextvars.copy_context().run, self._fetch, file) for file in files]
            try:
                for task in tasks:
                    task.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _fetch(self, file: RemoteFile) -> None:
        incoming = self._incoming / hashlib.sha256(file.path.encode()).hexdigest()
        download(self._commit, file, incoming, self.partial / file.path)

    def _take_over(self, file: RemoteFile) -> bool:
        target = self.partial / file.path
        if target.is_file():
            if difference(target, file) is None:
                return True
            target.unlink()
        for folder in self._earlier:
            other = folder / file.path
            if other.is_file() and other.stat().st_size == file.size_bytes and difference(other, file) is None:
                with writing(target):
                    _link(other, target)
                return True
        return False


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # some file systems have no hard links; a full disk makes the copy fail as well
        shutil.copyfile(source, target)


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
