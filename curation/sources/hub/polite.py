"""The HTTP client that `huggingface_hub` sends everything through: with time limits, and with patience in place of repeats.

It is installed by the client's own way to do so (`set_client_factory`) and behaves as the client's default one wherever no
`patience` is in force, so other users of `huggingface_hub` in this process notice nothing.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx2
from huggingface_hub import set_client_factory
from huggingface_hub.utils._http import default_client_factory

from curation.sources.hub.patience import PAUSE, asked_pause, current_patience

REFUSALS = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which asking again makes sense."""
CONNECT_S = 10.0
SILENCE_S = 20.0
"""Longest time without a byte."""
ANSWER_S = 60.0
"""Longest time for an answer that is read as a whole; files are watched by `download`."""
LARGEST_ANSWER = 64 * 2**20

_lock = threading.Lock()
_is_installed = False


def install() -> None:
    """Has `huggingface_hub` use this client from now on. Once per process: an exchange closes the connections in use."""
    global _is_installed
    with _lock:
        if not _is_installed:
            set_client_factory(_new_client)
            _is_installed = True


def _new_client() -> PoliteClient:
    with default_client_factory() as default:
        hooks = default.event_hooks
    return PoliteClient(event_hooks=hooks, follow_redirects=True, timeout=None)


class PoliteClient(httpx2.Client):
    """Sends a request again while `patience` allows, and reads short answers whole before it believes them."""

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Returns an answer that is no refusal.

        Raises:
            SourceUnavailable: none came before patience ended.
        """
        patience = current_patience()
        if patience is None or request.method not in ("GET", "HEAD"):
            return super().send(request, stream=stream, **options)
        silence_s = min(SILENCE_S, max(patience.total_s, 1.0))
        limits = httpx2.Timeout(silence_s, connect=min(CONNECT_S, silence_s))
        request.extensions = {**request.extensions, "timeout": limits.as_dict()}
        failures = 0
        while True:
            PAUSE.wait()
            started, asked_s = time.monotonic(), None
            try:
                response = super().send(request, stream=True, **options)
                if response.status_code not in REFUSALS:
                    return response if stream else _whole(response, started)
                what, asked_s = f"answered {response.status_code}", asked_pause(response.headers)
                response.close()
            except (httpx2.TransportError, httpx2.DecodingError) as error:
                what = f"does not answer ({type(error).__name__})"
            failures += 1
            patience.lose(time.monotonic() - started)
            patience.pause(f"The Hub {what}: {request.url.path}", failures, asked_s)


def _whole(response: httpx2.Response, started: float) -> httpx2.Response:
    """Returns the answer with its body read, so that a body which is cut short counts as a failure of the request."""
    body = bytearray()
    try:
        for part in response.iter_raw():
            body += part
            if time.monotonic() - started > ANSWER_S or len(body) > LARGEST_ANSWER:
                raise httpx2.ReadTimeout(f"no end after {len(body)} bytes", request=response.request)
    finally:
        response.close()
    return httpx2.Response(
        response.status_code,
        headers=response.headers,
        content=bytes(body),
        request=response.request,
        history=response.history,
        extensions=response.extensions,
    )
