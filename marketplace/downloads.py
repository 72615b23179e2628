"""Downloads: a pack version as one file, and links to it that hold for minutes and for one purchase.

<lake>/downloads/<pack id>.tar          the pack's folder, the same bytes whenever it is made
<lake>/downloads/<pack id>.tar.sha256   its digest
<lake>/keys/link_key                    what links are signed with

A link is HMAC-SHA256 over method, purchase, version and expiry. Whoever has it may download until it expires, as long as the purchase
holds: both are looked at again at every request. Weights never pass through a page.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tarfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import Connection, insert, select

from data_contracts.errors import LinkExpired, NotEntitled, NotFound
from data_contracts.layout import Lake
from data_contracts.stages import file_sha256, write_text
from marketplace.entitlements import Entitlement, downloadable, entitlement_of
from marketplace.ledger import moment
from marketplace.order_tables import download
from marketplace.settings import ShopSettings
from skill_packs.layout import PACK, walk

LINK_KEY = "link_key"
ROUTE = "/api/download"


@dataclass(frozen=True)
class Bundle:
    """A pack version as one file."""

    path: Path
    name: str
    size_bytes: int
    sha256: str
    pack_id: str


@dataclass(frozen=True)
class Download:
    """That bytes were handed out: `first_byte` to `last_byte` of a bundle."""

    entitlement_id: str
    version: str
    first_byte: int
    last_byte: int
    remote: str
    at: str


def bundle(lake: Lake, folder: Path) -> Bundle:
    """Returns a pack's bundle, made when it is first asked for.

    Names, order, times and owners in it depend on the pack alone, so that its digest can be shown before and checked after.
    """
    pack_id = file_sha256(folder / PACK)
    path = lake.home / "downloads" / f"{pack_id.removeprefix('sha256:')}.tar"
    digest_path = path.with_suffix(".tar.sha256")
    name = f"{folder.parent.name}-{folder.name}"
    if not (path.is_file() and digest_path.is_file()):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            with tarfile.open(scratch, "w", format=tarfile.PAX_FORMAT) as archive:
                for inner in sorted(walk(folder)):
                    info = tarfile.TarInfo(f"{name}/{inner}")
                    info.size, info.mode = (folder / inner).stat().st_size, 0o644
                    with (folder / inner).open("rb") as file:
                        archive.addfile(info, file)
            write_text(digest_path, file_sha256(scratch))
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)
    return Bundle(path, f"{name}.tar", path.stat().st_size, digest_path.read_text(), pack_id)


def signed_path(lake: Lake, owned: Entitlement, version: str, settings: ShopSettings, now: datetime) -> str:
    """Returns the path and query of a link, to be put behind the shop's address."""
    expires = int(now.timestamp()) + settings.licences.link_lifetime_s
    signature = _signature(lake, owned.id, version, expires)
    return f"{ROUTE}/{owned.id}/{version}?{urlencode({'expires': expires, 'signature': signature})}"


def opened_link(
    connection: Connection, lake: Lake, on_shelf: str | None, entitlement_id: str, version: str, expires: int, signature: str,
    now: datetime,
) -> Bundle:  # fmt: skip
    """Returns what a link leads to.

    Raises:
        NotFound: nobody made such a link, or it was altered.
        LinkExpired: it is too old.
        NotEntitled: the purchase does not hold any more.
    """
    if not hmac.compare_digest(signature.encode(), _signature(lake, entitlement_id, version, expires).encode()):
        raise NotFound("There is no such download.", hint="Ask for a new link in your library.")
    if expires < now.timestamp():
        raise LinkExpired(
            "The link has expired.", hint="Ask for a new one in your library; the download goes on where it stopped."
        )
    return bundle_of(connection, lake, entitlement_of(connection, entitlement_id), version, on_shelf)


def bundle_of(connection: Connection, lake: Lake, owned: Entitlement, version: str, on_shelf: str | None) -> Bundle:
    """Returns a version that a purchase may download. Raises NotEntitled where it may not."""
    for folder in downloadable(connection, lake, owned, on_shelf):
        if folder.name == version:
            return bundle(lake, folder)
    raise NotEntitled(
        f"{owned.skill_id} {version} cannot be downloaded with this purchase.",
        hint="It was given back, is disputed, was recalled, or is another major version.",
    )


def record_download(
    connection: Connection, entitlement_id: str, version: str, pack_id: str, span: tuple[int, int], remote: str, now: datetime
) -> None:  # fmt: skip
    """Writes down that bytes `span`, first and last, are handed out."""
    connection.execute(
        insert(download).values(
            id=f"dl_{secrets.token_hex(12)}", entitlement_id=entitlement_id, version=version, pack_id=pack_id,
            first_byte=span[0], last_byte=span[1], remote=remote, at=moment(now),
        )
    )  # fmt: skip


def downloads_of(connection: Connection, entitlement_id: str) -> list[Download]:
    """Returns what was handed out for a purchase, newest first."""
    wanted = select(download).where(download.c.entitlement_id == entitlement_id).order_by(download.c.at.desc())
    names = Download.__dataclass_fields__
    return [Download(**{name: getattr(row, name) for name in names}) for row in connection.execute(wanted)]


def _signature(lake: Lake, entitlement_id: str, version: str, expires: int) -> str:
    said = "\n".join(("GET", entitlement_id, version, str(expires)))
    return hmac.new(_link_key(lake), said.encode(), hashlib.sha256).hexdigest()


def _link_key(lake: Lake) -> bytes:
    path = lake.keys / LINK_KEY
    if not path.exists():
        lake.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = path.with_name(f".{LINK_KEY}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        try:
            path.hardlink_to(scratch)
        except FileExistsError:  # another process was first
            pass
        finally:
            scratch.unlink()
    return path.read_bytes()
