"""How errors are answered: one JSON shape, `{"error": {"code", "message", "hint"}}`, and a status for each kind of error.

What is the shop's own fault says nothing of its inside; the log does.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from data_contracts.errors import (
    AccountError,
    DeftworksError,
    LinkSpent,
    MarketplaceError,
    NotAllowed,
    NotSignedIn,
    SignInRefused,
    TooManyAttempts,
)

log = logging.getLogger(__name__)

STATUS: dict[type[DeftworksError], int] = {
    SignInRefused: 401,
    NotSignedIn: 401,
    NotAllowed: 403,
    LinkSpent: 404,
    TooManyAttempts: 429,
    AccountError: 400,
    MarketplaceError: 409,
}
"""The nearest class counts. What is not here is the shop's fault: 500. Other rooms of the API add theirs."""


class Said(BaseModel):
    """What went wrong: `code` for programs, `message` and `hint` for people."""

    code: str
    message: str
    hint: str = ""


class Failure(BaseModel):
    """The answer where something could not be done."""

    error: Said


DESCRIPTIONS = {
    400: "It cannot be as asked; the message says why.",
    401: "Nobody is signed in, or the token is none.",
    403: "A role, a scope or this site's own form is missing.",
    404: "There is no such thing, or not for who asks.",
    405: "Not with this method.",
    409: "Something else is in the way.",
    413: "The request is too large.",
    422: "The request breaks the schema.",
    429: "Tried too often; see Retry-After.",
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns OpenAPI's `responses` for errors: those that any route may answer, and the ones named."""
    return {
        status: {"model": Failure, "description": DESCRIPTIONS[status]} for status in sorted({400, 413, 422, *statuses})
    }


def status_of(error: DeftworksError) -> int:
    """Returns the HTTP status of an error."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def failure(
    status: int, code: str, message: str, hint: str = "", headers: dict[str, str] | None = None
) -> JSONResponse:
    """Returns an error as JSON."""
    said = {"code": code, "message": message, "hint": hint}
    return JSONResponse({"error": said}, status_code=status, headers=headers)


def answer_failures(app: FastAPI) -> None:
    """Makes every error of `app` an answer in the one shape."""
    app.add_exception_handler(DeftworksError, _deftworks_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


def headers_of(error: DeftworksError) -> dict[str, str]:
    """Returns the headers that belong to an error's status."""
    if isinstance(error, TooManyAttempts):
        return {"Retry-After": str(error.retry_after_s)}
    return {"WWW-Authenticate": "Bearer"} if status_of(error) == 401 else {}


def _deftworks_error(_request: Request, error: DeftworksError) -> JSONResponse:
    status = status_of(error)
    if status == 500:
        log.error("an answer failed", exc_info=error)
        return _ours()
    code = re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
    return failure(status, code, error.message, error.hint, headers_of(error))


def _http_error(_request: Request, error: HTTPException) -> JSONResponse:
    return failure(error.status_code, f"http_{error.status_code}", str(error.detail), headers=dict(error.headers or {}))


def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
    # What was sent is not repeated: it may be a password.
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]).encode("utf-8", "replace").decode()
    return failure(422, "invalid_request", f"{where}: {first['msg']}.", "See openapi.json for what is taken.")


def _unexpected(_request: Request, error: Exception) -> JSONResponse:
    log.error("an answer failed", exc_info=error)
    return _ours()


def _ours() -> JSONResponse:
    return failure(500, "internal", "Something went wrong in the shop.", "It is in its log. Try again later.")
