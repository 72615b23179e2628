"""What holds for every page: no other site puts it into a frame, and none opens its websocket. The HTTP API has guards of its own.

Streamlit lets pages of any port of localhost open the websocket, which would be signed in with this browser's cookie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketClose

from marketplace.api.origins import is_own_origin

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from marketplace.settings import ShopSettings

HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class PageGuards:
    """ASGI middleware. A route's own header wins over the one that is set here."""

    def __init__(self, app: ASGIApp, settings: ShopSettings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not self._is_ours(HTTPConnection(scope)):
            await WebSocketClose()(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_guarded)

    def _is_ours(self, handshake: HTTPConnection) -> bool:
        # Browsers always say where a websocket begins: what says nothing is a program, which has no cookie but its own.
        origin = handshake.headers.get("origin")
        return origin is None or is_own_origin(handshake, origin, self.settings)
