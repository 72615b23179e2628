"""What holds for every answer: headers that browsers obey, how large a request may be, and no secret in the log of requests."""

from __future__ import annotations

import logging
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marketplace.api.failures import DESCRIPTIONS, failure

LARGEST_BODY = 2**20
SILENT = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_SECRET = re.compile(r"(/one-time/|[?&](?:sig|signature|token|key)=)[^\s?&/\"]+")


class Guards:
    """ASGI middleware. A route's own header wins over the one that is set here."""

    def __init__(self, app: ASGIApp, *, is_secure: bool, largest_body: int = LARGEST_BODY) -> None:
        self.app = app
        self.largest_body = largest_body
        self.headers = {
            "Content-Security-Policy": SILENT,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",  # no-referrer would make browsers send `Origin: null` with our own forms
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Cache-Control": "no-store",
        }
        if is_secure:
            self.headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self.largest_body:
            await failure(413, "too_large", DESCRIPTIONS[413])(scope, receive, send_guarded)
            return
        await self.app(scope, self._counted(receive), send_guarded)

    def _counted(self, receive: Receive) -> Receive:
        size = 0

        async def receive_counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.largest_body:
                raise HTTPException(413, DESCRIPTIONS[413])
            return message

        return receive_counted


class HideSecrets(logging.Filter):
    """Takes one-time links and signatures out of what uvicorn writes of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(hidden(arg) if isinstance(arg, str) else arg for arg in record.args)
        return True


def hidden(text: str) -> str:
    """Returns a line of a log without secrets that were part of an address."""
    return _SECRET.sub(r"\1…", text)


def hide_secrets_in_access_log() -> None:
    """Makes uvicorn's log of requests tell no secret."""
    log = logging.getLogger("uvicorn.access")
    if not any(isinstance(known, HideSecrets) for known in log.filters):
        log.addFilter(HideSecrets())
