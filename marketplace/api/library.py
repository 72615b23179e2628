"""JSON about what somebody owns: their library, and links to download from it. For scripts and the command line."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from marketplace.api.callers import Caller, require_scope, shop_of
from marketplace.api.downloads import EntitlementId
from marketplace.api.failures import documented
from marketplace.database import read
from marketplace.downloads import bundle_of, signed_path
from marketplace.entitlements import downloadable, entitlement_of, entitlements_of
from marketplace.shelf import versions_on_shelf

router = APIRouter(tags=["purchases"])
Reader = Annotated[Caller, Depends(require_scope("read"))]
Downloader = Annotated[Caller, Depends(require_scope("download"))]


class Purchase(BaseModel):
    """Something in the library. `versions` may be downloaded now, oldest first: none after a refund."""

    entitlement: str
    skill_id: str
    bought_version: str
    is_active: bool
    num_robots: int
    granted_at: str
    versions: list[str]


class Link(BaseModel):
    """Where to download, for some minutes. Range requests go on where a download stopped."""

    url: str
    version: str
    file_name: str
    size_bytes: int
    sha256: str = Field(description="Of the file, in hexadecimal.")
    pack_id: str = Field(description="Digest of the pack's manifest.")
    expires_in_s: int


@router.get("/library", responses=documented(401, 403, 429))
def list_library(request: Request, caller: Reader) -> list[Purchase]:
    """Everything that who asks bought or was given, newest first."""
    shop = shop_of(request)
    on_shelf = versions_on_shelf(shop.lake)
    with read(shop.engine) as connection:
        return [
            Purchase(
                entitlement=owned.id, skill_id=owned.skill_id, bought_version=owned.version, is_active=owned.is_active,
                num_robots=owned.num_robots, granted_at=owned.granted_at,
                versions=[path.name for path in downloadable(connection, shop.lake, owned, on_shelf.get(owned.skill_id))],
            )
            for owned in entitlements_of(connection, caller.person.id)
        ]  # fmt: skip


@router.post("/library/{entitlement}/link", responses=documented(401, 403, 404, 429))
def make_link(
    request: Request,
    entitlement: EntitlementId,
    caller: Downloader,
    version: Annotated[str | None, Query(max_length=64, description="The newest one, unless said.")] = None,
) -> Link:
    """Makes a link to download a version of a purchase with."""
    shop = shop_of(request)
    with read(shop.engine) as connection:
        owned = entitlement_of(connection, entitlement, caller.person.id)
        on_shelf = versions_on_shelf(shop.lake).get(owned.skill_id)
        offered = [path.name for path in downloadable(connection, shop.lake, owned, on_shelf)]
        wanted = version or (offered[-1] if offered else owned.version)
        bundle = bundle_of(connection, shop.lake, owned, wanted, on_shelf)
    return Link(
        url=shop.settings.address + signed_path(shop.lake, owned, wanted, shop.settings, shop.now()),
        version=wanted, file_name=bundle.name, size_bytes=bundle.size_bytes,
        sha256=bundle.sha256.removeprefix("sha256:"), pack_id=bundle.pack_id,
        expires_in_s=shop.settings.licences.link_lifetime_s,
    )  # fmt: skip
