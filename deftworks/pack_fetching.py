"""A bought pack from a shop to this disk: downloaded in as many goes as it takes, unpacked without trusting the archive, verified.

Nothing lies under its name before every byte of it was checked.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.errors import OrderError, PackTampered, SourceUnavailable

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey

    from skill_packs.verify import VerifiedPack

BLOCK = 2**20
ATTEMPTS = 4
PAUSE_S = 1.0
TIMEOUT_S = 60
REFUSED = (401, 403, 404, 410)


@dataclass(frozen=True)
class PackLink:
    """Where a pack's file is for some minutes, and what it must be."""

    url: str
    file_name: str
    size_bytes: int
    sha256: str
    pack_id: str

    @property
    def name(self) -> str:
        """Returns the name of the pack's folder."""
        return self.file_name.removesuffix(".tar")


def download(new_link: Callable[[], PackLink], folder: Path, show: Callable[[int, int], None]) -> tuple[PackLink, Path]:
    """Returns what was downloaded and where it lies. What an earlier try left is gone on with, `ATTEMPTS` times by itself.

    Raises:
        SourceUnavailable: the shop stopped answering; what is here is kept for the next time.
        PackTampered: what came is not what the shop said it would send; it is deleted.
    """
    for attempt in range(ATTEMPTS):
        link = new_link()
        part = folder / f".{link.file_name}.{link.sha256[:16]}.part"
        try:
            _go_on(link, part, show)
            break
        except OSError as error:  # URLError and broken connections are
            said = error
            time.sleep(PAUSE_S * attempt)
    else:
        raise SourceUnavailable(f"The download stopped: {said}.", hint="Run it again: it goes on where it stopped.")
    if part.stat().st_size != link.size_bytes or _sha256(part) != link.sha256:
        part.unlink()
        raise PackTampered(f"{link.file_name} is not what the shop announced.", hint="Get it again.")
    return link, part


def unpack(archive: Path, link: PackLink, folder: Path, trusted: Mapping[str, SSlibKey]) -> VerifiedPack:
    """Returns the verified pack, in its folder in `folder`. The archive is gone afterwards.

    Raises:
        PackTampered: the archive holds anything but plain files of this one pack, or the pack is another than announced.
        PackError: see `verify_pack`.
    """
    from skill_packs.verify import verify_pack

    scratch = folder / f".{link.name}.partial"
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        with tarfile.open(archive, "r:") as members:
            for member in members:
                _extract(members, member, scratch, link)
        verified = verify_pack(scratch / link.name, trusted)
        if verified.pack_id != link.pack_id:
            raise PackTampered(f"{link.file_name} holds another pack than was announced.", hint="Get it again.")
        (scratch / link.name).rename(folder / link.name)
    except tarfile.TarError as error:
        raise PackTampered(f"{link.file_name} is no archive: {error}.", hint="Get it again.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    archive.unlink()
    return verify_pack(folder / link.name, trusted)


def get_bytes(address: str, headers: Mapping[str, str], most: int) -> bytes:
    """Returns a small answer whole. Raises OSError; HTTPError among them."""
    with _open(address, headers) as answer:
        said = answer.read(most + 1)
    if len(said) > most:
        raise SourceUnavailable(f"{address} answers with more than {most} bytes.")
    return said


def _go_on(link: PackLink, part: Path, show: Callable[[int, int], None]) -> None:
    done = part.stat().st_size if part.exists() else 0
    if done >= link.size_bytes:
        return
    headers = {"Range": f"bytes={done}-", "If-Range": f'"{link.sha256}"'} if done else {}
    with _open(link.url, headers) as answer, part.open("r+b" if done else "wb") as writer:
        done = done if answer.status == 206 else 0
        writer.seek(done)
        writer.truncate()
        while block := answer.read(BLOCK):
            done += len(block)
            if done > link.size_bytes:
                break  # more than was announced: the digest will say so
            writer.write(block)
            show(done, link.size_bytes)
    if done < link.size_bytes:
        raise ConnectionError("the connection ended early")


def _open(address: str, headers: Mapping[str, str]) -> Any:
    from urllib.error import HTTPError
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class Stay(HTTPRedirectHandler):
        """A token or a signed link is for one shop: neither is carried on to where that sends."""

        def redirect_request(self, *_: Any) -> None:
            return None

    try:
        return build_opener(Stay()).open(Request(address, headers=dict(headers)), timeout=TIMEOUT_S)
    except HTTPError as error:
        if error.code in REFUSED:
            hint = "See what is yours: deftworks library list."
            raise OrderError(f"The shop does not hand it out ({error.code}).", hint=hint) from error
        raise


def _extract(members: tarfile.TarFile, member: tarfile.TarInfo, scratch: Path, link: PackLink) -> None:
    from skill_packs.layout import is_safe_path

    target = scratch / member.name
    is_inside = is_safe_path(member.name) and member.name.startswith(f"{link.name}/")
    # A sparse file says in 512 bytes that it is as large as the whole archive: thousands of them would fill the disk.
    if not member.isreg() or member.issparse() or not is_inside or target.exists() or member.size > link.size_bytes:
        raise PackTampered(
            f"{link.file_name} holds {member.name!r}, which does not belong into a pack.", hint="Get it again."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    reader = members.extractfile(member)
    if reader is None:
        raise PackTampered(f"{link.file_name}: {member.name!r} cannot be read.", hint="Get it again.")
    with reader, target.open("xb") as writer:
        shutil.copyfileobj(reader, writer, BLOCK)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
