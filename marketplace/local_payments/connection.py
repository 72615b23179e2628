"""The connections of clients, so that a fault can cut one without an answer."""

from __future__ import annotations

import asyncio

from fastapi import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

_OPEN: dict[tuple[str, int], asyncio.Transport] = {}


class CuttableProtocol(H11Protocol):
    """Uvicorn's own protocol; remembers whose connection is whose."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client:
            _OPEN[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.client:
            _OPEN.pop(self.client, None)


async def cut(request: Request) -> None:
    """The client sees its connection end. What is answered afterwards goes nowhere."""
    transport = _OPEN.get((request.client.host, request.client.port)) if request.client else None
    if transport is not None:
        transport.abort()
        await asyncio.sleep(0)
