"""What surrounds one case: a folder with the damaged dataset, the target, and everything that must stay as it is.

<sandbox>/source/    the dataset; nothing in it may change
<sandbox>/outside/   what hostile links and templates lead to
<sandbox>/tmp/       TMPDIR and working folder of the case; empty again afterwards
<sandbox>/target/    the only place that may be written
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TARGET = "target"
HASHED_BYTES = 2**24

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS_OF = {
    "os.mkdir": (0,), "os.remove": (0,), "os.rmdir": (0,), "os.rename": (0, 1), "os.link": (1,), "os.symlink": (1,),
    "os.truncate": (0,), "os.chmod": (0,), "os.chown": (0,), "os.utime": (0,), "open": (0,),
}  # fmt: skip
_FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect", "pickle.find_class")
_watched: dict[str, Any] = {"target": None, "seen": []}


def snapshot(sandbox: Path) -> dict[str, tuple]:
    """Returns what lies in the sandbox outside the target: kind, mode, size, time and content of every entry."""
    found: dict[str, tuple] = {}
    for folder, folders, names in os.walk(os.fsencode(sandbox)):
        if folder == os.fsencode(sandbox):
            folders.remove(os.fsencode(TARGET))
        for name in (*folders, *names):
            path = os.path.join(folder, name)  # noqa: PTH118 - bytes: names need not be text
            found[os.fsdecode(path)] = _describe(path)
    return found


def _describe(path: bytes) -> tuple:
    status = os.lstat(path)
    known = (stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode))
    if stat.S_ISLNK(status.st_mode):
        return (*known, os.readlink(path))  # noqa: PTH115
    if not stat.S_ISREG(status.st_mode):
        return known  # the time of a folder changes with its entries, which are compared themselves
    known += (status.st_size, status.st_mtime_ns)
    if status.st_size > HASHED_BYTES or not os.access(path, os.R_OK):
        return known
    with open(path, "rb") as file:  # noqa: PTH123 - bytes
        return (*known, hashlib.file_digest(file, "sha256").hexdigest())


def differences(before: dict[str, tuple], after: dict[str, tuple]) -> list[str]:
    """Returns a line for everything that was added, removed or changed between two snapshots."""
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    word = {True: "was changed", False: "was added"}
    return [f"{n!a} {'was removed' if n not in after else word[n in before]}" for n in changed]


@contextmanager
def watching(target: Path) -> Iterator[list[str]]:
    """Yields a list that fills with what Python writes outside `target` meanwhile, starts, or connects to.

    A file that is written and removed again shows here and in no snapshot.
    """
    if "hook" not in _watched:
        _watched["hook"] = True
        sys.addaudithook(_audit)
    _watched["seen"] = seen = []
    _watched["target"] = os.path.realpath(target)
    try:
        yield seen
    finally:
        _watched["target"] = None


def _audit(event: str, arguments: tuple) -> None:
    target = _watched["target"]
    if target is None:
        return
    if event in _FORBIDDEN:
        _watched["seen"].append(f"{event} {ascii(arguments)[:200]}")
    for place in _PATHS_OF.get(event, ()):
        path = arguments[place]
        is_reading = event == "open" and not (arguments[2] or 0) & _WRITING
        if is_reading or not isinstance(path, (str, bytes)) or _is_below(path, arguments, target):
            continue
        _watched["seen"].append(f"{event} {path!a}")


def _is_below(path: str | bytes, arguments: tuple, target: str) -> bool:
    text = os.fsdecode(path)
    if text == os.devnull:
        return True
    if not text.startswith("/") and isinstance(arguments[-1], int) and arguments[-1] >= 0:
        return True  # relative to an open folder, as shutil.rmtree does: the snapshot sees it
    folder, name = os.path.split(os.path.abspath(text))  # noqa: PTH100
    real = os.path.realpath(folder)
    return f"{real}/{name}/".startswith(f"{target}/")
