"""HTTP: keys, parameters, faults, idempotency and Stripe's errors around the routes; and two pages for people."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
import secrets
from typing import Any

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response

from marketplace.local_payments.bank import Bank, Call
from marketplace.local_payments.checkout_page import add_pages
from marketplace.local_payments.connection import cut
from marketplace.local_payments.errors import Refused, rate_limited, server_error, unknown_route
from marketplace.local_payments.faults import REQUEST_KINDS, Fault
from marketplace.local_payments.idempotency import (
    LONGEST_KEY,
    Answer,
    InProgress,
    keep_answer,
    kept_answer,
    request_hash,
)
from marketplace.local_payments.parameters import decode
from marketplace.local_payments.passage import pass_time
from marketplace.local_payments.routes import ROUTES, Route
from marketplace.local_payments.settings import API_VERSION
from marketplace.local_payments.store import PLATFORM
from marketplace.local_payments.views import expand, present

LONGEST_BODY = 1_000_000
OWN_NAMES = ("127.0.0.1", "localhost")


def create_app(bank: Bank, api_key: str) -> FastAPI:
    """Returns the server. It answers only who has the key, except on its pages and at /health."""
    app = FastAPI(title="Local test payments", openapi_url=None, docs_url=None, redoc_url=None)
    # A site whose name is made to lead here (DNS rebinding) would be this server's own page to a browser.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=OWN_NAMES)
    in_progress = InProgress()
    for route in ROUTES:
        if bank.faults.enabled or not route.control:
            app.add_api_route(route.path, _endpoint(bank, route, api_key, in_progress), methods=[route.method])
    add_pages(app, bank)

    @app.get("/health")
    def health() -> dict[str, Any]:
        return {"object": "health", "test_money": True, "faults": bank.faults.enabled}

    @app.exception_handler(HTTPException)
    async def not_here(request: Request, _: HTTPException) -> Response:
        return _refusal(unknown_route(request.method, request.scope["path"][:200]))

    return app


def _endpoint(bank: Bank, route: Route, api_key: str, in_progress: InProgress) -> Any:
    async def endpoint(request: Request) -> Response:
        key = None
        try:
            _authenticate(request.headers.get("authorization", ""), api_key)
            fault = (
                None if route.control else bank.faults.take(REQUEST_KINDS, f"{route.method} {request.scope['path']}")
            )
            if fault and fault.kind == "rate_limited":
                raise rate_limited()
            owner = request.headers.get("stripe-account", PLATFORM)
            key = _key(request, route, owner)
            raw = await _read(request)
            with in_progress.hold(key):
                return await _serve(bank, route, request, raw, owner, key, fault)
        except Refused as refused:
            return _refusal(refused, key)

    return endpoint


async def _serve(
    bank: Bank, route: Route, request: Request, raw: bytes, owner: str, key: str | None, fault: Fault | None
) -> Response:
    kind = fault.kind if fault else None
    if kind == "error_500_before":
        raise server_error()
    if fault and kind == "delay":
        await asyncio.sleep(fault.seconds)
    given = decode(b"&".join(part for part in (request.scope["query_string"], raw) if part))
    call = Call(bank, owner, request.path_params, route.check(given, ""))
    hashed = request_hash(route.method, request.scope["path"], given)
    answer = await run_in_threadpool(answer_call, route, call, key, hashed)
    if kind == "error_500_after_commit":
        raise server_error()
    if fault and kind == "timeout_after_commit":
        await asyncio.sleep(fault.seconds)
        await cut(request)
    return _response(answer, key)


def answer_call(route: Route, call: Call, key: str | None, hashed: str) -> Answer:
    """Returns what a request is answered, having done it and kept the answer, in one transaction. Refusals are kept too."""
    store = call.store
    pass_time(call.bank)
    if route.method == "GET":
        with store.reading():
            return _attempt(route, call)
    with store.transaction():
        before = kept_answer(store, key, hashed) if key else None
        if before:
            return before
        answer = _attempt(route, call)
        if key:
            keep_answer(store, key, hashed, answer)
        return answer


def _attempt(route: Route, call: Call) -> Answer:
    try:
        with call.store.attempt():
            _check_owner(route, call)
            shown = present(route.handle(call), call.store.now())
            shown = expand(call.store, shown, call.params.get("expand", []))
    except Refused as refused:
        return Answer(refused.status, json.dumps(refused.body))
    return Answer(200, json.dumps(shown))


def _check_owner(route: Route, call: Call) -> None:
    if call.owner == PLATFORM:
        return
    if call.store.find(PLATFORM, "account", call.owner) is None:
        raise Refused(
            f"The provided key does not have access to account {call.owner[:100]!r} (or that account does not exist).",
            status=403,
            code="account_invalid",
        )
    if not route.connected:
        raise Refused("Local test payments do not have this route for connected accounts.")


def _authenticate(header: str, api_key: str) -> None:
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode("utf-8", "replace").partition(":")[0]
        except binascii.Error:
            given = ""
    if scheme.lower() not in ("basic", "bearer") or not given.strip():
        raise Refused("You did not provide an API key in the Authorization header (Bearer auth).", status=401)
    if not hmac.compare_digest(given.strip().encode(), api_key.encode()):
        raise Refused("Invalid API Key provided.", status=401)


def _key(request: Request, route: Route, owner: str) -> str | None:
    key = request.headers.get("idempotency-key")
    if not key or route.method != "POST" or route.control:
        return None
    if len(key) > LONGEST_KEY:
        raise Refused(f"Idempotency keys have at most {LONGEST_KEY} characters.", kind="idempotency_error")
    return f"{owner}\n{key}"


async def _read(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LONGEST_BODY:
            raise Refused("The request is too large.", status=413)
        parts.append(part)
    return b"".join(parts)


def _response(answer: Answer, key: str | None) -> Response:
    headers = {"Request-Id": f"req_{secrets.token_hex(7)}", "Stripe-Version": API_VERSION, "Cache-Control": "no-store"}
    if key:
        headers["Idempotency-Key"] = key.partition("\n")[2].encode("ascii", "replace").decode()
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(answer.body, answer.status, headers, media_type="application/json")


def _refusal(refused: Refused, key: str | None = None) -> Response:
    return _response(Answer(refused.status, json.dumps(refused.body)), key)
