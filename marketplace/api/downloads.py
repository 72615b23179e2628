"""What a buyer takes home: packs by links that hold for minutes, licence files, and the public key to check both with.

A link is all that a download needs, so that any program can resume it; what it gives is asked of the purchase at every request.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import FileResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from data_contracts.errors import LinkExpired, NotEntitled, NotFound
from marketplace.api.callers import Caller, require_scope, shop_of, visitor_of
from marketplace.api.failures import DESCRIPTIONS, STATUS, documented
from marketplace.database import read, write
from marketplace.downloads import Bundle, opened_link, record_download
from marketplace.entitlements import entitlement_of
from marketplace.licence_files import SUFFIX, licence_of, sign_licence
from marketplace.shelf import versions_on_shelf
from marketplace.shop import Shop

router = APIRouter(tags=["downloads"])


STATUS |= {NotFound: 404, LinkExpired: 410, NotEntitled: 403}
DESCRIPTIONS |= {410: "The link has expired; ask for a new one.", 416: "There are no such bytes."}
TAR = "application/x-tar"
BYTES = {"content": {TAR: {"schema": {"type": "string", "format": "binary"}}}}
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/\d+")
EntitlementId = Annotated[str, Path(max_length=64, description="Of the purchase: `ent_…`.")]
Version = Annotated[str, Path(max_length=64, examples=["1.0.0"])]


class RecordedFile(FileResponse):
    """A file whose handed out bytes are told to `record(first, last)` before they leave. Range and If-Range are FileResponse's."""

    def __init__(self, bundle: Bundle, record: Callable[[int, int], None]) -> None:
        digest = bundle.sha256.removeprefix("sha256:")
        headers = {"ETag": f'"{digest}"', "X-Content-SHA256": digest, "Content-Encoding": "identity"}
        # Said to be encoded, as identity: else a middleware would compress it for browsers, and a resumed download would be
        # pieces of two different things.
        super().__init__(bundle.path, headers=headers, filename=bundle.name, media_type=TAR)
        self._record, self._size = record, bundle.size_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = MutableHeaders(scope=scope)
        if "," in headers.get("range", ""):
            del headers["range"]  # several ranges at once: all of it is an allowed answer (RFC 9110, 14.2)

        async def send_recorded(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["method"] == "GET":
                span = _span(message, self._size)
                if span:
                    await run_in_threadpool(self._record, *span)
            await send(message)

        await super().__call__(scope, receive, send_recorded)


@router.head("/download/{entitlement}/{version}", include_in_schema=False)
@router.get(
    "/download/{entitlement}/{version}",
    response_class=FileResponse,
    responses={
        **documented(403, 404, 410),
        200: {"description": "The pack as a tar file; ETag and X-Content-SHA256 are its digest.", **BYTES},
        206: {"description": "The part that Range asks for.", **BYTES},
        416: {"description": DESCRIPTIONS[416]},
    },
)
def download(
    request: Request,
    entitlement: EntitlementId,
    version: Version,
    expires: Annotated[int, Query(ge=0, le=2**53)],
    signature: Annotated[str, Query(max_length=128)],
) -> Response:
    """Gives a pack, or the rest of it. No session or token is asked for: the link is signed, for one purchase and some minutes."""
    shop, remote = shop_of(request), visitor_of(request).address
    bundle = _opened(shop, entitlement, version, expires, signature)

    def record(first: int, last: int) -> None:
        with write(shop.engine) as connection:
            record_download(connection, entitlement, version, bundle.pack_id, (first, last), remote, shop.now())

    return RecordedFile(bundle, record)


@router.get(
    "/licence/{entitlement}",
    response_class=Response,
    responses={
        **documented(401, 403, 404, 429),
        200: {"description": "The licence file.", "content": {"application/json": {"schema": {"type": "object"}}}},
    },
)
def licence(
    request: Request, entitlement: EntitlementId, caller: Annotated[Caller, Depends(require_scope("download"))]
) -> Response:
    """Gives the signed licence file of a purchase that holds. `deftworks licence check` reads it offline."""
    from skill_packs.signing import open_signing_key

    shop = shop_of(request)
    with read(shop.engine) as connection:
        owned = entitlement_of(connection, entitlement, caller.person.id)
    if not owned.is_active:
        raise NotEntitled("This purchase was given back or is disputed: no new licence file is made for it.")
    signed = sign_licence(licence_of(owned, shop.settings), open_signing_key(shop.lake.keys))
    name = f"{owned.skill_id}-{owned.version}{SUFFIX}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(signed, media_type="application/json", headers=headers)


@router.get(
    "/public-key",
    response_class=Response,
    responses={
        **documented(404),
        200: {"description": "PEM.", "content": {"application/x-pem-file": {"schema": {"type": "string"}}}},
    },
)
def public_key(request: Request) -> Response:
    """Gives the public key that packs and licence files are signed with. Also get it by another way before you rely on it."""
    from skill_packs.signing import SIGNING_KEY, TRUSTED, open_signing_key

    keys = shop_of(request).lake.keys
    if not (keys / SIGNING_KEY).exists():
        raise NotFound("This shop has signed nothing yet.")
    pem = (keys / TRUSTED / f"{open_signing_key(keys).public_key.keyid}.pem").read_bytes()
    headers = {"Content-Disposition": 'attachment; filename="deftworks.pem"'}
    return Response(pem, media_type="application/x-pem-file", headers=headers)


def _opened(shop: Shop, entitlement: str, version: str, expires: int, signature: str) -> Bundle:
    with read(shop.engine) as connection:
        try:
            owned = entitlement_of(connection, entitlement)
            on_shelf = versions_on_shelf(shop.lake).get(owned.skill_id)
            return opened_link(connection, shop.lake, on_shelf, entitlement, version, expires, signature, shop.now())
        except NotFound as error:  # no purchase, another's or an altered link: the answer is the same
            raise NotFound("There is no such download.", hint="Ask for a new link in your library.") from error


def _span(start: Message, size: int) -> tuple[int, int] | None:
    """Returns the first and last byte that an answer hands out; None where it hands out none."""
    if start["status"] == 200:
        return 0, size - 1
    if start["status"] == 206:
        said = CONTENT_RANGE.fullmatch(MutableHeaders(raw=list(start["headers"]))["content-range"])
        return (int(said[1]), int(said[2])) if said else None
    return None
