"""One file of a pinned commit into a folder: resumed where it was cut, and there only once it is what the commit lists."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import httpx2

from curation.sources.hub.client import BEYOND_THE_END, Hub
from curation.sources.hub.disk import writing
from curation.sources.hub.patience import current_patience
from curation.sources.hub.tree import RemoteFile
from curation.sources.hub.verify import feed, first_bytes, named_difference, new_hash
from data_contracts.errors import NotAsPinned, SourceUnavailable

NUM_ATTEMPTS = 3
"""How often content that differs is fetched anew before the dataset is put aside."""
SLOWEST_BYTES_PER_S = 10_000
"""What comes more slowly is time lost, and after GRACE_S is cut off."""
GRACE_S = 60.0


class Commit(NamedTuple):
    """Where a file comes from."""

    hub: Hub
    repo_id: str
    sha: str


def download(commit: Commit, file: RemoteFile, incoming: Path, target: Path) -> None:
    """Brings a file to `target`. `incoming` holds what came so far, also from a process that was killed.

    Raises:
        NotAsPinned: what is sent differs from what the commit lists, time and again.
        SourceUnavailable, Gone, Gated: it is not sent.
        LakeError: it cannot be written.
    """
    with writing(target):
        incoming.parent.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
    found = None
    for _ in range(NUM_ATTEMPTS):
        found = _receive_all(commit, file, incoming)
        if found is None:
            with writing(target):
                incoming.replace(target)
            return
        incoming.unlink()
    message = f"{commit.repo_id} at {commit.sha[:12]} is not what its commit lists. {found}."
    raise NotAsPinned(message, hint=f"Fetched {NUM_ATTEMPTS} times; tell its owner.")


def _receive_all(commit: Commit, file: RemoteFile, incoming: Path) -> str | None:
    """Receives until all bytes are there, resuming after cuts, and returns how the result differs, or None."""
    patience, failures = current_patience(), 0
    while True:
        started, size_before = time.monotonic(), _size(incoming)
        try:
            return _receive(commit, file, incoming)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            elapsed_s = time.monotonic() - started
            has_come_on = _size(incoming) - size_before > SLOWEST_BYTES_PER_S * elapsed_s
            failures = 1 if has_come_on else failures + 1
            what = f"{file.path} of {commit.repo_id} was cut off again and again ({type(error).__name__})"
            if patience is None:
                raise SourceUnavailable(f"{what}.", hint="Try again later.") from error
            patience.lose(0.0 if has_come_on else elapsed_s)
            patience.pause(what, failures)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _receive(commit: Commit, file: RemoteFile, incoming: Path) -> str | None:
    digest = new_hash(file)
    size = feed(digest, incoming) if incoming.exists() else 0
    if size >= file.size_bytes and size:
        return named_difference(file, size, digest.hexdigest(), first_bytes(incoming))
    with commit.hub.open(commit.repo_id, commit.sha, file.path, size) as response:
        if response.status_code == BEYOND_THE_END:
            incoming.unlink(missing_ok=True)
            raise httpx2.RemoteProtocolError("the rest of the file was refused")
        if not _continues_at(response, size):
            size, digest = 0, new_hash(file)
        started, num_bytes = time.monotonic(), 0
        with writing(incoming), incoming.open("ab" if size else "wb") as sink:
            for block in response.iter_bytes():  # as they come: a larger block would be lost with a cut
                sink.write(block)
                digest.update(block)
                num_bytes += len(block)
                if size + num_bytes > file.size_bytes:
                    break  # more than there can be: the difference will say so
                _check_pace(num_bytes, time.monotonic() - started)
    return named_difference(file, size + num_bytes, digest.hexdigest(), first_bytes(incoming))


def _continues_at(response: httpx2.Response, size: int) -> bool:
    """Returns True where the body starts at byte `size`; a server may ignore the range and send everything."""
    if size == 0:
        return True
    starts = response.headers.get("content-range", "").startswith(f"bytes {size}-")
    return response.status_code == 206 and starts


def _check_pace(num_bytes: int, elapsed_s: float) -> None:
    if elapsed_s > GRACE_S and num_bytes < SLOWEST_BYTES_PER_S * elapsed_s:
        raise httpx2.ReadTimeout(f"{num_bytes} bytes in {elapsed_s:.0f} s")
